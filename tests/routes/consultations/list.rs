use reqwest::{Response, StatusCode};
use serde_json::Value;
use xtask::users::Role;

use crate::support::{User, new_tenant, problem, read};

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

struct WrongQuery {
    query: &'static str,
    field: &'static str,
}

#[rustfmt::skip]
const WRONG_QUERIES: [WrongQuery; 5] = [
    WrongQuery { query: "limit=0", field: "limit" },
    WrongQuery { query: "limit=101", field: "limit" },
    WrongQuery { query: "limit=ten", field: "limit" },
    WrongQuery { query: "cursor=nonsense", field: "cursor" },
    WrongQuery { query: "cursor=", field: "cursor" },
];

#[tokio::test]
async fn a_wrong_limit_or_cursor_is_refused() {
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
