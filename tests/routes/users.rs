//! `/v1/users`: cached reads, lists without a query for each row, and imports.

use reqwest::StatusCode;
use serde_json::{Value, json};
use wenzhen::cache::Cache;
use wenzhen::config::LimitSettings;
use wenzhen::deadline::Deadline;
use wenzhen::identity::{Caller, Role as CallerRole, TenantId, UserId};
use wenzhen::limits::{self, Limiter, Who};
use wenzhen::users;
use xtask::users::Role;

use crate::support::valkey::{of_stack, prefix};
use crate::support::{User, database, new_tenant, problem, read};

async fn import(admin: &User, body: &Value) -> Value {
    read(
        admin
            .post("/v1/users/import")
            .json(body)
            .send()
            .await
            .unwrap(),
        StatusCode::OK,
    )
    .await
}

fn row(id: &str, name: &str) -> Value {
    json!({ "id": id, "email": format!("{id}@clinic.example"), "name": name, "role": "patient" })
}

async fn id_of(user: &User) -> String {
    let me = read(
        user.get("/v1/users/me").send().await.unwrap(),
        StatusCode::OK,
    )
    .await;
    me["id"].as_str().unwrap().to_owned()
}

async fn get(user: &User, id: &str, status: StatusCode) -> Value {
    read(
        user.get(&format!("/v1/users/{id}")).send().await.unwrap(),
        status,
    )
    .await
}

#[tokio::test]
async fn everybody_may_ask_who_they_are_and_an_import_is_seen_at_once() {
    let tenant = new_tenant();
    let (patient, admin) = (
        User::of(&tenant, "p", Role::Patient).await,
        User::of(&tenant, "a", Role::Admin).await,
    );
    let me = get(&patient, "me", StatusCode::OK).await;
    assert_eq!(
        (&me["tenant_id"], &me["role"], &me["name"]),
        (&json!(tenant), &json!("patient"), &Value::Null)
    );
    let id = me["id"].as_str().unwrap().to_owned();
    get(&admin, &id, StatusCode::NOT_FOUND).await; // that there is nobody is kept too
    let imported = import(&admin, &json!({ "users": [row(&id, "张伟")] })).await;
    assert_eq!(
        imported,
        json!({ "imported": 1, "skipped": [], "errors": [] })
    );
    assert_eq!(get(&patient, "me", StatusCode::OK).await["name"], "张伟");
    let user = get(&admin, &id, StatusCode::OK).await;
    assert_eq!(
        (&user["name"], &user["email"], &user["role"]),
        (
            &json!("张伟"),
            &json!(format!("{id}@clinic.example")),
            &json!("patient")
        )
    );
}

#[tokio::test]
async fn a_patient_knows_of_themselves_a_clinician_of_their_tenant_and_nobody_of_another() {
    let tenant = new_tenant();
    let (patient, other) = (
        User::of(&tenant, "p", Role::Patient).await,
        User::of(&tenant, "q", Role::Patient).await,
    );
    let (clinician, admin) = (
        User::of(&tenant, "c", Role::Clinician).await,
        User::of(&tenant, "a", Role::Admin).await,
    );
    let stranger = User::of(&new_tenant(), "c", Role::Admin).await;
    let id = id_of(&patient).await;
    import(&admin, &json!({ "users": [row(&id, "n")] })).await;
    for allowed in [&patient, &clinician, &admin] {
        get(allowed, &id, StatusCode::OK).await;
    }
    for refused in [&other, &stranger] {
        problem(
            refused
                .get(&format!("/v1/users/{id}"))
                .send()
                .await
                .unwrap(),
            StatusCode::NOT_FOUND,
        )
        .await;
    }
    for refused in [&patient, &clinician] {
        let body = json!({ "users": [row("x", "n")] });
        problem(
            refused
                .post("/v1/users/import")
                .json(&body)
                .send()
                .await
                .unwrap(),
            StatusCode::FORBIDDEN,
        )
        .await;
    }
    problem(
        patient.get("/v1/users").send().await.unwrap(),
        StatusCode::FORBIDDEN,
    )
    .await;
    for odd in ["a%20b", &"x".repeat(200)] {
        problem(
            admin.get(&format!("/v1/users/{odd}")).send().await.unwrap(),
            StatusCode::NOT_FOUND,
        )
        .await;
    }
}

