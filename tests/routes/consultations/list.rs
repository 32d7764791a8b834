use reqwest::StatusCode;
use serde_json::Value;
use xtask::users::Role;

use crate::support::{User, new_tenant, problem, read};

async fn page(user: &User, query: &str) -> Value {
    read(
        user.get(&format!("/v1/consultations?{query}"))
            .send()
            .await
            .unwrap(),
        StatusCode::OK,
    )
    .await
}

fn ids(page: &Value) -> Vec<String> {
    page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn pages_follow_each_other_newest_first_without_gap_or_repeat() {
    let user = User::new().await;
    let mut created = Vec::new();
    for day in 1..=5 {
        created.push(
            user.complain(&format!("a cough for {day} days")).await["id"]
                .as_str()
                .unwrap()
                .to_owned(),
        );
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
    user.complain(&format!("头痛{}", "，很久了".repeat(100)))
        .await;
    let page = page(&user, "").await;
    let item = &page["items"][0];
    assert_eq!(item["symptoms"].as_str().unwrap().chars().count(), 120);
    assert!(
        item["urgency"].is_string()
            && item["created_at"].is_string()
            && item["assessment"].is_null()
    );
}

#[tokio::test]
async fn a_patient_lists_their_own_and_a_clinician_the_tenants() {
    let tenant = new_tenant();
    let one = User::of(&tenant, "one", Role::Patient).await;
    let two = User::of(&tenant, "two", Role::Patient).await;
    let doctor = User::of(&tenant, "doctor", Role::Clinician).await;
    let stranger = User::of(&new_tenant(), "doctor", Role::Clinician).await;
    let first = one.complain("a headache").await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let second = two.complain("a cough").await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(ids(&page(&one, "").await).join(" "), first);
    assert_eq!(ids(&page(&two, "").await).join(" "), second);
    assert_eq!(ids(&page(&doctor, "").await), [second, first]);
    assert_eq!(ids(&page(&stranger, "").await), Vec::<String>::new());
}

#[tokio::test]
async fn a_cursor_of_another_tenant_opens_nothing() {
    let tenant = new_tenant();
    let user = User::of(&tenant, "one", Role::Patient).await;
    user.complain("a headache").await;
    user.complain("a cough").await;
    let cursor = page(&user, "limit=1").await["next_cursor"]
        .as_str()
        .unwrap()
        .to_owned();
    let stranger = User::new().await;
    assert_eq!(
        ids(&page(&stranger, &format!("cursor={cursor}")).await),
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn a_wrong_limit_or_cursor_is_refused() {
    let user = User::new().await;
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=ten", "limit"),
        ("cursor=nonsense", "cursor"),
        ("cursor=", "cursor"),
    ] {
        let answer = user
            .get(&format!("/v1/consultations?{query}"))
            .send()
            .await
            .unwrap();
        let said = problem(answer, StatusCode::UNPROCESSABLE_ENTITY).await;
        assert_eq!(said["errors"][0]["field"], field, "{query}");
    }
}
