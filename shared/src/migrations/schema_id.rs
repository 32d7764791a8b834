//! What `CloudFormation` calls the schema: it hands the id on from one deployment to the next.

use std::fmt::{self, Display};

use super::SchemaVersion;

/// `schema-21-from-20`: the schema of the last deployment, and the one that came before it.
///
/// A deployment that fails calls the version before once more, after its migrations or some of
/// them. Functions of that version survive them (CHANGELOG.md says when not), so it is let through,
/// and so is the version that is deployed already; no older one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SchemaId {
    version: SchemaVersion,
    /// The schema before; that of the first deployment is its own.
    before: SchemaVersion,
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

    /// Whether code that knows `newest` may be deployed on a database that is newer.
    pub fn lets_through(self, newest: SchemaVersion) -> bool {
        newest == self.version || newest == self.before
    }

    /// The id after a deployment of code that knows `newest`.
    pub fn next(present: Option<Self>, newest: SchemaVersion) -> Self {
        match present {
            Some(present) if newest > present.version => Self {
                version: newest,
                before: present.version,
            },
            Some(present) if newest == present.version => present,
            // The first deployment, or one that was taken back.
            _ => Self {
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

    /// However often the next ones fail, the version that works is let through again.
    #[test]
    fn deployments_that_fail_one_after_the_other_lead_back() {
        let works = SchemaId::next(None, 21);
        let failed = SchemaId::next(Some(works), 22);
        assert!(failed.lets_through(21), "{failed}");

        let taken_back = SchemaId::next(Some(failed), 21);
        assert_eq!(taken_back, works);
        let failed_again = SchemaId::next(Some(taken_back), 23);
        assert!(failed_again.lets_through(21), "{failed_again}");
        assert!(!failed_again.lets_through(20), "{failed_again}");
    }

    /// A deployment that fails after some of its migrations keeps the id that was there.
    #[test]
    fn the_version_that_is_deployed_is_let_through() {
        let present = SchemaId::parse("schema-21-from-20").unwrap();
        assert!(present.lets_through(21));
        assert!(present.lets_through(20));
        assert!(!present.lets_through(19));
    }

    #[test]
    fn another_text_is_no_id() {
        for text in ["", "not-made", "schema-21", "schema-x-from-20"] {
            assert_eq!(SchemaId::parse(text), None, "{text}");
        }
    }
}
