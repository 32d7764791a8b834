//! The private bucket of the reports, and links that open one for a short time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::presigning::PresigningConfig;
use time::OffsetDateTime;
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::render::Rendered;
use crate::aws;
use crate::consultations::{ReportLinks, StoredReport};
use crate::error::{BoxError, Error};
use crate::identity::TenantId;

/// The shortest time for which a link works.
const MIN_LINK_TTL: Duration = Duration::from_mins(10);

/// After this time no client holds a link to a report that was replaced, and no cache a
/// consultation that names it.
const REPLACED_REPORT_TTL: Duration = Duration::from_hours(1);

/// How long a report is kept: a new one can be made at any time. The bucket removes it some hours
/// after this.
pub const REPORT_LIFETIME: Duration = Duration::from_hours(365 * 24);

/// The objects that one report removes at most. It adds two.
const MAX_REMOVED: usize = 50;

/// The wait that a caller is told while the bucket cannot be reached.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// The bucket.
pub struct Bucket {
    client: Client,
    name: String,
}

/// The job that makes a report, and its consultation. Each job has objects of its own, so that a
/// run that lost its lease cannot overwrite the report of a later job.
#[derive(Clone, Copy)]
pub struct ReportKey<'a> {
    /// The tenant whose record it is.
    pub tenant: &'a TenantId,
    /// The consultation that is reported on.
    pub consultation: Uuid,
    /// The job that makes the report.
    pub job: Uuid,
}

impl ReportKey<'_> {
    /// The objects of a report that is made at `now`.
    pub fn location(&self, now: OffsetDateTime) -> StoredReport {
        let folder = format!("{}{}/report", self.prefix(), self.job);

        StoredReport {
            html: format!("{folder}.html"),
            markdown: format!("{folder}.md"),
            generated_at: now,
        }
    }

    fn prefix(&self) -> String {
        folder_of(self.tenant, self.consultation)
    }
}

/// Where all reports of a consultation are.
fn folder_of(tenant: &TenantId, consultation: Uuid) -> String {
    format!("{}/{consultation}/", tenant.as_str())
}

/// Makes links in a function that seldom makes any: the client is made with the first.
pub struct LinkSigner {
    name: String,
    bucket: OnceCell<Bucket>,
}

impl LinkSigner {
    /// For the bucket called `name`.
    pub fn new(name: String) -> Self {
        Self {
            name,
            bucket: OnceCell::new(),
        }
    }

    /// Links to a report; none if its time is over, and, with a line in the log, if they cannot be
    /// signed.
    pub async fn sign(&self, report: &StoredReport) -> Option<ReportLinks> {
        if OffsetDateTime::now_utc() - report.generated_at >= REPORT_LIFETIME {
            return None;
        }
        let connect = || async { Bucket::new(&aws::sdk_config().await, self.name.clone()) };
        let bucket = self.bucket.get_or_init(connect).await;

        let links = bucket.sign_links(report).await;
        if links.is_err() {
            // The error's text could repeat the link.
            tracing::error!("a report's links cannot be signed");
        }
        links.ok()
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

    /// Writes both forms of a report. Doing it twice for the same job changes nothing but the
    /// report's time.
    pub async fn store(
        &self,
        key: ReportKey<'_>,
        report: Rendered,
        now: OffsetDateTime,
    ) -> Result<StoredReport, Error> {
        let stored = key.location(now);
        let html_type = "text/html; charset=utf-8";
        let markdown_type = "text/markdown; charset=utf-8";

        futures::try_join!(
            self.put_object(&stored.html, html_type, report.html),
            self.put_object(&stored.markdown, markdown_type, report.markdown),
        )?;
        Ok(stored)
    }

    async fn put_object(&self, key: &str, content_type: &str, text: String) -> Result<(), Error> {
        let put = self
            .client
            .put_object()
            .bucket(&self.name)
            .key(key)
            .content_type(content_type)
            .cache_control("private, no-store")
            .body(text.into_bytes().into());

        put.send().await.map(drop).map_err(sort_error)
    }

    /// Removes the consultation's reports that were replaced more than an hour before `now`: links
    /// to them work no more. Those that were replaced later stay until another report is made, and
    /// so do all but the 50 oldest objects.
    pub async fn remove_replaced(
        &self,
        key: ReportKey<'_>,
        latest: &StoredReport,
        now: OffsetDateTime,
    ) -> Result<(), Error> {
        let list = self
            .client
            .list_objects_v2()
            .bucket(&self.name)
            .prefix(key.prefix());
        let listed = list.send().await.map_err(sort_error)?;
        let objects: Vec<_> = listed
            .contents()
            .iter()
            .filter_map(StoredObject::read)
            .collect();

        let outdated = find_outdated(&objects, latest, now);
        for object in outdated.into_iter().take(MAX_REMOVED) {
            self.remove_object(object).await?;
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

    /// Removes all reports of a consultation. There may be none.
    pub async fn remove_all(&self, tenant: &TenantId, consultation: Uuid) -> Result<(), Error> {
        let list = self.client.list_objects_v2().bucket(&self.name);
        let mut pages = list
            .prefix(folder_of(tenant, consultation))
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            for object in page.map_err(sort_error)?.contents() {
                if let Some(key) = object.key() {
                    self.remove_object(key).await?;
                }
            }
        }
        Ok(())
    }

    async fn remove_object(&self, key: &str) -> Result<(), Error> {
        let delete = self.client.delete_object().bucket(&self.name).key(key);
        delete.send().await.map(drop).map_err(sort_error)
    }

    /// Links to a report, signed here: that costs no call.
    async fn sign_links(&self, report: &StoredReport) -> Result<ReportLinks, BoxError> {
        let start = aws::period_start()?;
        let ttl = MIN_LINK_TTL + aws::LINK_PERIOD;
        let lifetime = PresigningConfig::builder()
            .start_time(start)
            .expires_in(ttl)
            .build()?;

        let (html_url, markdown_url) = futures::try_join!(
            self.sign_link(&report.html, &lifetime),
            self.sign_link(&report.markdown, &lifetime)
        )?;
        Ok(ReportLinks {
            html_url,
            markdown_url,
            expires_at: OffsetDateTime::from(start + ttl),
            generated_at: report.generated_at,
        })
    }

    async fn sign_link(&self, key: &str, lifetime: &PresigningConfig) -> Result<String, BoxError> {
        let get = self.client.get_object().bucket(&self.name).key(key);
        let link = get.presigned(lifetime.clone()).await?;
        Ok(link.uri().to_owned())
    }
}

/// One form of a report, as the bucket lists it.
struct StoredObject<'a> {
    key: &'a str,
    written_at: OffsetDateTime,
}

impl<'a> StoredObject<'a> {
    fn read(object: &'a aws_sdk_s3::types::Object) -> Option<Self> {
        let written_at = object.last_modified()?.secs();
        Some(Self {
            key: object.key()?,
            written_at: OffsetDateTime::from_unix_timestamp(written_at).ok()?,
        })
    }
}

/// The folder of the job that has written an object.
fn folder(key: &str) -> &str {
    key.rsplit_once('/').map_or(key, |(folder, _)| folder)
}

/// The objects of reports whose successor was written long enough before `now`. The latest report
/// is never among them.
fn find_outdated<'a>(
    objects: &[StoredObject<'a>],
    latest: &StoredReport,
    now: OffsetDateTime,
) -> Vec<&'a str> {
    let mut written: BTreeMap<&str, OffsetDateTime> = BTreeMap::new();
    for object in objects {
        let last = written
            .entry(folder(object.key))
            .or_insert(object.written_at);
        *last = (*last).max(object.written_at);
    }

