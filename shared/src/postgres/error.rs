//! What sqlx reports, sorted into "try again later" and "our fault". No error repeats a value of a
//! row, since that can be medical text.

use super::unavailable;
use crate::error::Error;

/// The classes of SQLSTATE that pass by themselves: connection, authentication (an IAM token that
/// aged), rollback, resources, the operator's intervention (a failover among them), and a
/// transaction on a server that has become read-only.
const TRANSIENT_SQLSTATES: [&str; 6] = ["08", "28", "40", "53", "57", "25006"];

/// An error of the server, without the values that it may have repeated.
#[derive(Debug, thiserror::Error)]
#[error("SQLSTATE {code} {constraint}")]
struct ServerError {
    code: String,
    constraint: String,
}

impl ServerError {
    fn new(error: &dyn sqlx::error::DatabaseError) -> Self {
        Self {
            code: error.code().unwrap_or_default().into_owned(),
            constraint: error.constraint().unwrap_or_default().to_owned(),
        }
    }

    fn is_transient(&self) -> bool {
        TRANSIENT_SQLSTATES
            .iter()
            .any(|class| self.code.starts_with(class))
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => {
                let error = ServerError::new(error.as_ref());
                if error.is_transient() {
                    unavailable(error)
                } else {
                    Self::internal(error)
                }
            }

            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::WorkerCrashed => unavailable(error),

            // The source of either quotes the value.
            sqlx::Error::ColumnDecode { index, .. } => {
                Self::internal(format!("column {index} cannot be read"))
            }
            sqlx::Error::Decode(_) => Self::internal("a value cannot be read"),

            other => Self::internal(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{ErrorKind, error_chain};

    #[test]
    fn a_database_that_is_gone_can_be_tried_again() {
        let error = Error::from(sqlx::Error::WorkerCrashed);
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.retry_after().is_some());
    }

    #[test]
    fn a_row_that_cannot_be_read_is_our_fault_and_is_not_repeated() {
        let source = serde_json::from_str::<u8>("\"胸痛\"").unwrap_err();
        let error = Error::from(sqlx::Error::ColumnDecode {
            index: "triage".to_owned(),
            source: source.into(),
        });

        assert_eq!(error.kind(), ErrorKind::Internal);
        assert_eq!(error_chain(&error), "column triage cannot be read");
    }
}
