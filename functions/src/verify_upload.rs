//! The uploads queue's consumer: looks at each file that S3 has received, and hears what a virus
//! scanner found.

use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use wenzhen::config::{self, ConfigError};
use wenzhen::deadline::Deadline;
use wenzhen::error::Error;
use wenzhen::jobs::queue::Queue;
use wenzhen::lambda::{ProcessedRecord, QueueConsumer, process_each};
use wenzhen::postgres::Database;
use wenzhen::setup::Setup;
use wenzhen::telemetry::metrics;
use wenzhen::uploads::pdf_text::PdfTextReader;
use wenzhen::uploads::store::VerifiedFile;
use wenzhen::uploads::{
    RejectionReason, ScanQueue, ScanVerdict, Upload, UploadBucket, UploadKey, UploadMessage,
    UploadState, Verification, store, verify,
};

/// The longest that one statement may take.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(8);

/// Kept from the invocation's time for naming the messages that come again.
const ANSWER_RESERVE: Duration = Duration::from_secs(5);

/// When a message comes again that cannot be processed now.
const RETRY_DELAY: Duration = Duration::from_mins(1);

/// When a message comes again, at the latest, whose person has as many files looked at as may be.
const MAX_BUSY_DELAY: Duration = Duration::from_mins(1);

/// The consumer.
pub struct VerifyUpload {
    /// The queue that the messages come from.
    pub queue: Queue,
    /// Holds the uploads.
    pub database: Database,
    /// Holds the files.
    pub bucket: UploadBucket,
    /// Takes texts out of PDFs.
    pub pdf_texts: PdfTextReader,
    /// Where a virus scanner is told of files, if there is one.
    pub scans: Option<ScanQueue>,
}

impl QueueConsumer for VerifyUpload {
    const QUEUE: &'static str = "UploadsQueue";

    const TIMEOUT: Duration = Duration::from_mins(15);

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        let scans = match config::scan_queue_url()? {
            Some(url) => Some(ScanQueue::new(setup.aws().await, url)),
            None => None,
        };
        let queue_url = config::uploads_queue_url()?;
        Ok(Self {
            queue: Queue::new(setup.aws().await, queue_url),
            database: setup.database().await?,
            bucket: setup.upload_bucket().await?,
            pdf_texts: PdfTextReader::of_this_program(),
            scans,
        })
    }

    /// Messages that cannot be processed now come again, and after that into the dead letters.
    async fn handle(&self, event: SqsEvent, invocation: Deadline) -> SqsBatchResponse {
        let deadline = invocation.less(ANSWER_RESERVE);
        let process = async |record: &SqsMessage| {
            let body = record.body.as_deref().unwrap_or_default();
            Ok(match self.process(body).await? {
                Progress::Done => ProcessedRecord::Done,
                Progress::Busy => ProcessedRecord::ComesAgain(busy_delay(record)),
            })
        };
        process_each(event, &self.queue, RETRY_DELAY, deadline, process).await
    }
}

/// Whether a message is done with.
enum Progress {
    Done,
    /// As many of the person's files as may be are looked at now.
    Busy,
}

impl VerifyUpload {
    async fn process(&self, body: &str) -> Result<Progress, Error> {
        match UploadMessage::read(body) {
            Some(UploadMessage::Arrived(keys)) => {
                for key in &keys {
                    if let Progress::Busy = self.look_at(key).await? {
                        return Ok(Progress::Busy); // the others were looked at: that is quick now
                    }
                }
            }
            Some(UploadMessage::Scanned(key, ScanVerdict::Clean)) => {
                let release = async |connection: &mut _| store::release(connection, &key).await;
                let is_known = self.database.within(STATEMENT_TIMEOUT, release).await?;
                if !is_known {
                    tracing::info!(upload = %key.id, "a scanned upload is not there any more");
                }
            }
            Some(UploadMessage::Scanned(key, ScanVerdict::Infected)) => {
                let states = &[UploadState::Scanning, UploadState::Ready];
                self.reject(&key, states, RejectionReason::Infected).await?;
            }
            None => {
                metrics::count("UploadMessageUnreadable", &[]);
                tracing::error!("a message of the uploads queue cannot be read, and is dropped");
            }
        }
        Ok(Progress::Done)
    }

    /// Looks at a file that has come. One that nobody waits for is removed: a second one under the
    /// same form, or that of an upload which was removed.
    async fn look_at(&self, key: &UploadKey) -> Result<Progress, Error> {
        let upload = self.find(key).await?;
        if let Some(object) = scanned_object(key, upload.as_ref()) {
            self.ask_scanner(key, &object).await?; // it may not have been told
        }
        let Some(upload) = upload.filter(|it| it.state == UploadState::Pending) else {
            self.bucket.remove(&[key.incoming()]).await?;
            return Ok(Progress::Done);
        };

        let begin = async |connection: &mut _| store::begin_verification(connection, key).await;
        if !self.database.within(STATEMENT_TIMEOUT, begin).await? {
            return Ok(Progress::Busy);
        }
        let verified = self.verify(key, &upload).await;
        let end = async |connection: &mut _| store::end_verification(connection, key).await;
        self.database.within(STATEMENT_TIMEOUT, end).await?;
        verified.map(|()| Progress::Done)
    }

