//! Bringing many people in at once.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sqlx::{Connection, PgConnection};

use super::new_user::NewUser;
use super::store;
use crate::access::{self, PersonChange};
use crate::audit::{self, Actor, AuditAction, AuditedRecord};
use crate::error::{Error, FieldError};
use crate::identity::{Caller, Role, UserId};

/// The most people in one import.
const MAX_ROWS: usize = 1_000;

/// What becomes of the valid rows if others are invalid.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportMode {
    /// The valid rows are written.
    #[default]
    Partial,
    /// No row is written, nor if one of them is there already.
    AllOrNothing,
}

/// What becomes of people who are there already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExistingMode {
    /// They stay as they are.
    #[default]
    Skip,
    /// They get the row's address, name and role.
    Update,
}

/// A body of `POST /v1/users/import`. Each row is read by itself, so that an invalid one is
/// reported with its index.
#[derive(Deserialize, garde::Validate, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportRequest {
    #[serde(default)]
    #[garde(skip)]
    mode: ImportMode,
    #[serde(default)]
    #[garde(skip)]
    existing: ExistingMode,
    #[garde(length(min = 1, max = MAX_ROWS))]
    #[schemars(with = "Vec<NewUser>")]
    users: Vec<Box<RawValue>>,
}

/// The broken rule of one row, without its values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct RowError {
    /// Where the row stood, from 0.
    pub index: usize,
    /// The field, and the rule that it breaks.
    #[serde(flatten)]
    pub error: FieldError,
}

/// The outcome of an import.
#[derive(Serialize, schemars::JsonSchema)]
pub struct ImportResult {
    /// How many people were written.
    pub imported: usize,
    /// How many people who were there already are now as their rows say.
    pub updated: usize,
    /// The indices of the rows whose id or e-mail address was there already, or stood in an earlier
    /// row.
    pub skipped: Vec<usize>,
    /// The invalid rows.
    pub errors: Vec<RowError>,
    /// The people whose role counts now instead of their tokens'.
    #[serde(skip)]
    pub role_changes: Vec<PersonChange>,
}

/// The rows of an import, sorted by what can be done with them.
#[derive(Default)]
struct SortedRows {
    valid: Vec<ValidRow>,
    /// The indices of those whose id stood in an earlier row.
    repeated: Vec<usize>,
    invalid: Vec<RowError>,
}

struct ValidRow {
    index: usize,
    user: NewUser,
}

impl ImportRequest {
    /// Whether people who are there already get what their rows say, and so other roles.
    pub fn is_update(&self) -> bool {
        self.existing == ExistingMode::Update
    }

    /// Writes the rows in one transaction. In the mode [`ImportMode::AllOrNothing`], an invalid row
    /// or one that is skipped means that none is written.
    pub async fn run(
        self,
        connection: &mut PgConnection,
        caller: &Caller,
    ) -> Result<ImportResult, Error> {
        let tenant = &caller.tenant;
        let must_be_whole = self.mode == ImportMode::AllOrNothing;
        let mut rows = self.sort_rows();
        if self.is_update() {
            rows.refuse_own_role(caller);
        }
        if must_be_whole && !rows.invalid.is_empty() {
            return Ok(ImportResult::of_nothing(rows.repeated, rows.invalid));
        }

        let mut transaction = connection.begin().await?;
        if self.existing == ExistingMode::Update {
            access::store::lock_roles(&mut transaction, caller).await?;
        }
        let users = rows.valid.iter().map(|row| &row.user);
        let written = store::insert(&mut transaction, tenant, users.clone()).await?;
        let updated = match self.existing {
            ExistingMode::Skip => HashSet::new(),
            ExistingMode::Update => {
                let existing = users.filter(|user| !written.contains(&user.id));
                store::update(&mut transaction, tenant, existing).await?
            }
        };

        let is_done = |id| written.contains(id) || updated.contains(id);
        let skipped = rows.valid.iter().filter(|row| !is_done(&row.user.id));
        let mut all_skipped = rows.repeated;
        all_skipped.extend(skipped.map(|row| row.index));
        all_skipped.sort_unstable();
        if must_be_whole && !all_skipped.is_empty() {
            transaction.rollback().await?;
            return Ok(ImportResult::of_nothing(all_skipped, rows.invalid));
        }

        let role_changes = match self.existing {
            ExistingMode::Skip => Vec::new(),
            ExistingMode::Update => {
                let done = rows.valid.iter().filter(|row| is_done(&row.user.id));
                let others = done.filter(|row| row.user.id != caller.user);
                let roles = others.map(|row| (row.user.id.clone(), row.user.role));
                record_roles(&mut transaction, caller, &roles.collect::<Vec<_>>()).await?
            }
        };
        transaction.commit().await?;
        Ok(ImportResult {
            imported: written.len(),
            updated: updated.len(),
            skipped: all_skipped,
            errors: rows.invalid,
            role_changes,
        })
    }

    fn sort_rows(&self) -> SortedRows {
        let mut rows = SortedRows::default();
        let mut ids = HashSet::new();

        for (index, row) in self.users.iter().enumerate() {
            match NewUser::parse(row) {
                Ok(user) if ids.insert(user.id.clone()) => {
                    rows.valid.push(ValidRow { index, user });
                }
                Ok(_) => rows.repeated.push(index),
                Err(error) => rows.invalid.push(RowError { index, error }),
            }
        }
        rows
    }
}

impl ImportResult {
    fn of_nothing(skipped: Vec<usize>, errors: Vec<RowError>) -> Self {
        Self {
            imported: 0,
            updated: 0,
            skipped,
            errors,
            role_changes: Vec::new(),
        }
    }
}

