//! The private bucket that reports lie in, and links that open one for a short time.

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::presigning::PresigningConfig;
use time::OffsetDateTime;
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::Rendered;
use crate::aws;
use crate::consultations::{ReportLinks, StoredReport};
use crate::error::{BoxError, Error};
use crate::identity::TenantId;

/// How long a link works at least.
const SHORTEST: Duration = Duration::from_mins(10);

/// Links of one such span of time are the same, so that a client that holds a representation with them need not get it again.
const SPAN: Duration = Duration::from_mins(5);

/// After this time nobody holds a link to a report that was replaced, nor a cached consultation that names it.
const IN_USE: Duration = Duration::from_hours(1);

/// How soon the bucket may be back.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// The bucket.
pub struct Bucket {
    client: Client,
    name: String,
}

/// Links for a function that seldom makes any: the client is made with the first.
pub struct Links {
    name: String,
    bucket: OnceCell<Bucket>,
}

impl Links {
    /// For the bucket called `name`.
    pub fn new(name: String) -> Self {
        Self {
            name,
            bucket: OnceCell::new(),
        }
    }

    /// Links to a report; none, and a line in the log, if they cannot be signed.
    pub async fn to(&self, report: &StoredReport) -> Option<ReportLinks> {
        let make = || async { Bucket::new(&aws::sdk_config().await, self.name.clone()) };
        let links = self.bucket.get_or_init(make).await.links(report).await;
        // The error's text could repeat the link.
        links
            .inspect_err(|_| tracing::error!("a report's links cannot be signed"))
            .ok()
    }
}

impl Bucket {
    /// The bucket called `name`.
    pub fn new(config: &SdkConfig, name: String) -> Self {
        Self {
            client: aws::s3(config),
            name,
        }
    }

    /// Where the report of a job lies. Each job has a place of its own, so that a run that was overtaken cannot overwrite what a
    /// later job has written.
    pub fn place(
        &self,
        tenant: &TenantId,
        consultation: Uuid,
        job: Uuid,
        now: OffsetDateTime,
    ) -> StoredReport {
        let key = |extension: &str| {
            format!(
                "{}/{consultation}/{job}/report.{extension}",
                tenant.as_str()
            )
        };
        StoredReport {
            html: key("html"),
            markdown: key("md"),
            generated_at: now,
        }
    }

    /// Writes both forms of a report. Doing it twice for the same job changes nothing but its time.
    pub async fn store(
        &self,
        tenant: &TenantId,
        consultation: Uuid,
        job: Uuid,
        report: Rendered,
        now: OffsetDateTime,
    ) -> Result<StoredReport, Error> {
        let place = self.place(tenant, consultation, job, now);
        futures::try_join!(
            self.put(&place.html, "text/html; charset=utf-8", report.html),
            self.put(
                &place.markdown,
                "text/markdown; charset=utf-8",
                report.markdown
            ),
        )?;
        Ok(place)
    }

    async fn put(&self, key: &str, content_type: &str, text: String) -> Result<(), Error> {
        let put = self
            .client
            .put_object()
            .bucket(&self.name)
            .key(key)
            .content_type(content_type);
        let put = put
            .cache_control("private, no-store")
            .body(text.into_bytes().into());
        put.send().await.map(drop).map_err(fault)
    }

    /// Removes a consultation's reports but the last two: links to the last but one may be in use, if it was replaced just now. If
    /// it is itself not older than [`IN_USE`], the one before may be in use as well, and all are left.
    pub async fn tidy(
        &self,
        tenant: &TenantId,
        consultation: Uuid,
        last_two: [&StoredReport; 2],
        now: OffsetDateTime,
    ) -> Result<(), Error> {
        if now - last_two[0].generated_at < IN_USE {
            return Ok(());
        }
        let list = self
            .client
            .list_objects_v2()
            .bucket(&self.name)
            .prefix(format!("{}/{consultation}/", tenant.as_str()));
        let listed = list.send().await.map_err(fault)?;
        let is_kept = |key: &str| {
            last_two
                .iter()
                .any(|report| report.html == key || report.markdown == key)
        };
        for key in listed
            .contents()
            .iter()
            .filter_map(|object| object.key())
            .filter(|key| !is_kept(key))
        {
            self.remove_object(key).await?;
        }
        Ok(())
    }

    /// Removes both forms of a report. There may be none.
    pub async fn remove(&self, report: &StoredReport) -> Result<(), Error> {
        futures::try_join!(
            self.remove_object(&report.html),
            self.remove_object(&report.markdown)
        )?;
        Ok(())
    }

    async fn remove_object(&self, key: &str) -> Result<(), Error> {
        self.client
            .delete_object()
            .bucket(&self.name)
            .key(key)
            .send()
            .await
            .map(drop)
            .map_err(fault)
    }

    /// Links to a report, signed here: that costs no call.
    pub async fn links(&self, report: &StoredReport) -> Result<ReportLinks, BoxError> {
        let since_epoch = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)?
            .as_secs();
        let start = SystemTime::UNIX_EPOCH
            + Duration::from_secs(since_epoch - since_epoch % SPAN.as_secs());
        let lifetime = PresigningConfig::builder()
            .start_time(start)
            .expires_in(SHORTEST + SPAN)
            .build()?;
        let (html_url, markdown_url) = futures::try_join!(
            self.link(&report.html, &lifetime),
            self.link(&report.markdown, &lifetime)
        )?;
        let expires_at = OffsetDateTime::from(start + SHORTEST + SPAN);
        Ok(ReportLinks {
            html_url,
            markdown_url,
            expires_at,
            generated_at: report.generated_at,
        })
    }

    async fn link(&self, key: &str, lifetime: &PresigningConfig) -> Result<String, BoxError> {
        let link = self
            .client
            .get_object()
            .bucket(&self.name)
            .key(key)
            .presigned(lifetime.clone())
            .await?;
        Ok(link.uri().to_owned())
    }
}

/// A bucket that cannot be reached, or is too busy, comes back; whatever else it says is our fault.
fn fault<E: std::error::Error + Send + Sync + 'static>(error: SdkError<E>) -> Error {
    if aws::is_outage(&error) {
        Error::unavailable("The bucket of reports", RETRY_AFTER, error)
    } else {
        Error::internal(error)
    }
}