    async fn verify(&self, key: &UploadKey, upload: &Upload) -> Result<(), Error> {
        let verify = verify(&self.bucket, &self.pdf_texts, key, upload);
        match Box::pin(verify).await? {
            Verification::Gone => Ok(()),
            // Another file under the same form may have been accepted meanwhile: it stays.
            Verification::Rejected(reason) => {
                self.reject(key, &[UploadState::Pending], reason).await
            }
            Verification::Kept {
                object,
                size,
                sha256,
            } => {
                let state = if self.scans.is_some() {
                    UploadState::Scanning
                } else {
                    UploadState::Ready
                };
                let file = VerifiedFile {
                    size,
                    sha256,
                    state,
                };
                self.accept(key, &file, object).await
            }
        }
    }

    async fn accept(
        &self,
        key: &UploadKey,
        file: &VerifiedFile,
        object: String,
    ) -> Result<(), Error> {
        let accept = async |connection: &mut _| store::accept(connection, key, file).await;
        let is_accepted = self.database.within(STATEMENT_TIMEOUT, accept).await?;

        let mut removed = vec![key.incoming()];
        if is_accepted {
            metrics::count("UploadVerified", &[("outcome", "kept")]);
            self.ask_scanner(key, &object).await?;
        } else {
            // Another delivery may have kept the same file, or another one: that one stays.
            let kept = self.find(key).await?;
            let kept = kept.and_then(|upload| upload.kept_object(&key.tenant));
            if kept.as_ref() != Some(&object) {
                removed.extend([object, key.text(&file.sha256)]);
            }
        }
        self.bucket.remove(&removed).await
    }

    async fn find(&self, key: &UploadKey) -> Result<Option<Upload>, Error> {
        let find = async |connection: &mut _| store::find(connection, key).await;
        self.database.within(STATEMENT_TIMEOUT, find).await
    }

    /// A scanner that is told twice answers twice.
    async fn ask_scanner(&self, key: &UploadKey, object: &str) -> Result<(), Error> {
        match &self.scans {
            Some(scans) => scans.ask(key, self.bucket.name(), object).await,
            None => Ok(()),
        }
    }

    /// Rejects an upload that is in one of these states, with all of its files.
    async fn reject(
        &self,
        key: &UploadKey,
        states: &[UploadState],
        reason: RejectionReason,
    ) -> Result<(), Error> {
        let reject =
            async |connection: &mut _| store::reject(connection, key, states, reason).await;
        if !self.database.within(STATEMENT_TIMEOUT, reject).await? {
            return self.bucket.remove(&[key.incoming()]).await;
        }

        metrics::count("UploadVerified", &[("outcome", reason.as_str())]);
        tracing::info!(upload = %key.id, reason = reason.as_str(), "an upload was rejected");
        self.bucket.remove_all(key).await
    }
}

/// Soon at first, and later and later up to a minute: a hundred receives are an hour and a half,
/// and the queue gives a message up after 300.
fn busy_delay(record: &SqsMessage) -> Duration {
    let received = record.attributes.get("ApproximateReceiveCount");
    let received = received.and_then(|count| count.parse().ok()).unwrap_or(1);
    Duration::from_secs(2_u64.saturating_mul(received)).min(MAX_BUSY_DELAY)
}

/// The object that a scanner looks at, if it does.
fn scanned_object(key: &UploadKey, upload: Option<&Upload>) -> Option<String> {
    let scanned = upload.filter(|it| it.state == UploadState::Scanning)?;
    scanned.kept_object(&key.tenant)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(times: &str) -> SqsMessage {
        let mut record = SqsMessage::default();
        let name = "ApproximateReceiveCount".to_owned();
        record.attributes.insert(name, times.to_owned());
        record
    }

    #[test]
    fn the_surplus_comes_again_soon_and_for_hours() {
        let seconds = |times: &str| busy_delay(&received(times)).as_secs();
        assert_eq!(seconds("1"), 2);
        assert_eq!(seconds("5"), 10);
        assert_eq!(seconds("100"), 60);
        assert_eq!(seconds("18446744073709551615"), 60);
        assert_eq!(busy_delay(&SqsMessage::default()).as_secs(), 2);

        // Twenty files of one person, each of which takes 15 minutes, three at a time.
        let of_half: u64 = (1..=150)
            .map(|times: u64| seconds(&times.to_string()))
            .sum();
        assert!(of_half > 20 * 15 * 60 / 3, "{of_half} s of 150 receives");
    }
}
