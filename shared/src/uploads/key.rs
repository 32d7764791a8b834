//! Which upload, and where its files are.

use uuid::Uuid;

use crate::identity::TenantId;

/// Of the file's SHA-256, the digits in its place.
const KEPT_DIGITS: usize = 16;

/// Where what clients send lies.
const INCOMING: &str = "incoming/";

/// An upload among all tenants'.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadKey {
    /// Whose it is.
    pub tenant: TenantId,
    /// Its id.
    pub id: Uuid,
}

impl UploadKey {
    /// Where a client sends it.
    pub fn incoming(&self) -> String {
        format!("{INCOMING}{}/{}", self.tenant.as_str(), self.id)
    }

    /// Where its files are kept.
    pub fn folder(&self) -> String {
        format!("uploads/{}/{}/", self.tenant.as_str(), self.id)
    }

    /// Where the file with this SHA-256 is kept. Another one that is sent under the same form has
    /// another place, so what was verified is never written again.
    pub fn kept(&self, sha256: &str, file_name: &str) -> String {
        format!("{}{}/{file_name}", self.folder(), kept_digits(sha256))
    }

    /// Where the texts are kept that were taken out of its files.
    pub fn text_folder(&self) -> String {
        format!("texts/{}/{}/", self.tenant.as_str(), self.id)
    }

    /// Where the text of the file with this SHA-256 is kept.
    pub fn text(&self, sha256: &str) -> String {
        format!("{}{}.txt", self.text_folder(), kept_digits(sha256))
    }

    /// The upload whose incoming object this is.
    pub fn of_incoming(object: &str) -> Option<Self> {
        let (tenant, id) = object.strip_prefix(INCOMING)?.split_once('/')?;
        Some(Self {
            tenant: TenantId::try_from(tenant.to_owned()).ok()?,
            id: id.parse().ok()?,
        })
    }
}

fn kept_digits(sha256: &str) -> &str {
    sha256.get(..KEPT_DIGITS).unwrap_or(sha256)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incoming_object_tells_its_upload_and_no_path_leaves_it() {
        let key = UploadKey {
            tenant: TenantId::try_from("clinic-1".to_owned()).unwrap(),
            id: Uuid::now_v7(),
        };
        assert_eq!(UploadKey::of_incoming(&key.incoming()), Some(key.clone()));

        let id = key.id;
        for object in [
            format!("uploads/clinic-1/{id}"),
            format!("incoming/{id}"),
            format!("incoming/../{id}"),
            format!("incoming/clinic-1/{id}/x"),
            "incoming/clinic-1/x".to_owned(),
            String::new(),
        ] {
            assert_eq!(UploadKey::of_incoming(&object), None, "{object}");
        }
    }
}
