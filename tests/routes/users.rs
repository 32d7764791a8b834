//! `/v1/users`: cached reads, lists without a query for each row, and imports.

use std::io::Read;
use std::time::Duration;

use flate2::read::GzDecoder;
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use wenzhen::cache::{Cache, LoadRequest};
use wenzhen::config::LimitSettings;
use wenzhen::deadline::Deadline;
use wenzhen::identity::{Caller, Role as CallerRole, TenantId, UserId};
use wenzhen::limits::{self, Client, Limiter};
use wenzhen::users;
use wenzhen::valkey::Batch;
use xtask::users::Role;

use crate::support::valkey::{of_stack, prefix};
use crate::support::{User, database, new_tenant, problem, read};

async fn send(request: RequestBuilder) -> Response {
    request.send().await.unwrap()
}

async fn import(admin: &User, body: &Value) -> Value {
    let answer = send(admin.post("/v1/users/import").json(body)).await;
    read(answer, StatusCode::OK).await
}

async fn refuse_import(user: &User, body: &Value, status: StatusCode) {
    let answer = send(user.post("/v1/users/import").json(body)).await;
    problem(answer, status).await;
}

fn row(id: &str, name: &str) -> Value {
    json!({ "id": id, "email": format!("{id}@clinic.example"), "name": name, "role": "patient" })
}

async fn get(user: &User, id: &str, status: StatusCode) -> Value {
    let answer = send(user.get(&format!("/v1/users/{id}"))).await;
    read(answer, status).await
}

async fn id_of(user: &User) -> String {
    let me = get(user, "me", StatusCode::OK).await;
    me["id"].as_str().unwrap().to_owned()
}

fn consultations_of(user: &Value) -> &Vec<Value> {
    user["consultations"].as_array().unwrap()
}

async fn count(tenant: &str) -> i64 {
    let counted =
        sqlx::query_scalar("SELECT count(*) FROM users WHERE tenant_id = $1").bind(tenant);
    counted.fetch_one(&mut database().await).await.unwrap()
}

/// Everybody may ask who they are. An import is seen with the next read, also of a person who was
/// known to be absent.
#[tokio::test]
async fn an_imported_person_is_seen_at_once() {
    let tenant = new_tenant();
    let patient = User::of(&tenant, "p", Role::Patient).await;
    let admin = User::of(&tenant, "a", Role::Admin).await;

    let me = get(&patient, "me", StatusCode::OK).await;
    assert_eq!(me["tenant_id"], json!(tenant));
    assert_eq!(me["role"], json!("patient"));
    assert_eq!(me["name"], Value::Null);
    let id = me["id"].as_str().unwrap().to_owned();
    get(&admin, &id, StatusCode::NOT_FOUND).await; // the absence is kept too

    let imported = import(&admin, &json!({ "users": [row(&id, "张伟")] })).await;
    let expected = json!({ "imported": 1, "updated": 0, "skipped": [], "errors": [] });
    assert_eq!(imported, expected);

    assert_eq!(get(&patient, "me", StatusCode::OK).await["name"], "张伟");
    let user = get(&admin, &id, StatusCode::OK).await;
    assert_eq!(user["name"], json!("张伟"));
    assert_eq!(user["email"], json!(format!("{id}@clinic.example")));
    assert_eq!(user["role"], json!("patient"));
}

/// A patient may read of themselves, a clinician and an admin of their tenant, and no caller of
/// another tenant.
#[tokio::test]
async fn a_person_is_read_by_themselves_and_their_clinic() {
    let tenant = new_tenant();
    let patient = User::of(&tenant, "p", Role::Patient).await;
    let other = User::of(&tenant, "q", Role::Patient).await;
    let clinician = User::of(&tenant, "c", Role::Clinician).await;
    let admin = User::of(&tenant, "a", Role::Admin).await;
    let stranger = User::of(&new_tenant(), "c", Role::Admin).await;
    let id = id_of(&patient).await;
    import(&admin, &json!({ "users": [row(&id, "n")] })).await;

    for allowed in [&patient, &clinician, &admin] {
        get(allowed, &id, StatusCode::OK).await;
    }
    for refused in [&other, &stranger] {
        let answer = send(refused.get(&format!("/v1/users/{id}"))).await;
        problem(answer, StatusCode::NOT_FOUND).await;
    }

    for refused in [&patient, &clinician] {
        let body = json!({ "users": [row("x", "n")] });
        refuse_import(refused, &body, StatusCode::FORBIDDEN).await;
    }
    let list = send(patient.get("/v1/users")).await;
    problem(list, StatusCode::FORBIDDEN).await;

    for odd in ["a%20b", &"x".repeat(200)] {
        let answer = send(admin.get(&format!("/v1/users/{odd}"))).await;
        problem(answer, StatusCode::NOT_FOUND).await;
    }
}

