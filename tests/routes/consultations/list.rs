use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use xtask::users::Role;

use crate::support::{User, database, new_tenant, problem, read};

async fn get(user: &User, query: &str) -> Response {
    let request = user.get(&format!("/v1/consultations?{query}"));
    request.send().await.unwrap()
}

async fn page(user: &User, query: &str) -> Value {
    read(get(user, query).await, StatusCode::OK).await
}

fn id_of(item: &Value) -> String {
    item["id"].as_str().unwrap().to_owned()
}

fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap();
    items.iter().map(id_of).collect()
}

#[tokio::test]
async fn pages_follow_each_other_newest_first_without_gap_or_repeat() {
    let user = User::new().await;
    let mut created = Vec::new();
    for day in 1..=5 {
        let accepted = user.complain(&format!("a cough for {day} days")).await;
        created.push(id_of(&accepted));
    }
    created.reverse();

    let mut seen = Vec::new();
    let mut query = "limit=2".to_owned();
    loop {
        let page = page(&user, &query).await;
        seen.extend(ids(&page));
        user.complain("one more, which must not shift the next page")
            .await;

        match page["next_cursor"].as_str() {
            Some(cursor) => query = format!("limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, created);
}

#[tokio::test]
async fn an_item_is_a_summary() {
    let user = User::new().await;
    let complaint = format!("头痛{}", "，很久了".repeat(100));
    user.complain(&complaint).await;

    let page = page(&user, "").await;
    let item = &page["items"][0];
    assert_eq!(item["symptoms"].as_str().unwrap().chars().count(), 120);
    assert!(item["urgency"].is_string());
    assert!(item["created_at"].is_string());
    assert!(item["assessment"].is_null());
}

#[tokio::test]
async fn a_patient_lists_their_own_and_a_clinician_the_tenants() {
    let tenant = new_tenant();
    let one = User::of(&tenant, "one", Role::Patient).await;
    let two = User::of(&tenant, "two", Role::Patient).await;
    let doctor = User::of(&tenant, "doctor", Role::Clinician).await;
    let stranger = User::of(&new_tenant(), "doctor", Role::Clinician).await;

    let first = id_of(&one.complain("a headache").await);
    let second = id_of(&two.complain("a cough").await);

    assert_eq!(ids(&page(&one, "").await).join(" "), first);
    assert_eq!(ids(&page(&two, "").await).join(" "), second);
    assert_eq!(ids(&page(&doctor, "").await), [second, first]);
    assert_eq!(ids(&page(&stranger, "").await), Vec::<String>::new());
}

#[tokio::test]
async fn a_cursor_of_another_tenant_opens_nothing() {
    let user = User::of(&new_tenant(), "one", Role::Patient).await;
    user.complain("a headache").await;
    user.complain("a cough").await;
    let first = page(&user, "limit=1").await;
    let cursor = first["next_cursor"].as_str().unwrap();

    let stranger = User::new().await;
    let foreign = page(&stranger, &format!("cursor={cursor}")).await;
    assert_eq!(ids(&foreign), Vec::<String>::new());
}

const EMERGENCY: &str = "crushing chest pain and cold sweats";
const CALM: &str = "a runny nose for two days";

/// A tenant's clinician and patient, and what the patient has told, as (urgency, id), the most
/// urgent first and the newest first within an urgency.
async fn of_all_urgencies() -> (User, User, Vec<(String, String)>) {
    let tenant = new_tenant();
    let doctor = User::of(&tenant, "doctor", Role::Clinician).await;
    let patient = User::of(&tenant, "patient", Role::Patient).await;

    let urgencies = ["routine", "emergency", "urgent", "self_care", "routine"];
    let mut told = Vec::new();
    for urgency in urgencies {
        let accepted = patient.complain(CALM).await;
        // Later, its assessment would raise what is less urgent.
        patient.outcome(&accepted).await;
        let id = id_of(&accepted);
        set_urgency(&id, urgency).await;
        told.push((urgency.to_owned(), id));
    }
    told.push((
        "emergency".to_owned(),
        id_of(&patient.complain(EMERGENCY).await),
    ));

    let order = ["emergency", "urgent", "routine", "self_care"];
    told.reverse();
    told.sort_by_key(|(urgency, _)| order.iter().position(|other| other == urgency));
    (doctor, patient, told)
}

async fn set_urgency(id: &str, urgency: &str) {
    sqlx::query("UPDATE consultations SET urgency = $1 WHERE id = $2::text::uuid")
        .bind(urgency)
        .bind(id)
        .execute(&mut database().await)
        .await
        .unwrap();
}

fn urgencies_and_ids(page: &Value) -> Vec<(String, String)> {
    let items = page["items"].as_array().unwrap().iter();
    let urgency_of = |item: &Value| item["urgency"].as_str().unwrap().to_owned();
    items.map(|item| (urgency_of(item), id_of(item))).collect()
}

/// Reads a list to its end, two rows at a time.
async fn read_all(user: &User, query: &str) -> Vec<(String, String)> {
    let mut seen = Vec::new();
    let mut next = format!("limit=2&{query}");
    loop {
        let page = page(user, &next).await;
        seen.extend(urgencies_and_ids(&page));
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("limit=2&{query}&cursor={cursor}"),
            None => return seen,
        }
    }
}

#[tokio::test]
async fn a_clinician_lists_the_most_urgent_first_without_gap_or_repeat() {
    let (doctor, _, told) = of_all_urgencies().await;
    let stranger = User::of(&new_tenant(), "doctor", Role::Clinician).await;

    assert_eq!(read_all(&doctor, "order=urgency").await, told);
    assert_eq!(read_all(&stranger, "order=urgency").await, []);
}

#[tokio::test]
async fn a_clinician_lists_one_urgency_the_newest_first() {
    let (doctor, _, told) = of_all_urgencies().await;

    for urgency in ["emergency", "urgent", "routine", "self_care"] {
        let expected = told.iter().filter(|(of, _)| of == urgency);
        let expected: Vec<_> = expected.cloned().collect();
        for query in ["", "&order=urgency"] {
            let query = format!("urgency={urgency}{query}");
            assert_eq!(read_all(&doctor, &query).await, expected, "{query}");
        }
    }
}

/// The patient's own list does not name them: they know.
#[tokio::test]
async fn a_clinician_is_told_whose_consultation_it_is() {
    let tenant = new_tenant();
    let doctor = User::of(&tenant, "doctor", Role::Clinician).await;
    let patient = User::of(&tenant, "patient", Role::Patient).await;
    let admin = User::of(&tenant, "admin", Role::Admin).await;
    patient.complain(CALM).await;
    for query in ["", "order=urgency"] {
        assert_eq!(
            page(&doctor, query).await["items"][0]["user_name"],
            Value::Null
        );
    }

    let person = json!({
        "id": patient.id().await, "email": "li@example.com", "name": "Li Na", "role": "patient",
    });
    let import = admin.post("/v1/users/import");
    let import = import.json(&json!({ "users": [person] }));
    read(import.send().await.unwrap(), StatusCode::OK).await;

    for query in ["", "order=urgency", "reviewed=false"] {
        let item = &page(&doctor, query).await["items"][0];
        assert_eq!(item["user_name"], "Li Na", "{query}");
    }
    assert_eq!(
        page(&patient, "").await["items"][0]["user_name"],
        Value::Null
    );
}

/// One that comes to be more urgent between two pages moves up, behind the reader: it neither
/// repeats nor shifts what follows.
#[tokio::test]
async fn what_is_raised_meanwhile_does_not_shift_the_next_page() {
    let (doctor, _, told) = of_all_urgencies().await;
    let first = page(&doctor, "limit=4&order=urgency").await;
    let cursor = first["next_cursor"].as_str().unwrap();
    set_urgency(&told[3].1, "emergency").await;

    let second = page(&doctor, &format!("order=urgency&cursor={cursor}")).await;
    assert_eq!(urgencies_and_ids(&second), told[4..]);
}

#[tokio::test]
async fn a_cursor_of_one_order_is_refused_in_the_other() {
    let (doctor, _, _) = of_all_urgencies().await;
    let queries = [("", "order=urgency&"), ("order=urgency&", "")];
    #[rustfmt::skip]
    let filters = [
        ("order=urgency&", "urgency=emergency&"),
        ("urgency=routine&", "urgency=emergency&"),
        ("urgency=routine&", "order=urgency&"),
        ("urgency=routine&", ""),
        ("order=urgency&", "reviewed=false&"),
        ("reviewed=false&", "order=urgency&"),
        ("urgency=routine&reviewed=false&", "urgency=routine&"),
    ];

    for (order, other) in queries.into_iter().chain(filters) {
        let first = page(&doctor, &format!("{order}limit=1")).await;
        let cursor = first["next_cursor"].as_str().unwrap();
        let answer = get(&doctor, &format!("{other}cursor={cursor}")).await;
        let refused = problem(answer, StatusCode::UNPROCESSABLE_ENTITY).await;
        assert_eq!(refused["errors"][0]["field"], "cursor", "{order} {other}");
    }
}

#[tokio::test]
async fn a_patient_does_not_list_by_urgency() {
    let (_, patient, told) = of_all_urgencies().await;

    for query in ["order=urgency", "urgency=emergency", "reviewed=false"] {
        problem(get(&patient, query).await, StatusCode::FORBIDDEN).await;
    }
    assert_eq!(ids(&page(&patient, "").await).len(), told.len());
}

struct WrongQuery {
    query: &'static str,
    field: &'static str,
}

#[rustfmt::skip]
const WRONG_QUERIES: [WrongQuery; 12] = [
    WrongQuery { query: "limit=0", field: "limit" },
    WrongQuery { query: "limit=101", field: "limit" },
    WrongQuery { query: "limit=ten", field: "limit" },
    WrongQuery { query: "cursor=nonsense", field: "cursor" },
    WrongQuery { query: "cursor=", field: "cursor" },
    WrongQuery { query: "order=time", field: "order" },
    WrongQuery { query: "order=", field: "order" },
    WrongQuery { query: "urgency=calm", field: "urgency" },
    WrongQuery { query: "urgency=Emergency", field: "urgency" },
    WrongQuery { query: "urgency=", field: "urgency" },
    WrongQuery { query: "reviewed=true", field: "reviewed" },
    WrongQuery { query: "reviewed=", field: "reviewed" },
];

#[tokio::test]
async fn a_wrong_value_is_refused() {
    let user = User::new().await;

    for wrong in WRONG_QUERIES {
        let answer = get(&user, wrong.query).await;
        let said = problem(answer, StatusCode::UNPROCESSABLE_ENTITY).await;
        assert_eq!(said["errors"][0]["field"], wrong.field, "{}", wrong.query);
    }
}

/// Left out without a word, it would show what was not asked for.
#[tokio::test]
async fn a_filter_that_lists_do_not_have_is_refused() {
    let admin = User::of(&new_tenant(), "chief", Role::Admin).await;
    for list in [
        "consultations",
        "users",
        "knowledge/documents",
        "uploads",
        "jobs",
        "audit-events",
    ] {
        let path = format!("/v1/{list}?limit=1&colour=red");
        let answer = admin.get(&path).send().await.unwrap();
        let refused = problem(answer, StatusCode::UNPROCESSABLE_ENTITY).await;
        assert_eq!(refused["errors"][0]["field"], "query", "{list}");
    }
}
