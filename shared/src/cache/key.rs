//! Keys that are bound to the type of their values, and cannot be made without a tenant.

use std::marker::PhantomData;

use sha2::{Digest, Sha256};

use crate::identity::TenantId;

/// A kind of value: its name and the version of its form. An entry of another version is not read.
pub struct EntryKind<V> {
    name: &'static str,
    version: u32,
    values: PhantomData<fn() -> V>,
}

impl<V> EntryKind<V> {
    /// Values of one form. A change of the form needs a new version.
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
    /// Decides which slot of a cluster the key is in: all keys of a tenant share one.
    hash_tag: String,
    id: String,
    tags: Vec<String>,
    values: PhantomData<fn() -> V>,
}

impl<V> Key<V> {
    /// The key of a value that belongs to a tenant.
    pub fn of_tenant(tenant: &TenantId, kind: &EntryKind<V>, id: &str) -> Self {
        let id = format!("{}/{}/{}", kind.name, kind.version, safe_id(id));
        Self {
            kind: kind.name,
            hash_tag: tenant.as_str().to_owned(),
            id,
            tags: Vec::new(),
            values: PhantomData,
        }
    }

    /// Adds a tag of the same tenant.
    #[must_use]
    pub fn tagged(mut self, tag: &Tag) -> Self {
        if tag.hash_tag == self.hash_tag {
            self.tags.push(tag.name.clone());
        }
        self
    }

    /// Whether what changes the value can be another function, which invalidates it by its tags.
    pub(super) const fn is_tagged(&self) -> bool {
        !self.tags.is_empty()
    }

    pub(super) const fn kind(&self) -> &'static str {
        self.kind
    }

    /// The key of the entry in Valkey.
    pub(super) fn entry_key(&self, prefix: &str) -> String {
        let Self { hash_tag, id, .. } = self;
        format!("{prefix}:cache:{{{hash_tag}}}:v:{id}")
    }

    /// The key of the lease with which one reader loads the entry.
    pub(super) fn lease_key(&self, prefix: &str) -> String {
        let Self { hash_tag, id, .. } = self;
        format!("{prefix}:cache:{{{hash_tag}}}:l:{id}")
    }

    /// The keys of its tags' epochs.
    pub(super) fn epoch_keys(&self, prefix: &str) -> impl Iterator<Item = String> {
        let tags = self.tags.iter();
        tags.map(move |tag| epoch_key(prefix, &self.hash_tag, tag))
    }
}

/// A mark that several entries of a tenant share, and by which they are invalidated.
pub struct Tag {
    hash_tag: String,
    name: String,
}

impl Tag {
    /// A tag within a tenant, such as `user` and an id.
    pub fn of_tenant(tenant: &TenantId, name: &str, id: &str) -> Self {
        Self {
            hash_tag: tenant.as_str().to_owned(),
            name: format!("{name}/{}", safe_id(id)),
        }
    }

    pub(super) fn epoch_key(&self, prefix: &str) -> String {
        epoch_key(prefix, &self.hash_tag, &self.name)
    }
}

fn epoch_key(prefix: &str, hash_tag: &str, name: &str) -> String {
    format!("{prefix}:cache:{{{hash_tag}}}:t:{name}")
}

/// An id as it can stand in a key. A text that is not plainly an id may be a patient's words, and
/// is hashed.
fn safe_id(id: &str) -> String {
    let is_plain_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_short = (1..=64).contains(&id.len());
    if is_short && id.bytes().all(is_plain_byte) {
        return id.to_owned();
    }

    format!("#{}", hex::encode(Sha256::digest(id.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    const THINGS: EntryKind<u8> = EntryKind::new("thing", 2);

    fn tenant(id: &str) -> TenantId {
        TenantId::try_from(id.to_owned()).unwrap()
    }

    fn key(tenant_id: &str, id: &str) -> Key<u8> {
        Key::of_tenant(&tenant(tenant_id), &THINGS, id)
    }

    #[test]
    fn two_tenants_never_share_a_key() {
        assert_eq!(key("a", "1").entry_key("p"), "p:cache:{a}:v:thing/2/1");
        assert_eq!(key("a", "1").lease_key("p"), "p:cache:{a}:l:thing/2/1");
        assert_ne!(key("a", "1").entry_key("p"), key("b", "1").entry_key("p"));
        assert_ne!(key("a", "1").lease_key("p"), key("b", "1").lease_key("p"));

        let foreign = Tag::of_tenant(&tenant("b"), "user", "1");
        assert_eq!(key("a", "1").tagged(&foreign).epoch_keys("p").count(), 0);
    }

    #[test]
    fn words_never_stand_in_a_key() {
        let key = key("a", "chest pain");
        assert!(!key.entry_key("p").contains("chest"));
        assert!(!key.lease_key("p").contains("chest"));
    }
}