impl SortedRows {
    /// An admin who took their own rights could not give them back.
    fn refuse_own_role(&mut self, caller: &Caller) {
        let is_own =
            |row: &mut ValidRow| row.user.id == caller.user && row.user.role != caller.role;
        for row in self.valid.extract_if(.., is_own) {
            self.invalid.push(RowError {
                index: row.index,
                error: FieldError {
                    field: "role".to_owned(),
                    message: "your own role must be changed by another admin".to_owned(),
                },
            });
        }
        self.invalid.sort_by_key(|row| row.index);
    }
}

/// Lets the new roles count from now on, and writes in the trail who has changed them.
async fn record_roles(
    connection: &mut PgConnection,
    caller: &Caller,
    people: &[(UserId, Role)],
) -> Result<Vec<PersonChange>, Error> {
    if people.is_empty() {
        return Ok(Vec::new());
    }

    let (tenant, actor) = (&caller.tenant, Actor::Caller(caller));
    let changes = access::store::change_roles(connection, tenant, people).await?;
    let subjects = changes.iter().map(|it| AuditedRecord::person(&it.user));
    let subjects: Vec<_> = subjects.collect();
    if !subjects.is_empty() {
        audit::record(
            connection,
            tenant,
            actor,
            AuditAction::ChangeRole,
            &subjects,
        )
        .await?;
    }
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn sort_rows(rows: &[String]) -> SortedRows {
        let body = format!(r#"{{ "users": [{}] }}"#, rows.join(" ,\n "));
        let request: ImportRequest = serde_json::from_str(&body).unwrap();
        request.sort_rows()
    }

    fn row(id: &str) -> Value {
        let email = format!("{id}@x.example");
        json!({ "id": id, "email": email, "name": "Zhang", "role": "patient" })
    }

    struct Case {
        /// What a row has instead of its `id`.
        field: &'static str,
        /// The field that the error names.
        names: &'static str,
        says: &'static str,
    }

    #[rustfmt::skip]
    const BROKEN_ROWS: [Case; 19] = [
        Case { field: r#""id":"two words""#, names: "id", says: "must be 1 to 128" },
        Case { field: r#""id":"""#, names: "id", says: "must be 1 to 128" },
        Case { field: r#""id":"me""#, names: "id", says: "must be made of" },
        Case { field: r#""id":7"#, names: "id", says: "must be a text" },
        Case { field: r#""id":null"#, names: "id", says: "must be a text" },
        Case { field: r#""id":{"id":"a","id":"b"}"#, names: "id", says: "must be a text" },
        Case { field: r#""id":"\ud800""#, names: "id", says: "must be a text" },
        Case { field: r#""ID":"a""#, names: "the row", says: "not known" },
        Case { field: r#""id":"a","age":3"#, names: "the row", says: "not known" },
        // A name twice, however it is written.
        Case { field: r#""id":"a","id":"b""#, names: "id", says: "twice" },
        Case { field: r#""id":"a","id":"a""#, names: "id", says: "twice" },
        Case { field: r#""id":"a","\u0069d":"b""#, names: "id", says: "twice" },
        Case { field: r#""\u0069\u0064":"a","id":"b""#, names: "id", says: "twice" },
        Case { field: r#""id":"a","id":7"#, names: "id", says: "twice" },
        Case { field: r#""id":"a","name":"Li""#, names: "name", says: "twice" },
        Case { field: r#""id":"a","email":"b@x.example""#, names: "email", says: "twice" },
        Case { field: r#""id":"a","role":"admin""#, names: "role", says: "twice" },
        Case { field: r#""id":"a","role":"owner""#, names: "role", says: "twice" },
        Case { field: r#""id":"a","age":3,"age":4"#, names: "the row", says: "not known" },
    ];

    #[test]
    fn a_broken_row_is_named_by_its_index_and_its_field() {
        for Case { field, names, says } in BROKEN_ROWS {
            let rest = r#""email":"a@x.example","name":"Zhang","role":"patient""#;
            let broken = format!("{{{rest},{field}}}");
            let rows = sort_rows(&[row("first").to_string(), broken]);
            assert_eq!(rows.valid.len(), 1, "{field}");

            let [RowError { index, error }] = &rows.invalid[..] else {
                panic!("{field}: {:?}", rows.invalid)
            };
            assert_eq!((*index, error.field.as_str()), (1, names), "{field}");
            assert!(error.message.contains(says), "{field}: {}", error.message);
        }
    }

    #[test]
    fn each_value_has_its_rule() {
        let with = |field: &str, value: Value| {
            let mut row = row("bad");
            row[field] = value;
            row.to_string()
        };
        let rows = sort_rows(&[
            row("a").to_string(),
            with("role", json!("owner")),
            with("email", json!("nobody")),
            with("email", json!("a@@b")),
            with("name", json!(" ")),
            with("name", json!(7)),
            row("a").to_string(),
            json!("text").to_string(),
            json!(["a", "a@x.example", "Zhang", "patient"]).to_string(),
            "{}".to_owned(),
        ]);

        let valid: Vec<_> = rows.valid.iter().map(|row| row.index).collect();
        assert_eq!(valid, [0]);
        assert_eq!(rows.repeated, [6]);

        let invalid = rows.invalid.iter();
        let invalid: Vec<_> = invalid.map(|row| (row.index, &*row.error.field)).collect();
        let expected = [
            (1, "role"),
            (2, "email"),
            (3, "email"),
            (4, "name"),
            (5, "name"),
            (7, "the row"),
            (8, "the row"),
            (9, "id"),
        ];
        assert_eq!(invalid, expected);
    }
}
