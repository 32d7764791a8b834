//! `/v1/consultations/{id}/review`: what a clinic has seen to, and what it is to look at again.

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use xtask::users::Role;

use super::messages::say;
use crate::support::{User, database, new_tenant, problem, read};

/// A complaint in which the rules find nothing: it is asked about.
const VAGUE: &str = "I feel unwell";

/// A tenant's clinician and patient, with a consultation whose assessment is there.
struct Clinic {
    doctor: User,
    patient: User,
    consultation: Value,
}

impl Clinic {
    async fn new() -> Self {
        let tenant = new_tenant();
        let doctor = User::of(&tenant, "doctor", Role::Clinician).await;
        let patient = User::of(&tenant, "patient", Role::Patient).await;
        let accepted = patient.complain(VAGUE).await;
        patient.outcome(&accepted).await;
        Self {
            doctor,
            patient,
            consultation: accepted,
        }
    }

    fn path(&self) -> String {
        format!("/v1/consultations/{}", self.id())
    }

    fn id(&self) -> &str {
        self.consultation["id"].as_str().unwrap()
    }

    async fn post(&self, user: &User, body: &Value) -> Response {
        let request = user.post(&format!("{}/review", self.path()));
        request.json(body).send().await.unwrap()
    }

    async fn review(&self, reviewed: bool) -> Value {
        let body = json!({ "reviewed": reviewed });
        read(self.post(&self.doctor, &body).await, StatusCode::OK).await
    }

    async fn seen_by(&self, user: &User) -> Value {
        let answer = user.get(&self.path()).send().await.unwrap();
        read(answer, StatusCode::OK).await
    }

    /// The ids on the list of what is to be reviewed, with these further parameters.
    async fn to_review(&self, query: &str) -> Vec<String> {
        let path = format!("/v1/consultations?reviewed=false{query}");
        let page = self.doctor.get(&path).send().await.unwrap();
        let page = read(page, StatusCode::OK).await;
        let items = page["items"].as_array().unwrap().iter();
        let ids = items.map(|item| item["id"].as_str().unwrap().to_owned());
        ids.collect()
    }

    async fn is_to_review(&self) -> bool {
        let is_listed = self.to_review("").await == [self.id()];
        let view = self.seen_by(&self.doctor).await;
        assert_eq!(view["reviewed_at"].is_null(), is_listed, "{view}");
        assert_eq!(view["reviewed_by"].is_null(), is_listed, "{view}");
        is_listed
    }

    /// The patient says yes to the first question after general danger signs: an emergency.
    async fn confirm_first_question(&self) {
        let code = self.consultation["questions"][0]["code"].as_str().unwrap();
        let request = self.patient.post(&format!("{}/answers", self.path()));
        let request = request.json(&json!({ "answers": { code: "yes" } }));
        read(request.send().await.unwrap(), StatusCode::OK).await;
    }
}

#[tokio::test]
async fn a_review_takes_a_consultation_off_the_list_and_can_be_taken_back() {
    let clinic = Clinic::new().await;
    assert!(clinic.is_to_review().await);

    let reviewed = clinic.review(true).await;
    assert_eq!(reviewed["id"], clinic.id());
    assert_eq!(reviewed["reviewed_by"], clinic.doctor.id().await);
    assert!(!clinic.is_to_review().await);
    let all = clinic.doctor.get("/v1/consultations?order=urgency");
    let all = read(all.send().await.unwrap(), StatusCode::OK).await;
    assert_eq!(all["items"][0]["reviewed_at"], reviewed["reviewed_at"]);

    let reopened = clinic.review(false).await;
    assert_eq!(reopened["reviewed_at"], Value::Null);
    assert!(clinic.is_to_review().await);
}