#[tokio::test]
async fn a_long_list_is_compressed_for_those_who_can_read_it() {
    const VARY: &str = "accept-encoding, x-no-compression";
    let tenant = new_tenant();
    let admin = User::of(&tenant, "admin", Role::Admin).await;
    let rows: Vec<_> = (0..50)
        .map(|at| row(&format!("u{at:03}"), "张伟"))
        .collect();
    import(&admin, &json!({ "users": rows })).await;
    let list = || admin.get("/v1/users?limit=100");
    let list_gzip = || list().header("accept-encoding", "gzip");

    let plain = send(list()).await;
    assert_eq!(plain.headers()["vary"], VARY);
    let tag = plain.headers()["etag"].clone();
    let plain = plain.bytes().await.unwrap();

    let zipped = send(list_gzip()).await;
    assert_eq!(zipped.headers()["content-encoding"], "gzip");
    assert_eq!(zipped.headers()["vary"], VARY);
    let gzip_tag = zipped.headers()["etag"].clone();
    let rather_plain = list().header("accept-encoding", "identity;q=1, gzip;q=0.5");
    let rather_plain = send(rather_plain).await;
    assert!(!rather_plain.headers().contains_key("content-encoding"));
    assert_ne!(gzip_tag, tag);

    let body = zipped.bytes().await.unwrap();
    let mut unzipped = Vec::new();
    let mut decoder = GzDecoder::new(body.as_ref());
    decoder.read_to_end(&mut unzipped).unwrap();
    let (size, plain_size) = (body.len(), plain.len());
    assert!(unzipped == plain, "another list");
    assert!(size * 4 < plain_size, "{size} of {plain_size} bytes");

    for tag in [tag, gzip_tag] {
        let again = send(list_gzip().header("if-none-match", &tag)).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(again.headers()["etag"], tag);
        assert!(again.headers().contains_key("vary"));
    }

    let refused = list().header("accept-encoding", "br");
    let refused = send(refused.header("x-no-compression", "1")).await;
    assert!(!refused.headers().contains_key("content-encoding"));
}

#[tokio::test]
async fn a_read_is_revalidated_by_its_tag() {
    let user = User::new().await;
    let first = send(user.get("/v1/users/me")).await;
    let tag = first.headers()["etag"].clone();

    let again = user.get("/v1/users/me").header("if-none-match", tag);
    assert_eq!(send(again).await.status(), StatusCode::NOT_MODIFIED);
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

    let mut listed = Vec::new();
    let mut cursor = String::new();
    let mut pages = 0;
    loop {
        let path = format!("/v1/users?include=consultations&limit=2{cursor}");
        let page = read(send(admin.get(&path)).await, StatusCode::OK).await;
        listed.extend(page["items"].as_array().unwrap().clone());
        pages += 1;

        let Some(next) = page["next_cursor"].as_str() else {
            break;
        };
        cursor = format!("&cursor={next}");
    }
    assert_eq!((listed.len(), pages), (3, 2));

    let counts = listed.iter().map(|user| consultations_of(user).len());
    let mut counts: Vec<_> = counts.collect();
    counts.sort_unstable();
    assert_eq!(counts, [0, 1, 2]);
    let mut users = listed.iter();
    let with_two = users.find(|user| consultations_of(user).len() == 2);
    let newest = &consultations_of(with_two.unwrap())[0];
    assert_eq!(newest["symptoms"], "a headache", "newest first");

    let plain = read(send(admin.get("/v1/users")).await, StatusCode::OK).await;
    assert!(plain["items"][0].get("consultations").is_none());
}

