//! What `CloudFormation` calls the schema: it hands the id on from one deployment to the next.

use std::fmt::{self, Display};

use super::SchemaVersion;

/// `schema-21-from-20`: the schema of the last deployment, and the one that came before it.
///
/// A deployment that fails calls the version before once more, after its migrations. Functions of
/// that version survive them (CHANGELOG.md says when not), so it is let through, and no older one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SchemaId {
    version: SchemaVersion,
    /// The schema before; that of the first deployment is its own.
    pub before: SchemaVersion,
}

impl SchemaId {
    /// Reads an id that was made here.
    pub fn parse(text: &str) -> Option<Self> {
        let versions = text.strip_prefix("schema-")?;
        let (version, before) = versions.split_once("-from-")?;
        Some(Self {
            version: version.parse().ok()?,
            before: before.parse().ok()?,
        })
    }

    /// The id after a deployment of code that knows `newest`.
    pub fn next(present: Option<Self>, newest: SchemaVersion) -> Self {
        match present {
            Some(present) if newest > present.version => Self {
                version: newest,
                before: present.version,
            },
            // The same schema, or a deployment that was taken back.
            Some(present) => present,
            None => Self {
                version: newest,
                before: newest,
            },
        }
    }
}

impl Display for SchemaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "schema-{}-from-{}", self.version, self.before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_the_schema_and_the_one_before() {
        let first = SchemaId::next(None, 20);
        assert_eq!(first.to_string(), "schema-20-from-20");
        let second = SchemaId::next(Some(first), 21);
        assert_eq!(second.to_string(), "schema-21-from-20");
        assert_eq!(SchemaId::parse(&second.to_string()), Some(second));
    }

    #[test]
    fn a_deployment_without_migrations_changes_nothing() {
        let present = SchemaId::parse("schema-21-from-20").unwrap();
        assert_eq!(SchemaId::next(Some(present), 21), present);
    }

    /// So that the next try of the newer version may fail once more.
    #[test]
    fn a_deployment_that_was_taken_back_keeps_the_id() {
        let present = SchemaId::parse("schema-21-from-20").unwrap();
        assert_eq!(SchemaId::next(Some(present), 20), present);
    }

    #[test]
    fn another_text_is_no_id() {
        for text in ["", "not-made", "schema-21", "schema-x-from-20"] {
            assert_eq!(SchemaId::parse(text), None, "{text}");
        }
    }
}