#[tokio::test]
async fn a_long_list_is_compressed_for_those_who_can_read_it() {
    let tenant = new_tenant();
    let admin = User::of(&tenant, "admin", Role::Admin).await;
    let rows: Vec<_> = (0..50)
        .map(|at| row(&format!("u{at:03}"), "张伟"))
        .collect();
    import(&admin, &json!({ "users": rows })).await;
    let path = "/v1/users?limit=100";
    let plain = admin.get(path).send().await.unwrap();
    assert_eq!(plain.headers()["vary"], "accept-encoding, x-no-compression");
    let tag = plain.headers()["etag"].clone();
    let plain = plain.bytes().await.unwrap();
    let asked = admin
        .get(path)
        .header("accept-encoding", "gzip")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (
            &asked.headers()["content-encoding"],
            &asked.headers()["vary"]
        ),
        (
            &"gzip".parse().unwrap(),
            &"accept-encoding, x-no-compression".parse().unwrap()
        )
    );
    let (gzip_tag, body) = (
        asked.headers()["etag"].clone(),
        asked.bytes().await.unwrap(),
    );
    assert_ne!(gzip_tag, tag);
    let mut read = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(body.as_ref()), &mut read)
        .unwrap();
    assert!(
        read == plain && body.len() * 4 < plain.len(),
        "{} of {} bytes",
        body.len(),
        plain.len()
    );
    for tag in [tag, gzip_tag] {
        let again = admin
            .get(path)
            .header("accept-encoding", "gzip")
            .header("if-none-match", &tag)
            .send()
            .await
            .unwrap();
        assert_eq!(
            (again.status(), &again.headers()["etag"]),
            (StatusCode::NOT_MODIFIED, &tag)
        );
        assert!(again.headers().contains_key("vary"));
    }
    let refused = admin
        .get(path)
        .header("accept-encoding", "br")
        .header("x-no-compression", "1")
        .send()
        .await
        .unwrap();
    assert!(!refused.headers().contains_key("content-encoding"));
}

#[tokio::test]
async fn a_read_is_revalidated_by_its_tag() {
    let user = User::new().await;
    let first = user.get("/v1/users/me").send().await.unwrap();
    let tag = first.headers()["etag"].clone();
    let again = user
        .get("/v1/users/me")
        .header("if-none-match", tag)
        .send()
        .await
        .unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn people_are_listed_page_by_page_with_their_consultations() {
    let tenant = new_tenant();
    let admin = User::of(&tenant, "admin", Role::Admin).await;
    let patients = [
        User::of(&tenant, "p1", Role::Patient).await,
        User::of(&tenant, "p2", Role::Patient).await,
    ];
    let mut rows = vec![row("zz-without", "nobody")];
    for patient in &patients {
        rows.push(row(&id_of(patient).await, "n"));
    }
    patients[0].complain("a cough").await;
    patients[0].complain("a headache").await;
    patients[1].complain("a rash").await;
    import(&admin, &json!({ "users": rows })).await;
    let (mut seen, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let path = format!("/v1/users?include=consultations&limit=2{cursor}");
        let page = read(admin.get(&path).send().await.unwrap(), StatusCode::OK).await;
        seen.extend(page["items"].as_array().unwrap().clone());
        pages += 1;
        let Some(next) = page["next_cursor"].as_str() else {
            break;
        };
        cursor = format!("&cursor={next}");
    }
    assert_eq!((seen.len(), pages), (3, 2));
    let counts: Vec<_> = seen
        .iter()
        .map(|user| user["consultations"].as_array().unwrap().len())
        .collect();
    let mut sorted = counts.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, [0, 1, 2]);
    let two = seen
        .iter()
        .find(|user| user["consultations"].as_array().unwrap().len() == 2)
        .unwrap();
    assert_eq!(
        two["consultations"][0]["symptoms"], "a headache",
        "newest first"
    );
    let plain = read(admin.get("/v1/users").send().await.unwrap(), StatusCode::OK).await;
    assert!(plain["items"][0].get("consultations").is_none());
    for wrong in ["include=everything", "limit=0", "cursor=x", "cursor=AAAA"] {
        problem(
            admin
                .get(&format!("/v1/users?{wrong}"))
                .send()
                .await
                .unwrap(),
            StatusCode::UNPROCESSABLE_ENTITY,
        )
        .await;
    }
}

