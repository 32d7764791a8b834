//! Bringing many people in at once.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{Connection, PgConnection};

use super::store;
use crate::error::{Error, FieldError};
use crate::identity::{Role, TenantId, UserId};

/// The most people in one import.
const MOST: usize = 1_000;

/// What becomes of the good rows if some are bad.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// They are written.
    #[default]
    Partial,
    /// None is written, also if one is there already.
    AllOrNothing,
}

/// A body of `POST /v1/users/import`. Each row is read by itself, so that a bad one is reported with its index.
#[derive(Deserialize, garde::Validate)]
#[serde(deny_unknown_fields)]
pub struct Import {
    #[serde(default)]
    #[garde(skip)]
    mode: Mode,
    #[garde(length(min = 1, max = MOST))]
    users: Vec<Value>,
}

/// A row that is good, and where it stood.
pub(super) struct Row {
    pub(super) index: usize,
    pub(super) user: NewUser,
}

/// A person as an administrator brings them in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewUser {
    pub(super) id: UserId,
    pub(super) email: String,
    pub(super) name: String,
    pub(super) role: Role,
}

/// What is wrong with one row, without its values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowError {
    /// Where it stood, from 0.
    pub index: usize,
    /// The field, and the rule that it breaks.
    #[serde(flatten)]
    pub error: FieldError,
}

/// What became of an import.
#[derive(Serialize)]
pub struct Imported {
    /// How many were written.
    pub imported: usize,
    /// The indices of those whose id or address was there already, or stood in an earlier row.
    pub skipped: Vec<usize>,
    /// The bad rows.
    pub errors: Vec<RowError>,
}

impl Import {
    /// Writes the rows in one statement. With `all_or_nothing` a bad row or one that is there already means that nothing is written.
    pub async fn run(
        self,
        connection: &mut PgConnection,
        tenant: &TenantId,
    ) -> Result<Imported, Error> {
        let (rows, repeated, errors) = self.read();
        if self.mode == Mode::AllOrNothing && !errors.is_empty() {
            return Ok(Imported {
                imported: 0,
                skipped: repeated,
                errors,
            });
        }
        let mut transaction = connection.begin().await?;
        let written: HashSet<_> = store::insert(&mut transaction, tenant, &rows)
            .await?
            .into_iter()
            .collect();
        let known = rows
            .iter()
            .map(|row| row.index)
            .filter(|index| !written.contains(index));
        let mut skipped: Vec<_> = known.chain(repeated).collect();
        skipped.sort_unstable();
        if self.mode == Mode::AllOrNothing && !skipped.is_empty() {
            transaction.rollback().await?;
            return Ok(Imported {
                imported: 0,
                skipped,
                errors,
            });
        }
        transaction.commit().await?;
        Ok(Imported {
            imported: written.len(),
            skipped,
            errors,
        })
    }

    /// The good rows, the indices of those whose id stood in an earlier one, and what is wrong with the others.
    fn read(&self) -> (Vec<Row>, Vec<usize>, Vec<RowError>) {
        let (mut rows, mut repeated, mut errors, mut ids) =
            (Vec::new(), Vec::new(), Vec::new(), HashSet::new());
        for (index, value) in self.users.iter().enumerate() {
            match read(value) {
                Ok(user) if ids.insert(user.id.clone()) => rows.push(Row { index, user }),
                Ok(_) => repeated.push(index),
                Err(error) => errors.push(RowError { index, error }),
            }
        }
        (rows, repeated, errors)
    }
}

fn read(value: &Value) -> Result<NewUser, FieldError> {
    let wrong = |field: &str, message: &str| FieldError {
        field: field.to_owned(),
        message: message.to_owned(),
    };
    if !value.is_object() {
        return Err(wrong("the row", "must be a JSON object"));
    }
    for field in ["id", "email", "name", "role"] {
        match value.get(field) {
            Some(Value::String(_)) => {}
            Some(_) => return Err(wrong(field, "must be a text")),
            None => return Err(wrong(field, "is required")),
        }
    }
    let mut user: NewUser = serde_json::from_value(value.clone()).map_err(|error| {
        // serde's own words could repeat a value.
        let text = error.to_string();
        match text {
            text if text.contains("unknown variant") => {
                wrong("role", "must be patient, clinician or admin")
            }
            text if text.contains("unknown field") => {
                wrong("the row", "has a field that is not known")
            }
            _ => wrong("id", "must be 1 to 128 visible ASCII characters"),
        }
    })?;
    // What could not be asked for by its path, or is a path of its own.
    let is_plain = user
        .id
        .as_str()
        .bytes()
        .all(|c| c.is_ascii_alphanumeric() || b"-._:|@".contains(&c));
    if !is_plain || ["me", "import"].contains(&user.id.as_str()) {
        return Err(wrong(
            "id",
            "must be made of letters, digits and - . _ : | @, and not be `me` or `import`",
        ));
    }
    let parts: Vec<_> = user.email.split('@').collect();
    let is_address =
        user.email.len() <= 254 && parts.len() == 2 && parts.iter().all(|part| !part.is_empty());
    if !is_address
        || user
            .email
            .chars()
            .any(|c| c.is_whitespace() || c.is_control())
    {
        return Err(wrong("email", "must be an e-mail address"));
    }
    user.name = String::from(user.name.trim());
    if !(1..=200).contains(&user.name.chars().count()) || user.name.chars().any(char::is_control) {
        return Err(wrong(
            "name",
            "must have 1 to 200 characters, none of them a control character",
        ));
    }
    Ok(user)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_bad_row_is_named_by_its_index_and_its_field() {
        let good = |id: &str| json!({ "id": id, "email": format!("{id}@x.example"), "name": "Zhang", "role": "patient" });
        let with = |field: &str, value: Value| {
            let mut row = good("bad");
            row[field] = value;
            row
        };
        let users = json!([
            good("a"),
            with("role", json!("owner")),
            with("email", json!("nobody")),
            with("email", json!("a@@b")),
            with("name", json!(" ")),
            with("id", json!("two words")),
            with("age", json!(3)),
            with("name", json!(7)),
            good("a"),
            json!("text"),
        ]);
        let import: Import = serde_json::from_value(json!({ "users": users })).unwrap();
        let (rows, repeated, errors) = import.read();
        assert_eq!(repeated, [8]);
        assert_eq!(rows.iter().map(|row| row.index).collect::<Vec<_>>(), [0]);
        let fields: Vec<_> = errors
            .iter()
            .map(|error| (error.index, error.error.field.as_str()))
            .collect();
        let expected = ["role", "email", "email", "name", "id", "the row", "name"]
            .into_iter()
            .zip(1..)
            .map(|(f, i)| (i, f));
        let expected: Vec<_> = expected.chain([(9, "the row")]).collect();
        assert_eq!(fields, expected);
    }
}
