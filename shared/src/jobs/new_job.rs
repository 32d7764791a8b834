//! A job that is to be enqueued.

use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use super::message::JobMessage;
use super::payload::JobPayload;
use crate::error::{Error, ErrorKind};
use crate::identity::{TenantId, UserId};
use crate::locale::Locale;
use crate::telemetry::trace;

/// The most bytes of JSON that a payload may have. A payload holds ids; a larger one holds
/// something else.
pub const MAX_PAYLOAD_BYTES: usize = 256 * 1024;

/// When the sweep first looks at a job: its message is sent with the request that enqueues it.
const SWEEP_AFTER: Duration = Duration::from_secs(10);

/// A job that is to be enqueued by [`super::store::enqueue`].
pub struct NewJob<'a> {
    pub(super) tenant: &'a TenantId,
    pub(super) user: &'a UserId,
    pub(super) locale: Locale,
    pub(super) id: Uuid,
    pub(super) kind: &'static str,
    pub(super) payload: Value,
    pub(super) consultation: Option<Uuid>,
    pub(super) dedupe_key: Option<String>,
    pub(super) sweep_after: Duration,
    pub(super) traceparent: Option<String>,
}

impl<'a> NewJob<'a> {
    /// A job about the record of `user`, who reads about it in `locale`. A payload over
    /// [`MAX_PAYLOAD_BYTES`] is a 413.
    pub fn new<P: JobPayload>(
        tenant: &'a TenantId,
        user: &'a UserId,
        locale: Locale,
        payload: &P,
    ) -> Result<Self, Error> {
        let payload = serde_json::to_value(payload).map_err(Error::internal)?;
        if payload.to_string().len() > MAX_PAYLOAD_BYTES {
            let detail = format!("A job's payload may have at most {MAX_PAYLOAD_BYTES} bytes.");
            return Err(Error::new(ErrorKind::PayloadTooLarge, detail));
        }

        Ok(Self {
            tenant,
            user,
            locale,
            id: Uuid::now_v7(),
            kind: P::KIND,
            payload,
            consultation: None,
            dedupe_key: None,
            sweep_after: SWEEP_AFTER,
            traceparent: trace::current().map(|parent| parent.to_string()),
        })
    }

    /// The job has this id, which another row of the same transaction names.
    #[must_use]
    pub const fn with_id(mut self, id: Uuid) -> Self {
        self.id = id;
        self
    }

    /// The job works on this consultation, and is erased with it.
    #[must_use]
    pub const fn for_consultation(mut self, consultation: Uuid) -> Self {
        self.consultation = Some(consultation);
        self
    }

    /// While an unfinished job of this kind has the same key, no other one is enqueued.
    #[must_use]
    pub fn deduplicate_by(mut self, key: impl Into<String>) -> Self {
        self.dedupe_key = Some(key.into());
        self
    }

    /// The job begins this much later: no request sends its message, but the sweep then.
    #[must_use]
    pub const fn begin_after(mut self, delay: Duration) -> Self {
        self.sweep_after = delay;
        self
    }

    /// The message that brings the job to a worker.
    pub fn message(&self) -> JobMessage {
        JobMessage {
            tenant_id: self.tenant.clone(),
            job_id: self.id,
            kind: self.kind.to_owned(),
            traceparent: self.traceparent.clone(),
        }
    }

    /// `UUIDv7`, made with the job.
    pub const fn id(&self) -> Uuid {
        self.id
    }

    /// The trace that the job is made in, for its row.
    pub fn traceparent(&self) -> Option<&str> {
        self.traceparent.as_deref()
    }

    /// The payload, as it stands in the job's row.
    pub const fn payload(&self) -> &Value {
        &self.payload
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::jobs::ReasonText;

    #[derive(Serialize, Deserialize)]
    struct Large {
        ids: String,
    }

    impl JobPayload for Large {
        const KIND: &'static str = "large";
        const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(1);
        const REASONS: &'static [ReasonText] = &[];
    }

    /// A new job whose payload has one text of so many bytes.
    fn new_job_id(bytes: usize) -> Result<Uuid, ErrorKind> {
        let tenant = TenantId::try_from("t".to_owned()).unwrap();
        let user = UserId::try_from("u".to_owned()).unwrap();
        let payload = Large {
            ids: "x".repeat(bytes),
        };

        let job = NewJob::new(&tenant, &user, Locale::En, &payload);

        job.map(|job| job.id()).map_err(|error| error.kind())
    }

    #[test]
    fn a_payload_that_is_more_than_ids_is_refused() {
        let frame = r#"{"ids":""}"#.len();
        let largest = MAX_PAYLOAD_BYTES - frame;

        assert!(new_job_id(largest).is_ok());
        assert_eq!(new_job_id(largest + 1), Err(ErrorKind::PayloadTooLarge));
    }
}
