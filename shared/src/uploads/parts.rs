//! Large uploads, which are sent in parts: S3 calls them multipart uploads.
//!
//! Which one belongs to an upload is noted nowhere: it is the one whose object is the upload's.

use std::time::Duration;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart, Part};
use serde::Serialize;
use time::OffsetDateTime;

use super::bucket::{UploadBucket, patient, sort_error};
use super::key::UploadKey;
use crate::error::Error;

/// The largest upload that is sent in one form, in bytes.
pub const MAX_FORM_BYTES: u64 = 100 * 1024 * 1024;

/// Bytes of each part but the last one, which has the rest.
const PART_BYTES: u64 = 64 * 1024 * 1024;

/// How long the links of parts work. 5 GiB then take 2 Mbit/s.
pub const PARTS_TTL: Duration = Duration::from_hours(6);

/// The most parts that an answer names.
const MAX_NAMED_PARTS: usize = 20;

/// Where the parts of a file are sent, with a `PUT` each. It has no `Debug`: whoever has it may
/// write.
#[derive(Serialize, schemars::JsonSchema)]
pub struct PartLinks {
    /// Bytes of each part but the last one, which has the rest.
    pub part_size: u64,
    /// An address for each part, in their order.
    pub urls: Vec<String>,
    /// Until when they work.
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "crate::schema::Timestamp")]
    pub expires_at: OffsetDateTime,
}

/// What is there of a file that is sent in parts.
pub enum Assembly {
    /// All of it: it is one object by now.
    Whole,
    /// Not all of it.
    Incomplete(IncompleteParts),
    /// Nothing any more: its time is over, or it was removed.
    Gone,
}

/// The parts, by number from 1, that keep a file from being put together.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct IncompleteParts {
    /// They have not come.
    pub missing: Vec<u64>,
    /// They have another number of bytes than they must have.
    pub wrong_size: Vec<u64>,
}

impl IncompleteParts {
    /// Of a file with `size` bytes, of which parts with these numbers and sizes are there.
    fn of(size: u64, there: &[(u64, u64)]) -> Self {
        let mut incomplete = Self::default();
        for (number, expected) in (1..).zip(part_sizes(size)) {
            match there.iter().find(|(known, _)| *known == number) {
                None => incomplete.missing.push(number),
                Some((_, bytes)) if *bytes != expected => incomplete.wrong_size.push(number),
                Some(_) => {}
            }
        }
        incomplete
    }

    fn is_empty(&self) -> bool {
        self.count() == 0
    }

    fn count(&self) -> usize {
        self.missing.len() + self.wrong_size.len()
    }

    /// What the client is to do, in a sentence or two.
    pub fn advice(&self) -> String {
        let told = |what: &str, parts: &[u64]| {
            let is_told = !parts.is_empty();
            is_told.then(|| format!("These parts {what}: {}. ", named(parts)))
        };
        let missing = told("have not come", &self.missing);
        let wrong_size = told("have another size than they must have", &self.wrong_size);
        format!(
            "{}{}Send them to their addresses, and then call this again.",
            missing.unwrap_or_default(),
            wrong_size.unwrap_or_default()
        )
    }
}

fn named(numbers: &[u64]) -> String {
    let shown = numbers.iter().take(MAX_NAMED_PARTS);
    let shown: Vec<_> = shown.map(ToString::to_string).collect();
    let more = numbers.len().saturating_sub(MAX_NAMED_PARTS);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    shown.join(", ") + &more
}

/// Bytes of each part of a file with `size` bytes.
fn part_sizes(size: u64) -> impl Iterator<Item = u64> {
    let count = size.div_ceil(PART_BYTES);
    (0..count).map(move |index| PART_BYTES.min(size - index * PART_BYTES))
}

fn numbers_and_sizes(parts: &[Part]) -> Vec<(u64, u64)> {
    let unsigned = |value: i64| u64::try_from(value).unwrap_or_default();
    let pairs = parts.iter().map(|part| {
        let number = i64::from(part.part_number().unwrap_or_default());
        (unsigned(number), unsigned(part.size().unwrap_or_default()))
    });
    pairs.collect()
}

