//! Bringing many people in at once.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{Connection, PgConnection};

use super::new_user::NewUser;
use super::store;
use crate::error::{Error, FieldError};
use crate::identity::TenantId;

/// The most people in one import.
const MAX_ROWS: usize = 1_000;

/// What becomes of the valid rows if others are invalid.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportMode {
    /// The valid rows are written.
    #[default]
    Partial,
    /// No row is written, nor if one of them is there already.
    AllOrNothing,
}

/// A body of `POST /v1/users/import`. Each row is read by itself, so that an invalid one is
/// reported with its index.
#[derive(Deserialize, garde::Validate)]
#[serde(deny_unknown_fields)]
pub struct ImportRequest {
    #[serde(default)]
    #[garde(skip)]
    mode: ImportMode,
    #[garde(length(min = 1, max = MAX_ROWS))]
    users: Vec<Value>,
}

/// The broken rule of one row, without its values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowError {
    /// Where the row stood, from 0.
    pub index: usize,
    /// The field, and the rule that it breaks.
    #[serde(flatten)]
    pub error: FieldError,
}

/// The outcome of an import.
#[derive(Serialize)]
pub struct ImportResult {
    /// How many people were written.
    pub imported: usize,
    /// The indices of the rows whose id or e-mail address was there already, or stood in an earlier
    /// row.
    pub skipped: Vec<usize>,
    /// The invalid rows.
    pub errors: Vec<RowError>,
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
    /// Writes the rows in one statement. In the mode [`ImportMode::AllOrNothing`], an invalid row
    /// or one that is there already means that none is written.
    pub async fn run(
        self,
        connection: &mut PgConnection,
        tenant: &TenantId,
    ) -> Result<ImportResult, Error> {
        let must_be_whole = self.mode == ImportMode::AllOrNothing;
        let rows = self.sort_rows();
        if must_be_whole && !rows.invalid.is_empty() {
            return Ok(ImportResult {
                imported: 0,
                skipped: rows.repeated,
                errors: rows.invalid,
            });
        }

        let mut transaction = connection.begin().await?;
        let users = rows.valid.iter().map(|row| &row.user);
        let written = store::insert(&mut transaction, tenant, users).await?;

        let taken = rows.valid.iter();
        let taken = taken.filter(|row| !written.contains(&row.user.id));
        let mut skipped = rows.repeated;
        skipped.extend(taken.map(|row| row.index));
        skipped.sort_unstable();

        let imported = if must_be_whole && !skipped.is_empty() {
            transaction.rollback().await?;
            0
        } else {
            transaction.commit().await?;
            written.len()
        };
        Ok(ImportResult {
            imported,
            skipped,
            errors: rows.invalid,
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(id: &str) -> Value {
        let email = format!("{id}@x.example");
        json!({ "id": id, "email": email, "name": "Zhang", "role": "patient" })
    }

    fn row_with(field: &str, value: Value) -> Value {
        let mut row = row("bad");
        row[field] = value;
        row
    }

    #[test]
    fn a_bad_row_is_named_by_its_index_and_its_field() {
        let users = json!([
            row("a"),
            row_with("role", json!("owner")),
            row_with("email", json!("nobody")),
            row_with("email", json!("a@@b")),
            row_with("name", json!(" ")),
            row_with("id", json!("two words")),
            row_with("age", json!(3)),
            row_with("name", json!(7)),
            row("a"),
            json!("text"),
        ]);
        let request: ImportRequest = serde_json::from_value(json!({ "users": users })).unwrap();

        let rows = request.sort_rows();
        let valid: Vec<_> = rows.valid.iter().map(|row| row.index).collect();
        assert_eq!(valid, [0]);
        assert_eq!(rows.repeated, [8]);

        let mut fields = vec![""; 10];
        for row in &rows.invalid {
            fields[row.index] = row.error.field.as_str();
        }
        let expected = [
            "", "role", "email", "email", "name", "id", "the row", "name", "", "the row",
        ];
        assert_eq!(fields, expected);
        assert_eq!(rows.invalid.len(), 8);
    }
}
