//! Durable work: jobs in PostgreSQL, announced by an outbox, carried by SQS, done by the `worker` function.
//!
//! | what | where |
//! |---|---|
//! | a job's row commits with the work it belongs to, and its outbox row with it | [`store::enqueue`] |
//! | the send follows; what a crash left unsent, lost or unfinished is sent later | [`outbox`] |
//! | a run claims its job: a lease with a fencing token, one statement for a whole batch | [`claim`] |
//! | a batch of messages: each on its own, with one heartbeat for all | [`worker`] |
//! | how a run ends: done, tried again, put off, given up | [`ending`] |
//! | what the queue gave up, and bringing it back | [`burial`] |
//!
//! Whatever happens to the message, the row says what is left to do. **A new kind is one type and one function:** the type is
//! its payload and implements [`Task`]; the function does the work and implements [`worker::Perform`] for it.

pub mod burial;
pub mod claim;
pub mod ending;
mod heartbeat;
pub mod outbox;
pub mod queue;
mod reason;
pub mod store;
mod view;
pub mod worker;

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::error::{Error, ErrorKind};
use crate::identity::{TenantId, UserId};
use crate::triage::Locale;
pub use reason::Reason;
pub use view::JobView;

/// The number of times a job is tried.
pub const MAX_ATTEMPTS: i16 = 3;

/// The most that a payload may have, in bytes of JSON. A payload holds ids; what is larger holds something else.
pub const LARGEST_PAYLOAD: usize = 256 * 1024;

/// A kind of job: its payload, which is stored with it and holds ids, never medical text.
pub trait Task: Serialize + DeserializeOwned {
    /// The kind's name, in rows, messages, logs and metrics.
    const KIND: &'static str;

    /// The longest that one attempt may take. No attempt is begun with less time left than this.
    const LONGEST: Duration;
}

/// A job that has to be done.
pub struct NewJob<'a> {
    tenant: &'a TenantId,
    user: &'a UserId,
    locale: Locale,
    id: Uuid,
    kind: &'static str,
    payload: Value,
    consultation: Option<Uuid>,
    dedupe_key: Option<String>,
}

impl<'a> NewJob<'a> {
    /// A job of the record of `user`, who is told about it in `locale`. A payload over [`LARGEST_PAYLOAD`] is a 413.
    pub fn new<T: Task>(
        tenant: &'a TenantId,
        user: &'a UserId,
        locale: Locale,
        task: &T,
    ) -> Result<Self, Error> {
        let payload = serde_json::to_value(task).map_err(Error::internal)?;
        if payload.to_string().len() > LARGEST_PAYLOAD {
            let detail = format!("A job's payload may have at most {LARGEST_PAYLOAD} bytes.");
            return Err(Error::new(ErrorKind::PayloadTooLarge, detail));
        }
        let (consultation, dedupe_key) = (None, None);
        Ok(Self {
            tenant,
            user,
            locale,
            id: Uuid::now_v7(),
            kind: T::KIND,
            payload,
            consultation,
            dedupe_key,
        })
    }

    /// What it works on: if that is erased, the job goes with it.
    #[must_use]
    pub const fn about(mut self, consultation: Uuid) -> Self {
        self.consultation = Some(consultation);
        self
    }

    /// While an unfinished job of this kind has the same key, no other one is made.
    #[must_use]
    pub fn once(mut self, key: impl Into<String>) -> Self {
        self.dedupe_key = Some(key.into());
        self
    }

    /// What announces it.
    pub fn message(&self) -> JobMessage {
        JobMessage {
            tenant_id: self.tenant.clone(),
            job_id: self.id,
            kind: self.kind.to_owned(),
        }
    }

    /// Its id.
    pub const fn id(&self) -> Uuid {
        self.id
    }

    /// As it stands in its row.
    pub const fn payload(&self) -> &Value {
        &self.payload
    }
}

/// The body of a queue message: ids only. The row decides what is done; the kind is for whoever looks at the queue.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct JobMessage {
    /// Whose job it is.
    pub tenant_id: TenantId,
    /// The job's row.
    pub job_id: Uuid,
    /// What it does.
    pub kind: String,
}

impl JobMessage {
    /// The message with this body; none if it is no job's. What a parser would say of it may repeat the body, so nothing is.
    pub fn read(body: &str) -> Option<Self> {
        serde_json::from_str(body).ok()
    }
}

/// How far a job has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Encode, sqlx::Decode)]
#[serde(rename_all = "snake_case")]
#[sqlx(rename_all = "snake_case")]
pub enum State {
    /// It waits for a worker.
    Queued,
    /// A worker is at it.
    Active,
    /// It waits for something outside to come back; that spends no attempt.
    Deferred,
    /// It is done.
    Completed,
    /// It cannot be done.
    Failed,
    /// Somebody called it off.
    Cancelled,
}

crate::postgres::text_columns!(State);

impl State {
    /// Whether nothing happens to it any more, unless an admin brings it back.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Large {
        ids: String,
    }

    impl Task for Large {
        const KIND: &'static str = "large";
        const LONGEST: Duration = Duration::from_secs(1);
    }

    fn enqueued(bytes: usize) -> Result<Uuid, ErrorKind> {
        let (tenant, user) = (
            TenantId::try_from("t".to_owned()),
            UserId::try_from("u".to_owned()),
        );
        let task = Large {
            ids: "x".repeat(bytes),
        };
        let job = NewJob::new(
            tenant.as_ref().unwrap(),
            user.as_ref().unwrap(),
            Locale::En,
            &task,
        );
        job.map(|job| job.id()).map_err(|error| error.kind())
    }

    #[test]
    fn a_payload_that_is_more_than_ids_is_refused() {
        let frame = r#"{"ids":""}"#.len();
        assert!(enqueued(LARGEST_PAYLOAD - frame).is_ok());
        assert_eq!(
            enqueued(LARGEST_PAYLOAD - frame + 1),
            Err(ErrorKind::PayloadTooLarge)
        );
    }
}