#[tokio::test]
async fn a_list_with_a_wrong_query_is_refused() {
    let admin = User::of(&new_tenant(), "admin", Role::Admin).await;
    for wrong in ["include=everything", "limit=0", "cursor=x", "cursor=AAAA"] {
        let answer = send(admin.get(&format!("/v1/users?{wrong}"))).await;
        problem(answer, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
}

#[tokio::test]
async fn an_import_reports_each_row_and_does_what_its_mode_says() {
    let tenant = new_tenant();
    let admin = User::of(&tenant, "admin", Role::Admin).await;
    let bad = json!({ "id": "b", "email": "nobody", "name": "n", "role": "patient" });
    let mut same_address = row("other", "n");
    same_address["email"] = json!("A@Clinic.example");
    let users = json!([
        row("a", "n"),
        bad,
        row("c", "n"),
        same_address,
        row("a", "n")
    ]);

    let nothing = import(&admin, &json!({ "mode": "all_or_nothing", "users": users })).await;
    assert_eq!(nothing["imported"], 0);
    assert_eq!(count(&tenant).await, 0);

    let partial = import(&admin, &json!({ "mode": "partial", "users": users })).await;
    assert_eq!(partial["imported"], 2);
    assert_eq!(partial["skipped"], json!([3, 4]));
    let errors = partial["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0]["index"], 1);
    assert_eq!(errors[0]["field"], "email");
    assert_eq!(count(&tenant).await, 2);

    let again = json!({ "mode": "all_or_nothing", "users": [row("d", "n"), row("a", "n")] });
    let again = import(&admin, &again).await;
    assert_eq!(again["imported"], 0);
    assert_eq!(again["skipped"], json!([1]));
    assert_eq!(count(&tenant).await, 2);
}

/// Of two values of one field none is the right one.
#[tokio::test]
async fn a_row_with_a_field_twice_is_not_written() {
    let tenant = new_tenant();
    let admin = User::of(&tenant, "admin", Role::Admin).await;
    let good = row("a", "n");
    let twice = r#"{"id":"b","\u0069d":"c","email":"b@x.example","name":"n","role":"patient"}"#;
    let body = format!(r#"{{"users":[{good},{twice}]}}"#);

    let request = admin.post("/v1/users/import");
    let request = request.header("content-type", "application/json");
    let imported = read(send(request.body(body)).await, StatusCode::OK).await;
    let error = json!({ "index": 1, "field": "id", "message": "stands there twice" });
    assert_eq!(imported["errors"], json!([error]));
    assert_eq!(imported["imported"], 1);
    assert_eq!(count(&tenant).await, 1);
}

#[tokio::test]
async fn a_thousand_people_come_in_at_once_and_no_more() {
    let tenant = new_tenant();
    let admin = User::of(&tenant, "admin", Role::Admin).await;
    let rows = |count: usize| -> Value {
        let rows = (0..count).map(|at| row(&format!("u{at}"), "somebody"));
        rows.collect()
    };

    let imported = import(&admin, &json!({ "users": rows(1_000) })).await;
    assert_eq!(imported["imported"], 1_000);
    assert_eq!(count(&tenant).await, 1_000);

    for users in [json!([]), rows(1_001), json!("all"), Value::Null] {
        let body = json!({ "users": users });
        refuse_import(&admin, &body, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let wrong = json!({ "mode": "maybe", "users": rows(1) });
    refuse_import(&admin, &wrong, StatusCode::UNPROCESSABLE_ENTITY).await;
}

#[tokio::test]
async fn limits_and_a_cached_read_cost_one_round_trip_and_no_query() {
    let valkey = of_stack(&prefix());
    let cache = Cache::new(Some(valkey.clone()));
    let settings = LimitSettings::default();
    let limiter = Limiter::new(Some(valkey.clone()), limits::DEFAULT, &settings).unwrap();
    let caller = Caller {
        tenant: TenantId::try_from("t".to_owned()).unwrap(),
        user: UserId::try_from("u".to_owned()).unwrap(),
        role: CallerRole::Patient,
    };
    let client = Client {
        address: Some("192.0.2.1".parse().unwrap()),
        caller: Some(&caller),
    };
    let key = users::cache_key(&caller.tenant, &caller.user);
    let deadline = Deadline::after(Duration::from_secs(10));
    let request = || LoadRequest {
        key: &key,
        policy: &users::CACHE_POLICY,
        deadline,
    };

    // The server knows both scripts, and the cache knows that there is no such person.
    let absent = cache.get_or_load(request(), async || Ok(None)).await;
    absent.unwrap();
    limiter.decide(client, &[], deadline).await;
    let before = valkey.round_trips();

    let mut batch = Batch::default();
    let pending = limiter.prepare(client, &[], &mut batch);
    let plan = cache.plan_prefetch(&key, &users::CACHE_POLICY).unwrap();
    let prefetch = plan.add_to(&mut batch);
    let mut answers = batch.run(&valkey, deadline).await.unwrap();
    let decision = pending.finish(&mut answers);
    let prefetched = prefetch.finish(&mut answers);

    let never = async || panic!("it is cached") as Result<Option<users::User>, _>;
    let cached = cache.get_or_load_prefetched(Some(prefetched), request(), never);
    assert!(cached.await.unwrap().value.is_none());
    assert!(decision.is_admitted());
    assert_eq!(valkey.round_trips(), before + 1);
}
