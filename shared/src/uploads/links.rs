//! Links to uploads: the CDN's, or S3's own where there is no CDN.

use super::bucket::UploadBucket;
use super::cdn::CdnSigner;
use super::upload::{Link, Upload, UploadState};
use crate::error::Error;
use crate::identity::TenantId;

/// Signs links.
pub struct UploadLinks {
    bucket: UploadBucket,
    cdn: Option<CdnSigner>,
}

impl UploadLinks {
    /// Of this bucket, by this CDN if there is one.
    pub const fn new(bucket: UploadBucket, cdn: Option<CdnSigner>) -> Self {
        Self { bucket, cdn }
    }

    /// A link to an upload; none while it is not ready.
    pub async fn sign(&self, tenant: &TenantId, upload: &Upload) -> Result<Option<Link>, Error> {
        let kept = upload.kept_object(tenant);
        let Some(object) = kept.filter(|_| upload.state == UploadState::Ready) else {
            return Ok(None);
        };
        let link = match &self.cdn {
            Some(cdn) => cdn.sign_link(&object).await?,
            None => self.bucket.sign_link(&object).await?,
        };
        Ok(Some(link))
    }
}