/// Nor does another clinician's review replace the first one's.
#[tokio::test]
async fn the_same_review_again_changes_nothing() {
    let clinic = Clinic::new().await;
    let admin = User::of(&clinic.doctor.tenant, "admin", Role::Admin).await;

    let first = clinic.review(true).await;
    assert_eq!(clinic.review(true).await, first);
    let by_admin = clinic.post(&admin, &json!({ "reviewed": true })).await;
    assert_eq!(read(by_admin, StatusCode::OK).await, first);
    clinic.review(false).await;
    clinic.review(false).await;

    let trail = format!("/v1/audit-events?consultation_id={}", clinic.id());
    let trail = read(admin.get(&trail).send().await.unwrap(), StatusCode::OK).await;
    let events = trail["items"].as_array().unwrap().iter();
    let actions: Vec<_> = events
        .map(|event| event["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions, ["reopen_consultation", "review_consultation"]);
}

#[tokio::test]
async fn a_patient_neither_reviews_nor_sees_who_has() {
    let clinic = Clinic::new().await;
    let body = json!({ "reviewed": true });
    let refused = clinic.post(&clinic.patient, &body).await;
    problem(refused, StatusCode::FORBIDDEN).await;
    let stranger = User::of(&new_tenant(), "doctor", Role::Clinician).await;
    problem(clinic.post(&stranger, &body).await, StatusCode::NOT_FOUND).await;
    assert!(clinic.is_to_review().await);

    clinic.review(true).await;
    let seen = clinic.seen_by(&clinic.patient).await;
    let list = clinic.patient.get("/v1/consultations");
    let list = read(list.send().await.unwrap(), StatusCode::OK).await;
    for view in [&seen, &list["items"][0]] {
        assert!(view.get("reviewed_at").is_none(), "{view}");
        assert!(view.get("reviewed_by").is_none(), "{view}");
    }
}

#[tokio::test]
async fn a_greater_urgency_withdraws_a_review() {
    let clinic = Clinic::new().await;
    clinic.review(true).await;

    clinic.confirm_first_question().await;
    assert!(clinic.is_to_review().await);
    assert_eq!(clinic.to_review("&urgency=emergency").await, [clinic.id()]);
    assert_eq!(clinic.to_review("&urgency=routine").await.len(), 0);
}

/// In an emergency nothing raises the urgency any more; another danger sign is news all the same.
#[tokio::test]
async fn a_new_danger_sign_in_an_emergency_withdraws_a_review() {
    let clinic = Clinic::new().await;
    clinic.confirm_first_question().await;
    clinic.review(true).await;

    // The same answer again is no news.
    clinic.confirm_first_question().await;
    assert!(!clinic.is_to_review().await);

    let mut connection = database().await;
    let add_flag = "UPDATE consultations
        SET triage = jsonb_set(triage, '{red_flags}', triage -> 'red_flags' || $2::jsonb)
        WHERE id = $1::text::uuid";
    let flag = json!([{ "code": "chest_pain", "urgency": "emergency", "status": "present" }]);
    let add_flag = sqlx::query(add_flag).bind(clinic.id()).bind(flag);
    add_flag.execute(&mut connection).await.unwrap();
    assert_eq!(clinic.to_review("").await, [clinic.id()]);
}

/// Nor is a first danger sign no news where a consultation has no list of them.
#[tokio::test]
async fn a_first_danger_sign_withdraws_a_review() {
    let clinic = Clinic::new().await;
    let mut connection = database().await;
    let no_list = "UPDATE consultations SET triage = triage - 'red_flags'
                   WHERE id = $1::text::uuid";
    let no_list = sqlx::query(no_list).bind(clinic.id());
    no_list.execute(&mut connection).await.unwrap();
    let review = "UPDATE consultations SET reviewed_at = now(), reviewed_by = 'doctor'
                  WHERE id = $1::text::uuid";
    let review = sqlx::query(review).bind(clinic.id());
    let reviewed = review.execute(&mut connection).await.unwrap();
    assert_eq!(reviewed.rows_affected(), 1);

    let first = "UPDATE consultations SET triage = triage || $2::jsonb
                 WHERE id = $1::text::uuid";
    let flag = json!({ "code": "chest_pain", "urgency": "emergency", "status": "present" });
    let first = sqlx::query(first)
        .bind(clinic.id())
        .bind(json!({ "red_flags": [flag] }));
    first.execute(&mut connection).await.unwrap();
    assert_eq!(clinic.to_review("").await, [clinic.id()]);
}

/// The rules do not reach all words: what a patient has added is read by a person.
#[tokio::test]
async fn a_further_message_withdraws_a_review() {
    let clinic = Clinic::new().await;
    clinic.review(true).await;

    say(
        &clinic.patient,
        &clinic.consultation,
        "it is the same today",
    )
    .await;
    assert!(clinic.is_to_review().await);
}

#[tokio::test]
async fn what_has_changed_since_it_was_read_is_not_reviewed_unseen() {
    let clinic = Clinic::new().await;
    let read_at = clinic.seen_by(&clinic.doctor).await["updated_at"].clone();
    clinic.confirm_first_question().await;

    let stale = json!({ "reviewed": true, "updated_at": read_at });
    problem(
        clinic.post(&clinic.doctor, &stale).await,
        StatusCode::CONFLICT,
    )
    .await;
    assert!(clinic.is_to_review().await);

    let read_at = clinic.seen_by(&clinic.doctor).await["updated_at"].clone();
    let seen = json!({ "reviewed": true, "updated_at": read_at });
    read(clinic.post(&clinic.doctor, &seen).await, StatusCode::OK).await;
    assert!(!clinic.is_to_review().await);
}

#[tokio::test]
async fn a_body_that_says_something_else_is_refused() {
    let clinic = Clinic::new().await;
    for body in [
        json!({}),
        json!({ "reviewed": "yes" }),
        json!({ "reviewed": true, "updated_at": "yesterday" }),
        json!({ "reviewed": true, "by": "me" }),
    ] {
        let answer = clinic.post(&clinic.doctor, &body).await;
        let status = answer.status();
        problem(answer, status).await;
        assert!(status.is_client_error(), "{body}: {status}");
    }
    assert!(clinic.is_to_review().await);
}
