//! A further message of the patient: what the API takes, and how a turn begins.

use std::time::Duration;

use garde::Validate;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::types::Json;
use sqlx::{Connection, FromRow, PgConnection};
use uuid::Uuid;

use super::consultation::{Consultation, ConsultationStatus};
use super::conversation::Conversation;
use super::request::{IdempotencyKey, check_text};
use super::store;
use super::tasks::AnswerMessage;
use super::transcript::{self, Transcripts};
use crate::deadline::Deadline;
use crate::error::{Advice, Error, ErrorKind};
use crate::identity::{Caller, Scope};
use crate::jobs::{self, JobMessage, NewJob};
use crate::postgres::Database;
use crate::triage::{self, Complaint, Triage, Urgency};

/// The most turns of one consultation.
const MAX_TURNS: i16 = 12;

/// The longest that a message may take to reach the transcript: the consultation's row is locked.
const KEEP_TIMEOUT: Duration = Duration::from_secs(2);

/// When a message that came too early may be sent again.
const ANSWER_DELAY: Duration = Duration::from_secs(5);

/// The longest message, in characters.
const MAX_MESSAGE_CHARS: usize = 4_000;

/// The body of `POST /v1/consultations/{id}/messages`.
#[derive(Deserialize, Serialize, Validate, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMessage {
    /// The patient's own words: 1 to 4,000 characters, of which one at least is seen.
    #[garde(custom(|value: &String, (): &()| check_text(value, MAX_MESSAGE_CHARS)))]
    #[schemars(length(min = 1, max = 4_000), regex(pattern = crate::schema::TEXT))]
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
    /// The job that answers.
    pub job_id: Uuid,
    /// The job's message for the queue; none if the same request was accepted before.
    pub message: Option<JobMessage>,
}

/// A message to a consultation, of the patient whose record it is.
pub struct TurnRequest<'r> {
    /// The patient: nobody else speaks for them.
    pub caller: &'r Caller,
    /// The consultation.
    pub id: Uuid,
    /// The client's key of the request.
    pub key: Option<&'r IdempotencyKey>,
    /// The message.
    pub new: &'r NewMessage,
}

impl TurnRequest<'_> {
    fn scope(&self) -> Scope<'_> {
        Scope {
            tenant: &self.caller.tenant,
            owner: Some(&self.caller.user),
        }
    }
}

/// Begins a turn: keeps the message, decides again over all the patient's words, and enqueues the
/// job that answers. 409 while the turn before is being answered, 422 after the last possible one,
/// 503 while the transcripts cannot be reached. A message that is refused is read by the rules all
/// the same: what it raises is kept, and the refusal says what to do.
///
/// The message goes to the transcripts' table while the row is locked, for two seconds at most. If
/// the commit fails behind it, the row does not count the turn, and the next message takes its
/// place.
pub async fn begin_turn(
    database: &Database,
    transcripts: &Transcripts,
    request: &TurnRequest<'_>,
) -> Result<BegunTurn, Error> {
    let read = async |connection: &mut PgConnection| {
        store::get(connection, request.caller.scope(), request.id).await
    };
    let before = database.run(read).await?;
    if before.user_id != request.caller.user {
        let detail = "Only the patient whose consultation it is sends messages.";
        return Err(Error::new(ErrorKind::Forbidden, detail));
    }
    let conversation = transcripts.read(&request.caller.tenant, &before).await;

    let begin = async |connection: &mut PgConnection| {
        let mut transaction = connection.begin().await?;
        lock(&mut transaction, request).await?;
        let consultation = store::get(&mut transaction, request.scope(), request.id).await?;
        let open = match find_begun(&mut transaction, request).await? {
            BegunBefore::By(job_id) => {
                transaction.rollback().await?;
                return Ok(BegunTurn {
                    consultation,
                    job_id,
                    message: None,
                });
            }
            BegunBefore::AnotherMessage => Err(another_message()),
            BegunBefore::No => require_open(&consultation, before.turns),
        };
        let kept = match (open, conversation) {
            (Ok(()), Ok(conversation)) => {
                keep_message(transcripts, request, &consultation, conversation).await
            }
            (Err(refusal), _) | (_, Err(refusal)) => Err(refusal),
        };
        match kept {
            Ok(conversation) => {
                let begun = write_turn(&mut transaction, request, consultation, &conversation);
                let begun = begun.await?;
                transaction.commit().await?;
                Ok(begun)
            }
            Err(refusal) => {
                let refusal = raise(&mut transaction, request, consultation, refusal).await?;
                transaction.commit().await?;
                Err(refusal)
            }
        }
    };
    database.run(begin).await
}

async fn lock(connection: &mut PgConnection, request: &TurnRequest<'_>) -> Result<(), Error> {
    let scope = request.scope();
    let found: Option<i32> = sqlx::query_scalar(include_str!("sql/lock_for_turn.sql"))
        .bind(scope.tenant)
        .bind(request.id)
        .bind(scope.owner)
        .fetch_optional(connection)
        .await?;
    found
        .map(|_| ())
        .ok_or_else(|| Error::not_found("consultation"))
}

/// What an earlier request with the same key has begun.
enum BegunBefore {
    /// There was none.
    No,
    /// The same, by this job.
    By(Uuid),
    /// The key was used for another message.
    AnotherMessage,
}

#[derive(FromRow)]
struct KeyRow {
    fingerprint: Vec<u8>,
    job_id: Option<Uuid>,
}

