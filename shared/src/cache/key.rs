//! Keys that are bound to what they hold, and cannot be made without whose it is.

use std::marker::PhantomData;

use sha2::{Digest, Sha256};

use crate::identity::TenantId;

/// What a key holds: a name and the version of its form. An entry of another version is not read.
pub struct Kind<V> {
    name: &'static str,
    version: u32,
    values: PhantomData<fn() -> V>,
}

impl<V> Kind<V> {
    /// Values of one form; whoever changes the form changes the version.
    pub const fn new(name: &'static str, version: u32) -> Self {
        Self {
            name,
            version,
            values: PhantomData,
        }
    }

    /// Its name, for metrics.
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

/// Where one value stands, and the tags by which it is invalidated.
pub struct Key<V> {
    kind: &'static str,
    /// The part that decides which slot of a cluster it is in: all keys of a tenant share one.
    place: String,
    id: String,
    tags: Vec<String>,
    values: PhantomData<fn() -> V>,
}

impl<V> Key<V> {
    /// A value of a tenant's.
    pub fn of_tenant(tenant: &TenantId, kind: &Kind<V>, id: &str) -> Self {
        let id = format!("{}/{}/{}", kind.name, kind.version, safe(id));
        Self {
            kind: kind.name,
            place: tenant.as_str().to_owned(),
            id,
            tags: Vec::new(),
            values: PhantomData,
        }
    }

    /// Adds a tag of the same tenant.
    #[must_use]
    pub fn tagged(mut self, tag: &Tag) -> Self {
        if tag.place == self.place {
            self.tags.push(tag.name.clone());
        }
        self
    }

    pub(super) const fn kind(&self) -> &'static str {
        self.kind
    }

    pub(super) fn entry(&self, prefix: &str) -> String {
        format!("{prefix}:cache:{{{}}}:v:{}", self.place, self.id)
    }

    pub(super) fn keys(&self, prefix: &str) -> Vec<String> {
        let lease = format!("{prefix}:cache:{{{}}}:l:{}", self.place, self.id);
        let tags = self
            .tags
            .iter()
            .map(|tag| tag_key(prefix, &self.place, tag));
        [self.entry(prefix), lease]
            .into_iter()
            .chain(tags)
            .collect()
    }
}

/// What several entries of a tenant have in common.
pub struct Tag {
    place: String,
    name: String,
}

impl Tag {
    /// A tag of a tenant's, such as `user` and an id.
    pub fn of_tenant(tenant: &TenantId, name: &str, id: &str) -> Self {
        Self {
            place: tenant.as_str().to_owned(),
            name: format!("{name}/{}", safe(id)),
        }
    }

    pub(super) fn key(&self, prefix: &str) -> String {
        tag_key(prefix, &self.place, &self.name)
    }
}

fn tag_key(prefix: &str, place: &str, name: &str) -> String {
    format!("{prefix}:cache:{{{place}}}:t:{name}")
}

/// An id as it can stand in a key; whatever is not plainly one may be a patient's words, and is hashed.
fn safe(id: &str) -> String {
    let is_plain = (1..=64).contains(&id.len())
        && id
            .bytes()
            .all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_');
    if is_plain {
        return id.to_owned();
    }
    let digest = Sha256::digest(id.as_bytes());
    digest.iter().fold(String::from("#"), |text, byte| {
        text + &format!("{byte:02x}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_tenants_never_share_a_key_and_words_never_stand_in_one() {
        const KIND: Kind<u8> = Kind::new("thing", 2);
        let tenant = |id: &str| TenantId::try_from(id.to_owned()).unwrap();
        let key = |tenant: &TenantId, id: &str| Key::of_tenant(tenant, &KIND, id).keys("p");
        assert_eq!(key(&tenant("a"), "1")[0], "p:cache:{a}:v:thing/2/1");
        assert_ne!(key(&tenant("a"), "1"), key(&tenant("b"), "1"));
        assert!(!key(&tenant("a"), "chest pain").concat().contains("chest"));
        let foreign = Tag::of_tenant(&tenant("b"), "user", "1");
        assert_eq!(
            Key::of_tenant(&tenant("a"), &KIND, "1")
                .tagged(&foreign)
                .keys("p")
                .len(),
            2
        );
    }
}