impl UploadBucket {
    /// Begins an upload in parts, and signs a link for each, which takes exactly the part's number
    /// of bytes.
    pub async fn begin_parts(&self, key: &UploadKey, size: u64) -> Result<PartLinks, Error> {
        let create = self.client.create_multipart_upload().bucket(&self.name);
        let begun = create.key(key.incoming()).send().await;
        let begun = begun.map_err(|error| sort_error(&error))?;
        self.sign_parts(key, begun.upload_id().unwrap_or_default(), size)
            .await
    }

    async fn sign_parts(&self, key: &UploadKey, id: &str, size: u64) -> Result<PartLinks, Error> {
        let signed_at = OffsetDateTime::now_utc();
        let lifetime = PresigningConfig::expires_in(PARTS_TTL).map_err(Error::internal)?;
        let mut urls = Vec::new();
        for (number, bytes) in (1..).zip(part_sizes(size)) {
            let part = self
                .client
                .upload_part()
                .bucket(&self.name)
                .key(key.incoming())
                .upload_id(id)
                .part_number(number)
                .content_length(i64::try_from(bytes).map_err(Error::internal)?);
            let link = part.presigned(lifetime.clone()).await;
            urls.push(link.map_err(Error::internal)?.uri().to_owned());
        }

        Ok(PartLinks {
            part_size: PART_BYTES,
            urls,
            expires_at: signed_at + PARTS_TTL,
        })
    }

    /// Puts the file with `size` bytes together if all of its parts are there. Doing it twice is
    /// doing it once.
    pub async fn assemble(&self, key: &UploadKey, size: u64) -> Result<Assembly, Error> {
        // A repeated call may have begun several, of which the links of one are known.
        let mut furthest: Option<IncompleteParts> = None;
        for id in self.find_parts(key).await? {
            let Some(parts) = self.list_parts(key, &id).await? else {
                continue;
            };
            let incomplete = IncompleteParts::of(size, &numbers_and_sizes(&parts));
            if incomplete.is_empty() {
                return self.complete(key, &id, &parts).await;
            }
            let is_further = |known: &IncompleteParts| incomplete.count() < known.count();
            if furthest.as_ref().is_none_or(is_further) {
                furthest = Some(incomplete);
            }
        }

        match furthest {
            Some(incomplete) => Ok(Assembly::Incomplete(incomplete)),
            None => self.look_for_whole(key).await,
        }
    }

    async fn complete(&self, key: &UploadKey, id: &str, parts: &[Part]) -> Result<Assembly, Error> {
        let mut all = CompletedMultipartUpload::builder();
        for part in parts {
            let completed = CompletedPart::builder()
                .part_number(part.part_number().unwrap_or_default())
                .set_e_tag(part.e_tag().map(str::to_owned));
            all = all.parts(completed.build());
        }

        let complete = self
            .client
            .complete_multipart_upload()
            .bucket(&self.name)
            .key(key.incoming())
            .upload_id(id)
            .multipart_upload(all.build());
        match complete.customize().config_override(patient()).send().await {
            Ok(_) => Ok(Assembly::Whole),
            // Another call was first.
            Err(error) if is_no_such_upload(&error) => self.look_for_whole(key).await,
            Err(error) => Err(sort_error(&error)),
        }
    }

    async fn look_for_whole(&self, key: &UploadKey) -> Result<Assembly, Error> {
        let head = self.client.head_object().bucket(&self.name);
        match head.key(key.incoming()).send().await {
            Ok(_) => Ok(Assembly::Whole),
            Err(SdkError::ServiceError(error)) if error.err().is_not_found() => Ok(Assembly::Gone),
            Err(error) => Err(sort_error(&error)),
        }
    }

    /// The ids that S3 gave to uploads in parts of this file: mostly one, or none any more.
    async fn find_parts(&self, key: &UploadKey) -> Result<Vec<String>, Error> {
        let object = key.incoming();
        let list = self.client.list_multipart_uploads().bucket(&self.name);
        let listed = list.prefix(&object).send().await;
        let listed = listed.map_err(|error| sort_error(&error))?;

        let own = listed.uploads().iter();
        let own = own.filter(|upload| upload.key() == Some(&object));
        Ok(own
            .filter_map(|upload| upload.upload_id().map(str::to_owned))
            .collect())
    }