#[tokio::test]
async fn an_import_reports_each_row_and_does_what_its_mode_says() {
    let tenant = new_tenant();
    let admin = User::of(&tenant, "admin", Role::Admin).await;
    let bad = json!({ "id": "b", "email": "nobody", "name": "n", "role": "patient" });
    let same_address =
        json!({ "id": "other", "email": "A@Clinic.example", "name": "n", "role": "patient" });
    let users = json!([
        row("a", "n"),
        bad,
        row("c", "n"),
        same_address,
        row("a", "n")
    ]);
    let nothing = import(&admin, &json!({ "mode": "all_or_nothing", "users": users })).await;
    assert_eq!((&nothing["imported"], count(&tenant).await), (&json!(0), 0));
    let partial = import(&admin, &json!({ "mode": "partial", "users": users })).await;
    assert_eq!(
        (&partial["imported"], &partial["skipped"]),
        (&json!(2), &json!([3, 4]))
    );
    let errors: Vec<_> = partial["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| (e["index"].clone(), e["field"].clone()))
        .collect();
    assert_eq!(errors, [(json!(1), json!("email"))]);
    assert_eq!(count(&tenant).await, 2);
    let again = json!({ "mode": "all_or_nothing", "users": [row("d", "n"), row("a", "n")] });
    let again = import(&admin, &again).await;
    assert_eq!(
        (&again["imported"], &again["skipped"], count(&tenant).await),
        (&json!(0), &json!([1]), 2)
    );
}

#[tokio::test]
async fn a_thousand_people_come_in_at_once_and_no_more() {
    let tenant = new_tenant();
    let admin = User::of(&tenant, "admin", Role::Admin).await;
    let rows = |count: usize| {
        (0..count)
            .map(|at| row(&format!("u{at}"), "somebody"))
            .collect::<Vec<_>>()
    };
    let imported = import(&admin, &json!({ "users": rows(1_000) })).await;
    assert_eq!(
        (&imported["imported"], count(&tenant).await),
        (&json!(1_000), 1_000)
    );
    for users in [json!([]), json!(rows(1_001)), json!("all"), Value::Null] {
        let answer = admin
            .post("/v1/users/import")
            .json(&json!({ "users": users }))
            .send()
            .await
            .unwrap();
        problem(answer, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let wrong = json!({ "mode": "maybe", "users": rows(1) });
    problem(
        admin
            .post("/v1/users/import")
            .json(&wrong)
            .send()
            .await
            .unwrap(),
        StatusCode::UNPROCESSABLE_ENTITY,
    )
    .await;
}

async fn count(tenant: &str) -> i64 {
    let counted =
        sqlx::query_scalar("SELECT count(*) FROM users WHERE tenant_id = $1").bind(tenant);
    counted.fetch_one(&mut database().await).await.unwrap()
}

#[tokio::test]
async fn limits_and_a_cached_read_cost_one_round_trip_and_no_query() {
    let valkey = of_stack(&prefix());
    let cache = Cache::new(Some(valkey.clone()));
    let limiter = Limiter::new(
        Some(valkey.clone()),
        limits::DEFAULT,
        &LimitSettings::default(),
    )
    .unwrap();
    let caller = Caller {
        tenant: TenantId::try_from("t".to_owned()).unwrap(),
        user: UserId::try_from("u".to_owned()).unwrap(),
        role: CallerRole::Patient,
    };
    let key = users::cache_key(&caller.tenant, &caller.user);
    let deadline = Deadline::after(std::time::Duration::from_secs(10));
    let none = || async { Ok(None) };
    cache
        .get_or_load(&key, &users::CACHE_POLICY, deadline, none)
        .await
        .unwrap();
    let who = Who {
        address: Some("192.0.2.1".parse().unwrap()),
        caller: Some(&caller),
    };
    limiter.decide(who, &[], deadline).await;
    let before = valkey.round_trips();
    let plan = cache.plan(&key, &users::CACHE_POLICY).unwrap();
    let (decision, answer) = limiter
        .decide_with(who, &[], Some(plan.call.clone()), deadline)
        .await;
    let looked = Some(wenzhen::cache::Looked { plan, answer });
    let never = || async { panic!("it is cached") as Result<Option<users::User>, _> };
    let cached = cache
        .get_or_load_after(looked, &key, &users::CACHE_POLICY, deadline, never)
        .await
        .unwrap();
    assert!(decision.is_admitted() && cached.value.is_none());
    assert_eq!(valkey.round_trips(), before + 1);
}
