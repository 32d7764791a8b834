//! A further message of the patient: what the API takes, and how a turn begins.

use garde::Validate;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::types::Json;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::consultation::{Consultation, ConsultationStatus};
use super::conversation::Conversation;
use super::request::{IdempotencyKey, check_text};
use super::store;
use super::tasks::Analyze;
use super::transcript::Transcripts;
use crate::error::{Error, ErrorKind};
use crate::identity::{Caller, Scope};
use crate::jobs::{self, JobMessage, NewJob};
use crate::triage;

/// The most turns of one consultation.
const MAX_TURNS: i16 = 12;

/// The longest message, in characters.
const MAX_MESSAGE_CHARS: usize = 4_000;

/// The body of `POST /v1/consultations/{id}/messages`.
#[derive(Deserialize, Serialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct NewMessage {
    /// The patient's own words: 1 to 4,000 characters, of which one at least is seen.
    #[garde(custom(|value: &String, (): &()| check_text(value, MAX_MESSAGE_CHARS)))]
    pub text: String,
}

impl NewMessage {
    fn fingerprint(&self, consultation: Uuid) -> [u8; 32] {
        let digest = Sha256::new();
        let digest = digest.chain_update(consultation.as_bytes());
        digest.chain_update(self.text.as_bytes()).finalize().into()
    }
}

/// A turn that has begun, or had begun before.
pub struct BegunTurn {
    /// The consultation as it stands now.
    pub consultation: Consultation,
    /// The job's message for the queue; none if the same request was accepted before.
    pub message: Option<JobMessage>,
}

/// Begins a turn: keeps the message, decides again over all the patient's words, and enqueues the
/// job that answers. 409 while the turn before is being answered, 422 after the last possible one.
///
/// The message goes to the transcripts' table while the row is locked. If the commit fails behind
/// it, the row does not count the turn, and the next message takes its place.
pub async fn begin_turn(
    connection: &mut PgConnection,
    transcripts: &Transcripts,
    caller: &Caller,
    id: Uuid,
    key: Option<&IdempotencyKey>,
    new: &NewMessage,
) -> Result<BegunTurn, Error> {
    let scope = caller.scope();
    let mut transaction = connection.begin().await?;
    lock(&mut transaction, scope, id).await?;
    let mut consultation = store::get(&mut transaction, scope, id).await?;
    if let Some(key) = key
        && !claim_key(&mut transaction, caller, id, key, new).await?
    {
        transaction.rollback().await?;
        let message = None;
        return Ok(BegunTurn {
            consultation,
            message,
        });
    }
    require_open(&consultation)?;

    let tenant = &caller.tenant;
    let mut conversation = transcripts.read(tenant, &consultation).await?;
    conversation.add_message(&new.text);
    decide(&mut consultation, &conversation);
    transcripts
        .begin_turn(tenant, &consultation, &new.text)
        .await?;

    consultation.turns += 1;
    let payload = Analyze {
        consultation_id: id,
        turn: consultation.turns,
    };
    let owner = &consultation.user_id;
    let job = NewJob::new(tenant, owner, consultation.locale, &payload)?.for_consultation(id);
    jobs::store::enqueue(&mut transaction, &job).await?;
    write_turn(&mut transaction, scope, &consultation, &job).await?;
    transaction.commit().await?;

    let message = Some(job.message());
    consultation.job_id = job.id();
    consultation.status = ConsultationStatus::Processing;
    Ok(BegunTurn {
        consultation,
        message,
    })
}

async fn lock(connection: &mut PgConnection, scope: Scope<'_>, id: Uuid) -> Result<(), Error> {
    let found: Option<i32> = sqlx::query_scalar(include_str!("sql/lock_for_turn.sql"))
        .bind(scope.tenant)
        .bind(id)
        .bind(scope.owner)
        .fetch_optional(connection)
        .await?;
    found
        .map(|_| ())
        .ok_or_else(|| Error::not_found("consultation"))
}

/// Whether the key is new. A key that was used for another message is a 422.
async fn claim_key(
    connection: &mut PgConnection,
    caller: &Caller,
    id: Uuid,
    key: &IdempotencyKey,
    new: &NewMessage,
) -> Result<bool, Error> {
    let fingerprint = new.fingerprint(id);
    let claimed: Option<i32> = sqlx::query_scalar(include_str!("sql/claim_message_key.sql"))
        .bind(&caller.tenant)
        .bind(&caller.user)
        .bind(key.as_str())
        .bind(fingerprint.as_slice())
        .bind(id)
        .fetch_optional(&mut *connection)
        .await?;
    if claimed.is_some() {
        return Ok(true);
    }

    let sql = "SELECT fingerprint FROM idempotency_keys
               WHERE tenant_id = $1 AND user_id = $2 AND operation = 'message' AND key = $3";
    let before: Option<Vec<u8>> = sqlx::query_scalar(sql)
        .bind(&caller.tenant)
        .bind(&caller.user)
        .bind(key.as_str())
        .fetch_optional(connection)
        .await?;
    if before.is_some_and(|before| before == fingerprint) {
        return Ok(false);
    }
    let detail = "This Idempotency-Key was used for another message. Choose a new key.";
    Err(Error::new(ErrorKind::Unprocessable, detail))
}

fn require_open(consultation: &Consultation) -> Result<(), Error> {
    if consultation.status == ConsultationStatus::Processing {
        let detail = "The message before is still being answered. Wait for the answer, then send \
                      this one again.";
        return Err(Error::new(ErrorKind::Conflict, detail));
    }
    if consultation.turns >= MAX_TURNS {
        let detail = format!(
            "A consultation has at most {MAX_TURNS} messages. Begin a new one, and see a doctor \
             if this goes on."
        );
        return Err(Error::new(ErrorKind::Unprocessable, detail));
    }
    Ok(())
}

/// What the rules say to all the patient's words. Nothing that was found before goes away.
fn decide(consultation: &mut Consultation, conversation: &Conversation) {
    let messages = conversation.messages();
    let now = triage::assess_conversation(&consultation.complaint(), &messages);

    let decided = now.with_earlier(&consultation.triage);
    consultation.urgency = consultation.urgency.raised_to(decided.urgency);
    consultation.triage = decided;
}

async fn write_turn(
    connection: &mut PgConnection,
    scope: Scope<'_>,
    consultation: &Consultation,
    job: &NewJob<'_>,
) -> Result<(), Error> {
    sqlx::query(include_str!("sql/begin_turn.sql"))
        .bind(scope.tenant)
        .bind(consultation.id)
        .bind(job.id())
        .bind(Json(&consultation.triage))
        .bind(consultation.urgency)
        .execute(connection)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors_of(text: &str) -> usize {
        let message = NewMessage {
            text: text.to_owned(),
        };
        message
            .validate()
            .err()
            .map_or(0, |report| report.iter().count())
    }

    #[test]
    fn a_message_shows_something_and_is_not_endless() {
        assert_eq!(errors_of("it is worse today"), 0);
        assert_eq!(errors_of(&"疼".repeat(MAX_MESSAGE_CHARS)), 0);
        for text in [
            "",
            "  \u{200b}",
            "a\u{0}",
            &"疼".repeat(MAX_MESSAGE_CHARS + 1),
        ] {
            assert_eq!(errors_of(text), 1, "{text:?}");
        }
    }

    #[test]
    fn the_same_words_to_another_consultation_are_another_message() {
        let message = NewMessage {
            text: "yes".to_owned(),
        };
        let [one, other] = [1, 2].map(|id| message.fingerprint(Uuid::from_u128(id)));
        assert_ne!(one, other);
    }
}