    // The bucket knows seconds only; of two reports in one, the later job's is the later one.
    let mut reports: Vec<_> = written
        .into_iter()
        .map(|(folder, at)| (at, folder))
        .collect();
    reports.sort_unstable();
    let successors = reports.iter().zip(reports.iter().skip(1));
    let outdated: BTreeSet<_> = successors
        .filter(|(_, (replaced_at, _))| now - *replaced_at >= REPLACED_REPORT_TTL)
        .map(|((_, folder), _)| *folder)
        .filter(|outdated| *outdated != folder(&latest.html))
        .collect();

    let keys = objects.iter().map(|object| object.key);
    keys.filter(|key| outdated.contains(folder(key))).collect()
}

/// A bucket that cannot be reached, or is too busy, comes back. Any other error is our fault.
fn sort_error<E>(error: SdkError<E>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    if aws::is_outage(&error) {
        Error::unavailable("The bucket of reports", RETRY_AFTER, error)
    } else {
        Error::internal(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A report's two objects, written so many minutes ago.
    fn report(
        job: &'static str,
        minutes_ago: i64,
        now: OffsetDateTime,
    ) -> [StoredObject<'static>; 2] {
        let written_at = now - time::Duration::minutes(minutes_ago);
        let keys = match job {
            "a" => ["t/c/a/report.html", "t/c/a/report.md"],
            "b" => ["t/c/b/report.html", "t/c/b/report.md"],
            _ => ["t/c/c/report.html", "t/c/c/report.md"],
        };
        keys.map(|key| StoredObject { key, written_at })
    }

    struct Case {
        name: &'static str,
        /// When the reports `a`, `b` and `c` were written, in minutes before now. `c` is the
        /// latest.
        minutes_ago: [i64; 3],
        outdated: &'static [&'static str],
    }

    const CASES: [Case; 6] = [
        Case {
            name: "all within the hour",
            minutes_ago: [50, 30, 0],
            outdated: &[],
        },
        Case {
            name: "each less than an hour after the one before",
            minutes_ago: [110, 61, 0],
            outdated: &["t/c/a/report.html", "t/c/a/report.md"],
        },
        Case {
            name: "all long ago, but the last",
            minutes_ago: [600, 500, 0],
            outdated: &["t/c/a/report.html", "t/c/a/report.md"],
        },
        Case {
            name: "the latest long ago, too",
            minutes_ago: [600, 500, 61],
            outdated: &[
                "t/c/a/report.html",
                "t/c/a/report.md",
                "t/c/b/report.html",
                "t/c/b/report.md",
            ],
        },
        Case {
            name: "all in one second",
            minutes_ago: [61, 61, 61],
            outdated: &[
                "t/c/a/report.html",
                "t/c/a/report.md",
                "t/c/b/report.html",
                "t/c/b/report.md",
            ],
        },
        Case {
            name: "a run that lost its lease wrote after the latest",
            minutes_ago: [600, 0, 61],
            outdated: &["t/c/a/report.html", "t/c/a/report.md"],
        },
    ];

    #[test]
    fn a_report_is_outdated_an_hour_after_its_successor() {
        let now = OffsetDateTime::UNIX_EPOCH + time::Duration::days(20_000);
        let latest = StoredReport {
            html: "t/c/c/report.html".to_owned(),
            markdown: "t/c/c/report.md".to_owned(),
            generated_at: now,
        };

        for case in CASES {
            let [a, b, c] = case.minutes_ago;
            let objects: Vec<_> = [("a", a), ("b", b), ("c", c)]
                .into_iter()
                .flat_map(|(job, minutes)| report(job, minutes, now))
                .collect();
            let outdated = find_outdated(&objects, &latest, now);
            assert_eq!(outdated, case.outdated, "{}", case.name);
        }
    }
}
