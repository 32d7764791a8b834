//! The bucket of the uploads: what clients send lies below `incoming/`, where nobody reads it, and
//! what was verified below `uploads/`. Texts that were taken out of it lie below `texts/`, which
//! the CDN does not deliver.

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Delete, MetadataDirective, ObjectIdentifier};
use bytes::Bytes;
use time::OffsetDateTime;

use super::key::UploadKey;
use super::post_form::{PostForm, PostTarget, sign_form};
use super::upload::{Link, NewUpload};
use crate::aws;
use crate::config::UploadType;
use crate::error::{BoxError, Error};

/// Writing or copying a large file takes longer than other calls: S3 copies 5 GiB in one.
const WRITE_TIMEOUT: Duration = Duration::from_mins(5);

/// How long a link of S3's own works. A link may be shown a while before it is opened.
pub(super) const LINK_TTL: Duration = Duration::from_mins(10);

/// The wait that a caller is told while the bucket cannot be reached.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// What is kept never changes: another upload has another address.
const CACHE_CONTROL: &str = "max-age=31536000, immutable";

/// The bucket.
pub struct UploadBucket {
    pub(super) client: Client,
    pub(super) name: String,
    region: String,
    credentials: Option<SharedCredentialsProvider>,
}

/// What a client has sent.
pub struct IncomingObject {
    /// Its bytes, as they come.
    pub body: ByteStream,
    /// Of exactly these bytes.
    pub etag: String,
}

/// A verified file, as it is kept.
pub struct KeptFile<'f> {
    /// Where.
    pub object: String,
    /// What browsers are told that it is.
    pub content_type: UploadType,
    /// What it is called when it is saved.
    pub file_name: &'f str,
}