    /// The parts that are there, by number; none if there is no such upload any more. There are
    /// fewer than the thousand that S3 lists at once.
    async fn list_parts(&self, key: &UploadKey, id: &str) -> Result<Option<Vec<Part>>, Error> {
        let list = self.client.list_parts().bucket(&self.name);
        match list.key(key.incoming()).upload_id(id).send().await {
            Ok(listed) => Ok(Some(listed.parts().to_vec())),
            Err(error) if is_no_such_upload(&error) => Ok(None),
            Err(error) => Err(sort_error(&error)),
        }
    }

    /// Removes the parts of a file that was not put together.
    pub(super) async fn abort_parts(&self, key: &UploadKey) -> Result<(), Error> {
        for id in self.find_parts(key).await? {
            let abort = self.client.abort_multipart_upload().bucket(&self.name);
            let aborted = abort.key(key.incoming()).upload_id(id).send().await;
            match aborted {
                Err(error) if !is_no_such_upload(&error) => return Err(sort_error(&error)),
                _ => {}
            }
        }
        Ok(())
    }
}

fn is_no_such_upload<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    error.code() == Some("NoSuchUpload")
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use aws_config::{BehaviorVersion, Region, SdkConfig};
    use aws_credential_types::Credentials;
    use aws_credential_types::provider::SharedCredentialsProvider;
    use url::Url;
    use uuid::Uuid;

    use super::*;
    use crate::identity::TenantId;

    const MIB: u64 = 1024 * 1024;

    #[test]
    fn the_last_part_has_the_rest() {
        let sizes: Vec<_> = part_sizes(130 * MIB).collect();
        assert_eq!(sizes, [64 * MIB, 64 * MIB, 2 * MIB]);
        let sizes: Vec<_> = part_sizes(128 * MIB).collect();
        assert_eq!(sizes, [64 * MIB, 64 * MIB]);
        assert_eq!(part_sizes(5 * 1024 * MIB).count(), 80);
    }

    #[test]
    fn what_is_missing_or_of_another_size_is_named() {
        let there = [(1, 64 * MIB), (3, MIB)];
        let incomplete = IncompleteParts::of(130 * MIB, &there);
        assert_eq!(incomplete.missing, [2]);
        assert_eq!(incomplete.wrong_size, [3]);
        let advice = incomplete.advice();
        assert!(advice.contains("not come: 2."), "{advice}");
        assert!(advice.contains("must have: 3."), "{advice}");

        let all = [(1, 64 * MIB), (2, 64 * MIB), (3, 2 * MIB)];
        assert!(IncompleteParts::of(130 * MIB, &all).is_empty());
        let none = IncompleteParts::of(5 * 1024 * MIB, &[]);
        assert!(
            none.advice().contains("20 and 60 more"),
            "{}",
            none.advice()
        );
    }

    /// A client sends the part and its length, as each does: it knows no other header.
    #[tokio::test]
    async fn a_link_signs_the_length_and_no_other_header_of_the_client() {
        let credentials = Credentials::new("AKID", "SECRET", Some("TOKEN".into()), None, "test");
        let config = SdkConfig::builder()
            .region(Region::new("eu-west-1"))
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build();
        let bucket = UploadBucket::new(&config, "b".to_owned());
        let key = UploadKey {
            tenant: TenantId::try_from("clinic-1".to_owned()).unwrap(),
            id: Uuid::nil(),
        };

        let links = bucket.sign_parts(&key, "id", 130 * MIB).await.unwrap();
        assert_eq!((links.urls.len(), links.part_size), (3, 64 * MIB));
        for (number, url) in (1..).zip(&links.urls) {
            let url: Url = url.parse().unwrap();
            let query: HashMap<_, _> = url.query_pairs().into_owned().collect();
            assert_eq!(query["X-Amz-SignedHeaders"], "content-length;host");
            assert_eq!(query["X-Amz-Expires"], "21600");
            assert_eq!(query["partNumber"], number.to_string());
            assert!(!query.keys().any(|it| it.contains("checksum")), "{url}");
        }
    }
}
