//! The summary that a client reads while a model writes it.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::socket::{Received, Socket};
use crate::support::{User, database, eventually, read};

/// What a consultation's follower got, and the consultation in the end.
struct Followed {
    received: Received,
    consultation: Value,
}

impl Followed {
    /// Follows a new complaint until its assessment is there.
    async fn to_the_end(user: &User, symptoms: &str) -> Self {
        let mut socket = Socket::open(user).await;
        let accepted = user.complain(symptoms).await;
        socket.subscribe(&accepted["id"], 0).await;
        let mut received = Received::default();
        received.until(&mut socket, "completed").await;
        Self {
            received,
            consultation: user.outcome(&accepted).await,
        }
    }

    /// Follows complaints until one is followed in time: on a busy machine a follower may come when
    /// the texts are gone already, or the model be given up before it is through.
    async fn in_time(user: &User, symptoms: &str) -> Self {
        eventually("somebody follows while it is written", async || {
            let followed = Self::to_the_end(user, symptoms).await;
            let is_by_first = followed.served_by() == "primary";
            (followed.texts().len() >= 2 && is_by_first).then_some(followed)
        })
        .await
    }

    /// The tier that made the assessment.
    fn served_by(&self) -> &Value {
        &self.consultation["assessment"]["served_by"]["tier"]
    }

    /// The texts of the events that had one.
    fn texts(&self) -> Vec<&str> {
        let texts = self.received.events().iter();
        texts
            .filter_map(|event| event["summary"].as_str())
            .collect()
    }
}

#[tokio::test]
async fn sentences_come_as_a_model_writes_them_and_without_marks() {
    let user = User::new().await;
    for script in ["paced", "agent-paced"] {
        let symptoms = format!("a headache [primary:{script}]");
        let followed = Followed::in_time(&user, &symptoms).await;

        let texts = followed.texts();
        assert!(
            texts[0].starts_with("First sentence."),
            "{script}: {texts:?}"
        );
        for pair in texts.windows(2) {
            assert!(pair[1].starts_with(pair[0]), "{script}: {texts:?}");
        }
        let summary = followed.consultation["assessment"]["summary"].as_str();
        assert!(summary.unwrap().ends_with("The last sentence."));
    }
}

#[tokio::test]
async fn nothing_below_the_urgency_of_the_rules_is_shown() {
    let user = User::new().await;
    let symptoms = "crushing chest pain and I cannot breathe [primary:paced]";
    let followed = Followed::to_the_end(&user, symptoms).await;

    assert_eq!(followed.consultation["urgency"], "emergency");
    assert_eq!(followed.texts(), [""; 0]);
}

/// Answers come while a model writes: what it has written may not be fit for them.
#[tokio::test]
async fn answers_that_raise_the_urgency_above_the_models_end_what_is_shown() {
    let user = User::new().await;
    let accepted = user
        .complain("I feel unwell since yesterday [primary:paced]")
        .await;
    let mut socket = Socket::open(&user).await;
    socket.subscribe(&accepted["id"], 0).await;
    let mut received = Received::default();
    received.until(&mut socket, "summary").await;

    let id = accepted["id"].as_str().unwrap();
    let question = accepted["questions"][0]["code"].as_str().unwrap();
    let body = json!({ "answers": { question: "yes" } });
    let answers = user.post(&format!("/v1/consultations/{id}/answers"));
    let answer = answers.json(&body).send().await.unwrap();
    assert_eq!(read(answer, StatusCode::OK).await["urgency"], "emergency");

    received.until(&mut socket, "completed").await;
    let events = received.events().iter();
    let behind = events.skip_while(|event| event["type"] != "questions");
    let behind: Vec<_> = behind.filter(|event| event["type"] == "summary").collect();
    let has_text = |event: &&Value| event["summary"].as_str().is_some_and(|it| !it.is_empty());
    assert!(!behind.iter().any(has_text), "{behind:?}");
}

#[tokio::test]
async fn what_a_broken_answer_had_shown_is_taken_back() {
    let user = User::new().await;
    let symptoms = "a headache [primary:paced-cut] [secondary:paced]";
    // On a busy machine a follower may come when the first model's texts are gone already, or the
    // second model be given up before it is through.
    let followed = eventually("somebody follows before it breaks off", async || {
        let followed = Followed::to_the_end(&user, symptoms).await;
        let texts = followed.texts();
        let taken_back = texts.iter().position(|text| text.is_empty())?;
        let is_by_second = followed.served_by() == "secondary";
        (taken_back > 0 && is_by_second).then_some(followed)
    })
    .await;

    let texts = followed.texts();
    let taken_back = texts.iter().position(|text| text.is_empty());
    let (first_model, second_model) = texts.split_at(taken_back.unwrap());
    assert!(second_model.len() >= 2, "{texts:?}");
    for text in [first_model[0], second_model[1]] {
        assert!(text.starts_with("First sentence."), "{texts:?}");
    }
}

/// A text that is part of no accepted answer is not kept.
#[tokio::test]
async fn after_the_end_the_texts_are_gone() {
    let user = User::new().await;
    let symptoms = "a headache [primary:paced]";
    let followed = Followed::in_time(&user, symptoms).await;

    let mut socket = Socket::open(&user).await;
    socket.subscribe(&followed.consultation["id"], 0).await;
    let mut again = Received::default();
    again.until(&mut socket, "completed").await;
    assert_eq!(
        again.types(),
        followed.received.types(),
        "no event is missing"
    );
    let has_text = |event: &Value| event.get("summary").is_some();
    assert!(!again.events().iter().any(has_text));

    let sql =
        "SELECT count(*) FROM consultation_events WHERE tenant_id = $1 AND summary IS NOT NULL";
    let kept: i64 = sqlx::query_scalar(sql)
        .bind(&user.tenant)
        .fetch_one(&mut database().await)
        .await
        .unwrap();
    assert_eq!(kept, 0);
}
