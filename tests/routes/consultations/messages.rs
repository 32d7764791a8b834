//! `/v1/consultations/{id}/messages`: an interview in turns.

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;
use wenzhen::config::{DatabaseAuth, DatabaseSettings};
use wenzhen::consultations::transcript::Transcripts;
use wenzhen::consultations::{NewMessage, TurnRequest, begin_turn};
use wenzhen::error::ErrorKind;
use wenzhen::identity::{Caller, Role, TenantId, UserId};
use wenzhen::postgres::Database;

use crate::provider;
use crate::support::{STACK, User, database, eventually, problem, read};

fn path_of(consultation: &Value) -> String {
    format!(
        "/v1/consultations/{}/messages",
        consultation["id"].as_str().unwrap()
    )
}

async fn send(user: &User, consultation: &Value, text: &str) -> Response {
    let request = user
        .post(&path_of(consultation))
        .json(&json!({ "text": text }));
    request.send().await.unwrap()
}

/// Sends a message, which must be accepted, and waits for the answer to it.
pub(super) async fn say(user: &User, consultation: &Value, text: &str) -> (Value, Value) {
    let accepted = read(send(user, consultation, text).await, StatusCode::ACCEPTED).await;
    assert_eq!(accepted["id"], consultation["id"]);
    let answered = user.outcome(&accepted).await;
    (accepted, answered)
}

async fn messages(user: &User, consultation: &Value) -> Vec<Value> {
    let listed = user.get(&path_of(consultation)).send().await.unwrap();
    let listed = read(listed, StatusCode::OK).await;
    listed["items"].as_array().unwrap().clone()
}

/// Who speaks, in which turn.
fn speakers(messages: &[Value]) -> Vec<(i64, &str)> {
    let speaker = |message: &Value| message["turn"].as_i64().unwrap();
    let messages = messages.iter();
    messages
        .map(|message| (speaker(message), message["role"].as_str().unwrap()))
        .collect()
}

#[tokio::test]
async fn a_message_is_answered_with_all_that_was_said_before() {
    let user = User::new().await;
    let marker = Uuid::new_v4().to_string();
    let first = user.complain(&format!("a dull headache {marker}")).await;
    let answered = user.outcome(&first).await;
    assert_eq!(answered["turns"], 1);

    let (accepted, answered) = say(&user, &first, "It began after a long flight.").await;
    assert_ne!(accepted["job_id"], first["job_id"]);
    assert_eq!(answered["status"], "completed", "{answered}");
    assert_eq!(answered["turns"], 2);

    let calls = provider::calls(&marker);
    assert_eq!(calls.len(), 2);
    let facts = calls[1].body["messages"][1]["content"].as_str().unwrap();
    let facts: Value = serde_json::from_str(facts).unwrap();
    let said = &facts["conversation"];
    assert_eq!(said[0]["assistant"], "The scripted summary.");
    assert_eq!(
        said[1],
        json!({ "patient": "It began after a long flight." })
    );

    let messages = messages(&user, &first).await;
    let expected = [
        (1, "patient"),
        (1, "assistant"),
        (2, "patient"),
        (2, "assistant"),
    ];
    assert_eq!(speakers(&messages), expected);
    assert_eq!(messages[2]["text"], "It began after a long flight.");
    assert_eq!(
        messages[3]["assessment"]["summary"],
        "The scripted summary."
    );
}

#[tokio::test]
async fn a_message_raises_the_urgency_at_once_and_none_lowers_it() {
    let user = User::new().await;
    let first = user.complain("my arm aches a little").await;
    assert_eq!(first["urgency"], "routine");
    user.outcome(&first).await;

    let worse = "now I have crushing chest pain and I am sweating";
    let (accepted, answered) = say(&user, &first, worse).await;
    assert_eq!(accepted["urgency"], "emergency");
    assert_eq!(answered["assessment"]["urgency"], "emergency");

    let (accepted, answered) = say(&user, &first, "the pain is gone, I feel fine").await;
    assert_eq!(accepted["urgency"], "emergency");
    assert_eq!(answered["urgency"], "emergency");
    assert_eq!(answered["turns"], 3);
}

/// Every model is down: the rules and the knowledge base go on answering.
#[tokio::test]
async fn without_any_model_the_interview_goes_on() {
    let user = User::new().await;
    let down = "my throat hurts [primary:500] [secondary:500]";
    let first = user.complain(down).await;
    user.outcome(&first).await;

    let (_, answered) = say(&user, &first, "and I cough a lot").await;
    let assessment = &answered["assessment"];
    assert_eq!(
        assessment["served_by"]["tier"], "extractive",
        "{assessment}"
    );
    let messages = messages(&user, &first).await;
    assert_eq!(messages.len(), 4);
    assert_eq!(messages[1]["assessment"]["served_by"]["tier"], "extractive");
}

#[tokio::test]
async fn turns_come_one_after_the_other() {
    let user = User::new().await;
    let first = user
        .complain("a dull headache [primary:silent] [secondary:silent]")
        .await;
    let refused = send(&user, &first, "it is worse").await;
    problem(refused, StatusCode::CONFLICT).await;

    user.outcome(&first).await;
    let both = [
        send(&user, &first, "it is worse"),
        send(&user, &first, "it is better"),
    ];
    let mut statuses: Vec<_> = futures::future::join_all(both)
        .await
        .iter()
        .map(|response| response.status().as_u16())
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [202, 409]);
    let answered = user.outcome(&first).await;
    assert_eq!(answered["turns"], 2);
    assert_eq!(messages(&user, &first).await.len(), 4);
}