impl UploadBucket {
    /// The bucket called `name`.
    pub fn new(config: &SdkConfig, name: String) -> Self {
        Self {
            client: aws::s3(config),
            name,
            region: config.region().map(ToString::to_string).unwrap_or_default(),
            credentials: config.credentials_provider(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A form with which a client sends this file. That costs no call.
    pub async fn post_form(&self, key: &UploadKey, upload: &NewUpload) -> Result<PostForm, Error> {
        self.sign_post(key, upload).await.map_err(Error::internal)
    }

    async fn sign_post(&self, key: &UploadKey, upload: &NewUpload) -> Result<PostForm, BoxError> {
        let provider = self.credentials.as_ref().ok_or("no credentials")?;
        let target = PostTarget {
            url: self.address().await?,
            bucket: &self.name,
            region: &self.region,
            key: key.incoming(),
        };
        let credentials = provider.provide_credentials().await?;
        sign_form(target, upload, &credentials, SystemTime::now())
    }

    /// The bucket's own address, as the SDK finds it for the region and its partition.
    async fn address(&self) -> Result<String, BoxError> {
        const OBJECT: &str = "x";
        let lifetime = PresigningConfig::expires_in(LINK_TTL)?;
        let get = self.client.get_object().bucket(&self.name).key(OBJECT);
        let link = get.presigned(lifetime).await?;

        let address = link.uri().split('?').next().unwrap_or_default();
        let address = address.strip_suffix(OBJECT);
        Ok(address.ok_or("an address without its object")?.to_owned())
    }

    /// What a client has sent; none if it is not there any more.
    pub async fn open_incoming(&self, key: &UploadKey) -> Result<Option<IncomingObject>, Error> {
        let found = self.get(&key.incoming()).await?;
        Ok(found.map(|found| IncomingObject {
            etag: found.e_tag().unwrap_or_default().to_owned(),
            body: found.body,
        }))
    }

    /// The text of a kept file, which was verified to be one; none if it is not there any more.
    pub async fn read_text(&self, object: &str) -> Result<Option<String>, Error> {
        let Some(bytes) = self.read_bytes(object).await? else {
            return Ok(None);
        };
        let text = String::from_utf8(bytes.into());
        text.map(Some)
            .map_err(|_| Error::internal("a text is no UTF-8 any more"))
    }

    /// A kept file; none if it is not there any more.
    pub async fn read_bytes(&self, object: &str) -> Result<Option<Bytes>, Error> {
        let Some(found) = self.get(object).await? else {
            return Ok(None);
        };
        let bytes = found.body.collect().await.map_err(Error::internal)?;
        Ok(Some(bytes.into_bytes()))
    }

    /// An object; none if it is not there.
    async fn get(&self, object: &str) -> Result<Option<GetObjectOutput>, Error> {
        let get = self.client.get_object().bucket(&self.name).key(object);
        match get.send().await {
            Ok(found) => Ok(Some(found)),
            Err(SdkError::ServiceError(error)) if error.err().is_no_such_key() => Ok(None),
            Err(error) => Err(sort_error(&error)),
        }
    }

    /// Keeps these bytes.
    pub async fn keep_bytes(&self, file: &KeptFile<'_>, bytes: Bytes) -> Result<(), Error> {
        let put = self
            .client
            .put_object()
            .bucket(&self.name)
            .key(&file.object)
            .content_type(served_type(file.content_type))
            .content_disposition(disposition(file))
            .cache_control(CACHE_CONTROL)
            .body(bytes.into());

        let put = put.customize().config_override(patient());
        put.send()
            .await
            .map(drop)
            .map_err(|error| sort_error(&error))
    }

    /// Keeps the text that was taken out of a file.
    pub async fn keep_text(&self, object: String, text: String) -> Result<(), Error> {
        let put = self.client.put_object().bucket(&self.name).key(object);
        let put = put
            .content_type(served_type(UploadType::Text))
            .body(text.into_bytes().into());

        let put = put.customize().config_override(patient());
        put.send()
            .await
            .map(drop)
            .map_err(|error| sort_error(&error))
    }

    /// Keeps what a client has sent, unless it is another file by now. Returns whether it is the
    /// same.
    pub async fn keep_incoming(
        &self,
        key: &UploadKey,
        file: &KeptFile<'_>,
        etag: &str,
    ) -> Result<bool, Error> {
        let copy = self
            .client
            .copy_object()
            .bucket(&self.name)
            .copy_source(format!("{}/{}", self.name, key.incoming()))
            .copy_source_if_match(etag)
            .key(&file.object)
            .metadata_directive(MetadataDirective::Replace)
            .content_type(served_type(file.content_type))
            .content_disposition(disposition(file))
            .cache_control(CACHE_CONTROL);

        match copy.customize().config_override(patient()).send().await {
            Ok(_) => Ok(true),
            Err(error) if is_changed(&error) => Ok(false),
            Err(error) => Err(sort_error(&error)),
        }
    }

    /// Removes objects. Those that are not there count as removed.
    pub async fn remove(&self, objects: &[String]) -> Result<(), Error> {
        if objects.is_empty() {
            return Ok(());
        }
        let mut delete = Delete::builder().quiet(true);
        for object in objects {
            let object = ObjectIdentifier::builder().key(object).build();
            delete = delete.objects(object.map_err(Error::internal)?);
        }
        let delete = delete.build().map_err(Error::internal)?;

        let request = self.client.delete_objects().bucket(&self.name);
        let request = request.delete(delete).customize();
        let removed = request.config_override(patient()).send().await;
        if removed
            .map_err(|error| sort_error(&error))?
            .errors()
            .is_empty()
        {
            Ok(())
        } else {
            let problem = "some objects could not be removed";
            Err(Error::unavailable("uploads", RETRY_AFTER, problem))
        }
    }

    /// Removes everything of an upload: what was sent, also in parts, what was kept, and its text.
    /// It has a file or two.
    pub async fn remove_all(&self, key: &UploadKey) -> Result<(), Error> {
        let files = Box::pin(self.list(key.folder()));
        let texts = Box::pin(self.list(key.text_folder()));
        let parts = Box::pin(self.abort_parts(key));
        let (mut objects, texts, ()) = futures::try_join!(files, texts, parts)?;

        objects.extend(texts);
        objects.push(key.incoming());
        self.remove(&objects).await
    }

    /// The objects of a folder, up to a thousand.
    async fn list(&self, folder: String) -> Result<Vec<String>, Error> {
        let list = self.client.list_objects_v2().bucket(&self.name);
        let listed = list.prefix(folder).send().await;
        let listed = listed.map_err(|error| sort_error(&error))?;

        let keys = listed.contents().iter().filter_map(|object| object.key());
        Ok(keys.map(str::to_owned).collect())
    }

    /// A link of S3's own, signed here: that costs no call.
    pub async fn sign_link(&self, object: &str) -> Result<Link, Error> {
        let start = aws::period_start().map_err(Error::internal)?;
        let ttl = LINK_TTL + aws::LINK_PERIOD;
        let lifetime = PresigningConfig::builder()
            .start_time(start)
            .expires_in(ttl)
            .build()
            .map_err(Error::internal)?;

        let get = self.client.get_object().bucket(&self.name).key(object);
        let link = get.presigned(lifetime).await.map_err(Error::internal)?;
        Ok(Link {
            url: link.uri().to_owned(),
            expires_at: OffsetDateTime::from(start + ttl),
        })
    }
}

/// A configuration in which a call may take long.
pub(super) fn patient() -> aws_sdk_s3::config::Builder {
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(WRITE_TIMEOUT)
        .operation_timeout(WRITE_TIMEOUT)
        .build();
    aws_sdk_s3::config::Builder::new().timeout_config(timeouts)
}

/// A text says in what it is written.
fn served_type(content_type: UploadType) -> &'static str {
    match content_type {
        UploadType::Text => "text/plain; charset=utf-8",
        other => other.as_str(),
    }
}

/// Images are shown, and everything else is saved: a page or a script within it runs nowhere.
fn disposition(file: &KeptFile<'_>) -> String {
    let kind = if file.content_type.is_image() {
        "inline"
    } else {
        "attachment"
    };
    // RFC 8187: what needs an escape in a header is what needs one in a part of an address.
    let name: String = url::form_urlencoded::byte_serialize(file.file_name.as_bytes()).collect();
    let name = name.replace('+', "%20");
    format!("{kind}; filename*=UTF-8''{name}")
}

fn is_changed<E>(error: &SdkError<E>) -> bool {
    let status = error.raw_response().map(|raw| raw.status().as_u16());
    matches!(status, Some(404 | 412))
}

/// What S3 says in words may quote an object, and so a file's name: its code alone is kept.
pub(super) fn sort_error<E: ProvideErrorMetadata>(error: &SdkError<E>) -> Error {
    let cause = aws::error_code("S3", error);
    if aws::is_outage(error) {
        Error::unavailable("uploads", RETRY_AFTER, cause)
    } else {
        Error::internal(cause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_in_headers_and_only_images_are_shown() {
        let file = |content_type, file_name| KeptFile {
            object: String::new(),
            content_type,
            file_name,
        };
        let shown = disposition(&file(UploadType::Png, "化验单.png"));
        assert_eq!(
            shown,
            "inline; filename*=UTF-8''%E5%8C%96%E9%AA%8C%E5%8D%95.png"
        );
        let saved = disposition(&file(UploadType::Pdf, "a b.pdf"));
        assert_eq!(saved, "attachment; filename*=UTF-8''a%20b.pdf");
    }
}
