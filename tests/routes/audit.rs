//! `GET /v1/audit-events`: what staff read is written down, and admins read it.

mod acts;

use reqwest::StatusCode;
use serde_json::{Value, json};
use xtask::users::Role;

use super::uploads::upload;
use crate::jobs::job_of;
use crate::support::{User, database, new_tenant, problem, read};

struct Clinic {
    patient: User,
    clinician: User,
    admin: User,
}

impl Clinic {
    async fn new() -> Self {
        let tenant = new_tenant();
        Self {
            patient: User::of(&tenant, "patient", Role::Patient).await,
            clinician: User::of(&tenant, "clinician", Role::Clinician).await,
            admin: User::of(&tenant, "admin", Role::Admin).await,
        }
    }

    /// The trail as admins see it.
    async fn trail(&self, query: &str) -> Value {
        let path = format!("/v1/audit-events{query}");
        let answer = self.admin.get(&path).send().await.unwrap();
        read(answer, StatusCode::OK).await
    }

    /// What was done by whom, the latest first.
    async fn acts(&self, query: &str) -> Vec<(String, &'static str)> {
        let people = [
            (self.patient.id().await, "patient"),
            (self.clinician.id().await, "clinician"),
            (self.admin.id().await, "admin"),
        ];
        let trail = self.trail(query).await;
        let name_of = |event: &Value| {
            let mut people = people.iter();
            let found = people.find(|(id, _)| event["actor_id"] == **id).unwrap();
            assert_eq!(event["actor_role"], found.1);
            found.1
        };
        let items = trail["items"].as_array().unwrap().iter();
        items
            .map(|event| (event["action"].as_str().unwrap().to_owned(), name_of(event)))
            .collect()
    }
}

async fn get(user: &User, path: &str) -> StatusCode {
    user.get(path).send().await.unwrap().status()
}

fn act(action: &str, actor: &'static str) -> (String, &'static str) {
    (action.to_owned(), actor)
}

#[tokio::test]
async fn what_staff_read_is_in_the_trail_and_what_patients_read_of_their_own_is_not() {
    let clinic = Clinic::new().await;
    let accepted = clinic.patient.complain("a headache").await;
    clinic.patient.outcome(&accepted).await;
    let id = accepted["id"].as_str().unwrap();
    let path = format!("/v1/consultations/{id}");
    assert_eq!(clinic.acts("").await, []);

    // From the database, and from the cache: within five minutes it is one event.
    for _ in 0..2 {
        assert_eq!(get(&clinic.clinician, &path).await, StatusCode::OK);
    }
    let answer = json!({ "answers": { accepted["questions"][0]["code"].as_str().unwrap(): "no" } });
    let answers = clinic
        .clinician
        .post(&format!("{path}/answers"))
        .json(&answer);
    read(answers.send().await.unwrap(), StatusCode::OK).await;
    let report = clinic.admin.post(&format!("{path}/report"));
    read(report.send().await.unwrap(), StatusCode::ACCEPTED).await;
    for part in ["/messages", "/trace", "/export"] {
        let path = format!("{path}{part}");
        assert_eq!(get(&clinic.clinician, &path).await, StatusCode::OK);
    }
    assert_eq!(
        get(&clinic.admin, "/v1/consultations").await,
        StatusCode::OK
    );
    let erased = clinic.patient.delete(&path).send().await.unwrap();
    assert_eq!(erased.status(), StatusCode::ACCEPTED);

    // Reads are ordered to five minutes, acts by their time.
    let mut acts = clinic.acts("").await;
    assert_eq!(acts[0], act("erase_consultation", "patient"));
    acts.sort();
    let expected = [
        act("answer_questions", "clinician"),
        act("erase_consultation", "patient"),
        act("export_consultation", "clinician"),
        act("list_consultation", "admin"),
        act("read_consultation", "clinician"),
        act("read_messages", "clinician"),
        act("read_trace", "clinician"),
        act("request_report", "admin"),
    ];
    assert_eq!(acts, expected);
    let of_clinician = format!("?actor_id={}", clinic.clinician.id().await);
    assert_eq!(clinic.acts(&of_clinician).await.len(), 5);
    let event = &clinic.trail("?limit=1").await["items"][0];
    assert_eq!(event["user_id"], clinic.patient.id().await);
    assert_eq!(event["consultation_id"], id);
    assert!(event["at"].is_string());
}

/// A read that is repeated tells nothing new; what is done twice is done twice.
#[tokio::test]
async fn each_thing_that_staff_do_is_an_event() {
    let clinic = Clinic::new().await;
    let accepted = clinic
        .patient
        .complain("I feel unwell since yesterday")
        .await;
    let path = format!("/v1/consultations/{}", accepted["id"].as_str().unwrap());
    let code = accepted["questions"][0]["code"].as_str().unwrap();
    for answer in ["no", "yes"] {
        let body = json!({ "answers": { code: answer } });
        let answers = clinic.clinician.post(&format!("{path}/answers"));
        read(answers.json(&body).send().await.unwrap(), StatusCode::OK).await;
    }

    // No worker gets its message, so none can be through before it is cancelled.
    let waiting = job_of(&clinic.patient.tenant, json!({ "symptoms": "a cough" })).await;
    let path = format!("/v1/jobs/{}/cancel", waiting.job_id);
    let cancelled = clinic.clinician.post(&path);
    read(cancelled.send().await.unwrap(), StatusCode::OK).await;

    let expected = [
        act("cancel_job", "clinician"),
        act("answer_questions", "clinician"),
        act("answer_questions", "clinician"),
    ];
    assert_eq!(clinic.acts("").await, expected);
}