/// The rules read a message also when it comes too early.
#[tokio::test]
async fn a_refused_message_raises_the_urgency_and_says_what_to_do() {
    let user = User::new().await;
    let marker = Uuid::new_v4().to_string();
    let slow = "[primary:silent] [secondary:slow]";
    let complaint = format!("my arm aches a little {marker} {slow}");
    let first = user.complain(&complaint).await;
    assert_eq!(first["urgency"], "routine");

    // The models have been told of the complaint alone.
    eventually("a model is asked", async || {
        (!provider::calls(&marker).is_empty()).then_some(())
    })
    .await;
    let refused = send(&user, &first, "now I have crushing chest pain, sweating").await;
    let said = problem(refused, StatusCode::CONFLICT).await;
    assert_eq!(said["urgency"], "emergency");
    let advice = said["advice"].as_str().unwrap();
    assert!(advice.contains("emergency number"), "{advice}");
    assert!(
        said["detail"].as_str().unwrap().starts_with(advice),
        "{said}"
    );

    let answered = user.outcome(&first).await;
    assert_eq!(answered["urgency"], "emergency");
    assert_eq!(answered["assessment"]["urgency"], "emergency");
    assert_eq!(answered["turns"], 1);
    let actions = answered["assessment"]["recommended_actions"].to_string();
    assert!(!actions.contains("rest and drink"), "{actions}");
    let summary = answered["assessment"]["summary"].as_str().unwrap();
    assert!(summary.starts_with("What you have told since"), "{summary}");
}

#[tokio::test]
async fn the_same_key_brings_the_same_turn() {
    let user = User::new().await;
    let first = user.complain("a dull headache").await;
    user.outcome(&first).await;

    let key = Uuid::new_v4().to_string();
    let send_with_key = async |text: &str| {
        let request = user.post(&path_of(&first)).header("idempotency-key", &key);
        request.json(&json!({ "text": text })).send().await.unwrap()
    };
    let accepted = read(send_with_key("it is worse").await, StatusCode::ACCEPTED).await;
    let again = read(send_with_key("it is worse").await, StatusCode::ACCEPTED).await;
    assert_eq!(again["job_id"], accepted["job_id"]);
    let other = send_with_key("I took all my sleeping pills to die").await;
    problem(other, StatusCode::UNPROCESSABLE_ENTITY).await;

    let answered = user.outcome(&first).await;
    assert_eq!(
        (&answered["turns"], &answered["urgency"]),
        (&json!(2), &json!("emergency"))
    );
}

#[tokio::test]
async fn nobody_else_reads_or_continues_a_conversation() {
    let (user, stranger) = (User::new().await, User::new().await);
    let clinician = User::of(&user.tenant, "clinician", xtask::users::Role::Clinician).await;
    let first = user.complain("a dull headache").await;
    user.outcome(&first).await;

    let refused = send(&clinician, &first, "hello").await;
    problem(refused, StatusCode::FORBIDDEN).await;
    assert_eq!(messages(&clinician, &first).await.len(), 2);
    problem(
        send(&stranger, &first, "hello").await,
        StatusCode::NOT_FOUND,
    )
    .await;
    let read = stranger.get(&path_of(&first)).send().await.unwrap();
    problem(read, StatusCode::NOT_FOUND).await;
}

#[tokio::test]
async fn a_message_that_says_nothing_is_refused() {
    let user = User::new().await;
    let first = user.complain("a dull headache").await;
    user.outcome(&first).await;

    for text in ["", " \u{200b}", "a\u{0}", &"疼".repeat(4_001)] {
        let refused = send(&user, &first, text).await;
        let said = problem(refused, StatusCode::UNPROCESSABLE_ENTITY).await;
        assert_eq!(said["errors"][0]["field"], "text", "{said}");
    }
    assert_eq!(messages(&user, &first).await.len(), 2);
}

/// Nothing listens there.
const NOWHERE: &str = "http://127.0.0.1:9";

#[tokio::test]
async fn while_the_transcripts_are_gone_a_message_still_raises() {
    let user = User::new().await;
    let first = user.complain("my arm aches a little").await;
    user.outcome(&first).await;

    let aws = STACK
        .aws()
        .await
        .into_builder()
        .endpoint_url(NOWHERE)
        .build();
    let transcripts = Transcripts::new(&aws, STACK.env("TRANSCRIPTS_TABLE").unwrap());
    let settings = DatabaseSettings {
        url: STACK.env("DATABASE_URL").unwrap().parse().unwrap(),
        auth: DatabaseAuth::Url,
    };
    let database = Database::new(&settings).await.unwrap();
    let caller = Caller {
        tenant: TenantId::try_from(user.tenant.clone()).unwrap(),
        user: UserId::try_from(first_owner(&first).await).unwrap(),
        role: Role::Patient,
    };
    let new: NewMessage =
        serde_json::from_value(json!({ "text": "now I have crushing chest pain, sweating" }))
            .unwrap();
    let request = TurnRequest {
        caller: &caller,
        id: first["id"].as_str().unwrap().parse().unwrap(),
        key: None,
        new: &new,
    };

    let refused = begin_turn(&database, &transcripts, &request).await;
    let refused = refused.err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    assert!(
        refused.to_string().contains("emergency number"),
        "{refused}"
    );
    let raised = user.outcome(&first).await;
    assert_eq!(
        (&raised["urgency"], &raised["turns"]),
        (&json!("emergency"), &json!(1))
    );
}

/// The person whose consultation it is.
async fn first_owner(consultation: &Value) -> String {
    let id: Uuid = consultation["id"].as_str().unwrap().parse().unwrap();
    sqlx::query_scalar("SELECT user_id FROM consultations WHERE id = $1")
        .bind(id)
        .fetch_one(&mut database().await)
        .await
        .unwrap()
}
