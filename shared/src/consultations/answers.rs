//! Answers to the questions of a consultation: what the API takes, and what they change.

use std::borrow::Cow;
use std::fmt;

use garde::Validate;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use sqlx::types::Json;
use sqlx::{Connection, FromRow, PgConnection};
use uuid::Uuid;

use crate::error::Error;
use crate::identity::{Scope, UserId};
use crate::locale::Locale;
use crate::triage::{Answers, Triage, Urgency};

/// No checklist has more questions.
const MAX_ANSWERS: usize = 200;

/// No code of a question is longer.
const MAX_CODE_LEN: usize = 64;

/// The body of `POST /v1/consultations/{id}/answers`.
#[derive(Deserialize, Validate, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAnswers {
    /// `yes`, `no` or `unsure` by the code of the question: 1 to 200, none of them twice.
    #[serde(deserialize_with = "parse_answers")]
    #[garde(custom(|value: &Answers, (): &()| check_count(value)))]
    #[schemars(extend("minProperties" = 1, "maxProperties" = 200))]
    pub answers: Answers,
}

/// What a consultation stands at when the answers are known as well.
#[derive(Debug)]
pub struct Answered {
    /// The person whose record it is.
    pub user_id: UserId,
    /// The rules' decision.
    pub triage: Triage,
    /// The urgency of the consultation, which the model may have raised.
    pub urgency: Urgency,
    /// The language of the consultation.
    pub locale: Locale,
    /// Whether the answers changed anything.
    pub is_changed: bool,
}

#[derive(FromRow)]
struct Decision {
    user_id: UserId,
    #[sqlx(json)]
    triage: Triage,
    urgency: Urgency,
    locale: Locale,
}

/// Decides again with these answers, and keeps the decision with the consultation. Two calls at one
/// time come one after the other, and neither takes back what the other raised.
pub async fn record(
    connection: &mut PgConnection,
    scope: Scope<'_>,
    id: Uuid,
    new: &NewAnswers,
) -> Result<Answered, Error> {
    let mut transaction = connection.begin().await?;
    let found: Option<Decision> = sqlx::query_as(include_str!("sql/lock_decision.sql"))
        .bind(scope.tenant)
        .bind(id)
        .bind(scope.owner)
        .fetch_optional(&mut *transaction)
        .await?;
    let before = found.ok_or_else(|| Error::not_found("consultation"))?;

    let triage = before
        .triage
        .answered(&new.answers)
        .map_err(|unknown| Error::field(field_name(&unknown.code), "is no question"))?;
    let urgency = before.urgency.raised_to(triage.urgency);
    let is_changed = triage != before.triage || urgency != before.urgency;

    if is_changed {
        sqlx::query(include_str!("sql/write_decision.sql"))
            .bind(scope.tenant)
            .bind(id)
            .bind(Json(&triage))
            .bind(urgency)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;

    Ok(Answered {
        user_id: before.user_id,
        triage,
        urgency,
        locale: before.locale,
        is_changed,
    })
}

/// serde's own maps keep the last of two members with one name: a "yes" before a "no" would be
/// lost without a word.
fn parse_answers<'de, D: Deserializer<'de>>(input: D) -> Result<Answers, D::Error> {
    input.deserialize_map(AnswersVisitor)
}

struct AnswersVisitor;

impl<'de> Visitor<'de> for AnswersVisitor {
    type Value = Answers;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Answers, A::Error> {
        let mut answers = Answers::new();

        while let Some(code) = access.next_key::<String>()? {
            let answer = access.next_value()?;
            let code = Cow::Owned(code);
            if answers.contains_key(&code) {
                let field = format_args!("duplicate field `answers.{code}`");
                return Err(A::Error::custom(field));
            }
            answers.insert(code, answer);
        }
        Ok(answers)
    }
}

/// The field of an answer, as an error names it: a code is short and plain, and nothing else that a
/// client may have written there is repeated.
fn field_name(code: &str) -> String {
    let is_plain =
        code.len() <= MAX_CODE_LEN && code.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');

    if is_plain {
        format!("answers.{code}")
    } else {
        "answers".to_owned()
    }
}

fn check_count(answers: &Answers) -> garde::Result {
    if (1..=MAX_ANSWERS).contains(&answers.len()) {
        Ok(())
    } else {
        Err(garde::Error::new("must have 1 to 200 answers"))
    }
}