#[tokio::test]
async fn the_trail_is_paged_and_asked_about_a_person_or_a_consultation() {
    let clinic = Clinic::new().await;
    let first = clinic.patient.complain("a headache").await;
    let second = clinic.patient.complain("a cough").await;
    for (reader, accepted) in [
        (&clinic.clinician, &first),
        (&clinic.clinician, &second),
        (&clinic.admin, &first),
    ] {
        let path = format!("/v1/consultations/{}", accepted["id"].as_str().unwrap());
        assert_eq!(get(reader, &path).await, StatusCode::OK);
    }

    let page = clinic.trail("?limit=2").await;
    assert_eq!(page["items"].as_array().unwrap().len(), 2);
    let cursor = page["next_cursor"].as_str().unwrap();
    let last = clinic.trail(&format!("?limit=2&cursor={cursor}")).await;
    assert_eq!(last["items"].as_array().unwrap().len(), 1);
    assert_eq!(last["next_cursor"], Value::Null);

    let id = first["id"].as_str().unwrap();
    let of_first = format!("?consultation_id={id}");
    assert_eq!(clinic.acts(&of_first).await.len(), 2);
    let of_patient = format!("?user_id={}", clinic.patient.id().await);
    assert_eq!(clinic.acts(&of_patient).await.len(), 3);
    assert_eq!(clinic.acts("?user_id=nobody").await.len(), 0);
    let both = format!("?user_id=nobody&consultation_id={id}");
    assert_eq!(clinic.acts(&both).await.len(), 0);
    for query in [
        "?consultation_id=x",
        "?user_id=%20",
        "?actor_id=%20",
        "?limit=0",
        "?action=x",
    ] {
        let path = format!("/v1/audit-events{query}");
        let refused = clinic.admin.get(&path).send().await.unwrap();
        problem(refused, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
}

#[tokio::test]
async fn only_admins_read_the_trail_and_only_their_tenants() {
    let clinic = Clinic::new().await;
    for user in [&clinic.patient, &clinic.clinician] {
        let refused = user.get("/v1/audit-events").send().await.unwrap();
        problem(refused, StatusCode::FORBIDDEN).await;
    }
    let accepted = clinic.patient.complain("a headache").await;
    let path = format!("/v1/consultations/{}", accepted["id"].as_str().unwrap());
    get(&clinic.clinician, &path).await;

    let other = Clinic::new().await;
    let query = format!("?consultation_id={}", accepted["id"].as_str().unwrap());
    assert_eq!(other.acts(&query).await, []);
    assert_eq!(clinic.acts(&query).await.len(), 1);
}

#[tokio::test]
async fn a_list_of_people_with_their_consultations_is_a_read() {
    let clinic = Clinic::new().await;
    let id = clinic.patient.id().await;
    let person = json!({ "id": id, "email": "p@example.com", "name": "P", "role": "patient" });
    let people = json!({ "users": [person] });
    let import = clinic.admin.post("/v1/users/import").json(&people);
    read(import.send().await.unwrap(), StatusCode::OK).await;
    clinic.patient.complain("a headache").await;

    let path = "/v1/users?include=consultations";
    assert_eq!(get(&clinic.clinician, path).await, StatusCode::OK);
    assert_eq!(get(&clinic.clinician, "/v1/users").await, StatusCode::OK);
    assert_eq!(
        clinic.acts("").await,
        [act("list_consultation", "clinician")]
    );
}

#[tokio::test]
async fn an_upload_that_staff_read_is_in_the_trail() {
    let clinic = Clinic::new().await;
    let own = upload(&clinic.patient, "a.txt", "text/plain", b"words").await;
    assert_eq!(clinic.acts("").await, []);
    let path = format!("/v1/uploads/{}", own["id"].as_str().unwrap());
    assert_eq!(get(&clinic.clinician, &path).await, StatusCode::OK);
    assert_eq!(clinic.acts("").await, [act("read_upload", "clinician")]);
    assert_eq!(clinic.trail("").await["items"][0]["upload_id"], own["id"]);
}

#[tokio::test]
async fn nothing_of_a_patient_is_in_the_trail_but_ids() {
    let clinic = Clinic::new().await;
    let accepted = clinic.patient.complain("a Zweiundvierzig headache").await;
    let path = format!("/v1/consultations/{}", accepted["id"].as_str().unwrap());
    get(&clinic.clinician, &path).await;

    let rows: Vec<String> =
        sqlx::query_scalar("SELECT row_to_json(e)::text FROM audit_events e WHERE tenant_id = $1")
            .bind(&clinic.patient.tenant)
            .fetch_all(&mut database().await)
            .await
            .unwrap();
    assert_eq!(rows.len(), 1);
    assert!(!rows[0].contains("Zweiundvierzig"), "{rows:?}");
}