async fn find_begun(
    connection: &mut PgConnection,
    request: &TurnRequest<'_>,
) -> Result<BegunBefore, Error> {
    let Some(key) = request.key else {
        return Ok(BegunBefore::No);
    };

    let sql = "SELECT fingerprint, job_id FROM idempotency_keys
               WHERE tenant_id = $1 AND user_id = $2 AND operation = 'message' AND key = $3
                 AND expires_at > now()";
    let before: Option<KeyRow> = sqlx::query_as(sql)
        .bind(&request.caller.tenant)
        .bind(&request.caller.user)
        .bind(key.as_str())
        .fetch_optional(connection)
        .await?;
    let fingerprint = request.new.fingerprint(request.id);
    Ok(match before {
        None => BegunBefore::No,
        Some(KeyRow {
            fingerprint: before,
            job_id: Some(job_id),
        }) if before == fingerprint => BegunBefore::By(job_id),
        Some(_) => BegunBefore::AnotherMessage,
    })
}

fn another_message() -> Error {
    let detail = "This Idempotency-Key was used for another message. Choose a new key.";
    Error::new(ErrorKind::Unprocessable, detail)
}

/// Refuses a message that comes too early or too late.
fn require_open(consultation: &Consultation, turns_read: i16) -> Result<(), Error> {
    let has_another_begun = consultation.turns != turns_read;
    if consultation.status == ConsultationStatus::Processing || has_another_begun {
        let detail = "The message before is still being answered: this one can be sent again then.";
        let refusal = Error::new(ErrorKind::Conflict, detail);
        return Err(refusal.with_retry_after(ANSWER_DELAY));
    }
    if consultation.turns >= MAX_TURNS {
        let detail = format!(
            "A consultation has at most {MAX_TURNS} messages: this one can begin a new one."
        );
        return Err(Error::new(ErrorKind::Unprocessable, detail));
    }
    Ok(())
}

/// Keeps the message in the transcript. Returns the conversation with it.
async fn keep_message(
    transcripts: &Transcripts,
    request: &TurnRequest<'_>,
    consultation: &Consultation,
    mut conversation: Conversation,
) -> Result<Conversation, Error> {
    let text = &request.new.text;
    let keep = transcripts.begin_turn(&request.caller.tenant, consultation, text);
    let kept = Deadline::after(KEEP_TIMEOUT).run(keep).await;
    kept.map_err(transcript::unavailable).flatten()?;

    conversation.add_message(text);
    Ok(conversation)
}

/// What the rules say to all the patient's words. Nothing that was found before goes away.
fn decide(consultation: &mut Consultation, now: Triage) {
    let decided = now.with_earlier(&consultation.triage);
    consultation.urgency = consultation.urgency.raised_to(decided.urgency);
    consultation.triage = decided;
}

/// Writes the turn with its job and its key.
async fn write_turn(
    connection: &mut PgConnection,
    request: &TurnRequest<'_>,
    mut consultation: Consultation,
    conversation: &Conversation,
) -> Result<BegunTurn, Error> {
    let messages = conversation.messages();
    let now = triage::assess_conversation(&consultation.complaint(), &messages);
    decide(&mut consultation, now);

    consultation.turns += 1;
    let payload = AnswerMessage {
        consultation_id: request.id,
        turn: consultation.turns,
    };
    let (tenant, owner) = (&request.caller.tenant, &consultation.user_id);
    let job = NewJob::new(tenant, owner, consultation.locale, &payload)?
        .for_consultation(request.id)
        .deduplicate_by(request.id.to_string());
    let message = job.message();
    jobs::store::enqueue(connection, &job).await?;

    sqlx::query(include_str!("sql/begin_turn.sql"))
        .bind(tenant)
        .bind(request.id)
        .bind(message.job_id)
        .bind(Json(&consultation.triage))
        .bind(consultation.urgency)
        .execute(&mut *connection)
        .await?;
    claim_key(connection, request, message.job_id).await?;

    consultation.job_id = message.job_id;
    consultation.status = ConsultationStatus::Processing;
    Ok(BegunTurn {
        job_id: message.job_id,
        consultation,
        message: Some(message),
    })
}

async fn claim_key(
    connection: &mut PgConnection,
    request: &TurnRequest<'_>,
    job_id: Uuid,
) -> Result<(), Error> {
    let Some(key) = request.key else {
        return Ok(());
    };

    let claimed: Option<i32> = sqlx::query_scalar(include_str!("sql/claim_message_key.sql"))
        .bind(&request.caller.tenant)
        .bind(&request.caller.user)
        .bind(key.as_str())
        .bind(request.new.fingerprint(request.id).as_slice())
        .bind(request.id)
        .bind(job_id)
        .fetch_optional(connection)
        .await?;
    // Another consultation's message took it in this moment.
    claimed.map(|_| ()).ok_or_else(another_message)
}

/// Keeps what a refused message raises, and adds to the refusal what the patient should do now.
async fn raise(
    connection: &mut PgConnection,
    request: &TurnRequest<'_>,
    mut consultation: Consultation,
    refusal: Error,
) -> Result<Error, Error> {
    let (before, urgency) = (consultation.triage.clone(), consultation.urgency);
    let by_itself = triage::assess(&Complaint {
        symptoms: &request.new.text,
        ..consultation.complaint()
    });
    let has_flags = !by_itself.red_flags.is_empty();
    if has_flags {
        decide(&mut consultation, before.clone().with_earlier(&by_itself));
    }

    if consultation.triage != before || consultation.urgency != urgency {
        sqlx::query(include_str!("sql/write_decision.sql"))
            .bind(&request.caller.tenant)
            .bind(request.id)
            .bind(Json(&consultation.triage))
            .bind(consultation.urgency)
            .execute(connection)
            .await?;
    }
    if by_itself.urgency < Urgency::Urgent {
        return Ok(refusal);
    }
    Ok(refusal.with_advice(Advice {
        urgency: by_itself.urgency.as_str(),
        text: by_itself.advice(consultation.locale),
    }))
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
