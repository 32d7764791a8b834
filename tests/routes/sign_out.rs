//! Access that changes while its tokens live: `POST /v1/users/{id}/sign-out`, and roles that an
//! import changes.

use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};
use xtask::users::Role;

use crate::support::socket::Socket;
use crate::support::tokens::sign_again;
use crate::support::{STACK, User, database, eventually, new_tenant, problem, read};

/// The status of a call that anybody with a good token may make.
async fn status_of(user: &User) -> StatusCode {
    let answer = user.get("/v1/users/me").send().await.unwrap();
    answer.status()
}

async fn empty_answer(request: RequestBuilder) {
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
}

/// Gives a person of the admin's tenant another role.
async fn change_role(admin: &User, id: &str, role: &str) -> Value {
    let row = json!({ "id": id, "email": format!("{id}@x.example"), "name": "N", "role": role });
    let body = json!({ "existing": "update", "users": [row] });
    let import = admin.post("/v1/users/import").json(&body);
    read(import.send().await.unwrap(), StatusCode::OK).await
}

async fn acts_on(admin: &User, id: &str) -> Vec<Value> {
    let trail = admin.get(&format!("/v1/audit-events?user_id={id}"));
    let trail = read(trail.send().await.unwrap(), StatusCode::OK).await;
    let events = trail["items"].as_array().unwrap().iter();
    events.map(|event| event["action"].clone()).collect()
}

/// A token that was stolen, or lies on a lost phone, ends with the call, and so does one that is
/// refreshed; who signs in again is let in.
#[tokio::test]
async fn a_person_who_is_signed_out_signs_in_again() {
    let tenant = new_tenant();
    let user = User::of(&tenant, "p", Role::Patient).await;
    let other = User::of(&tenant, "q", Role::Patient).await;
    let id = user.id().await;

    empty_answer(user.post("/v1/users/me/sign-out")).await;
    let refused = user.get("/v1/users/me").send().await.unwrap();
    let refused = problem(refused, StatusCode::UNAUTHORIZED).await;
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.contains("Sign in again"), "{detail}");
    assert_eq!(status_of(&other).await, StatusCode::OK);

    let again = eventually("a token of a later second", async || {
        let again = User::of(&tenant, "p", Role::Patient).await;
        (status_of(&again).await == StatusCode::OK).then_some(again)
    })
    .await;
    let refreshed = again.with_token(sign_again(&again.token, "auth_time"));
    assert_eq!(status_of(&refreshed).await, StatusCode::UNAUTHORIZED);
    let admin = User::of(&tenant, "a", Role::Admin).await;
    assert_eq!(acts_on(&admin, &id).await, ["sign_out_user"]);
}

#[tokio::test]
async fn an_admin_signs_people_of_their_tenant_out() {
    let tenant = new_tenant();
    let patient = User::of(&tenant, "p", Role::Patient).await;
    let clinician = User::of(&tenant, "c", Role::Clinician).await;
    let admin = User::of(&tenant, "a", Role::Admin).await;
    let stranger = User::of(&new_tenant(), "a", Role::Admin).await;
    let path = format!("/v1/users/{}/sign-out", patient.id().await);

    for refused in [&clinician, &User::of(&tenant, "q", Role::Patient).await] {
        let answer = refused.post(&path).send().await.unwrap();
        problem(answer, StatusCode::FORBIDDEN).await;
    }
    // Whether the id is known elsewhere, nobody learns.
    empty_answer(stranger.post(&path)).await;
    assert_eq!(status_of(&patient).await, StatusCode::OK);

    empty_answer(admin.post(&path)).await;
    assert_eq!(status_of(&patient).await, StatusCode::UNAUTHORIZED);
    for odd in ["a%20b", &"x".repeat(200)] {
        let answer = admin.post(&format!("/v1/users/{odd}/sign-out"));
        problem(answer.send().await.unwrap(), StatusCode::NOT_FOUND).await;
    }
}

/// With the token that they have: no answer of the role that they had is left, cached or not.
#[tokio::test]
async fn a_role_that_an_import_changes_counts_at_once() {
    let tenant = new_tenant();
    let admin = User::of(&tenant, "a", Role::Admin).await;
    let patient = User::of(&tenant, "p", Role::Patient).await;
    let clinician = User::of(&tenant, "c", Role::Clinician).await;
    let id = clinician.id().await;
    let accepted = patient.complain("a headache").await;
    let consultation = format!("/v1/consultations/{}", accepted["id"].as_str().unwrap());
    let new = change_role(&admin, &id, "clinician").await;
    assert_eq!((&new["imported"], &new["updated"]), (&json!(1), &json!(0)));
    for path in [&*consultation, "/v1/users"] {
        read(clinician.get(path).send().await.unwrap(), StatusCode::OK).await;
    }

    let demoted = change_role(&admin, &id, "patient").await;
    let expected = json!({ "imported": 0, "updated": 1, "skipped": [], "errors": [] });
    assert_eq!(demoted, expected);
    let me = clinician.get("/v1/users/me").send().await.unwrap();
    assert_eq!(read(me, StatusCode::OK).await["role"], "patient");
    let read_again = clinician.get(&consultation).send().await.unwrap();
    problem(read_again, StatusCode::NOT_FOUND).await;
    let list = clinician.get("/v1/users").send().await.unwrap();
    problem(list, StatusCode::FORBIDDEN).await;

    change_role(&admin, &id, "clinician").await;
    read(
        clinician.get(&consultation).send().await.unwrap(),
        StatusCode::OK,
    )
    .await;
    assert_eq!(acts_on(&admin, &id).await, ["change_role"; 3]);
}

#[tokio::test]
async fn an_import_updates_only_what_it_may() {
    let tenant = new_tenant();
    let admin = User::of(&tenant, "a", Role::Admin).await;
    let own = admin.id().await;
    let row = |id: &str, email: &str, role: &str| json!({ "id": id, "email": email, "name": "N", "role": role });
    let import = async |existing: &str, rows: &[Value]| {
        let body = json!({ "existing": existing, "users": rows });
        let import = admin.post("/v1/users/import").json(&body);
        read(import.send().await.unwrap(), StatusCode::OK).await
    };

    import(
        "skip",
        &[
            row("x", "x@e.example", "patient"),
            row("y", "y@e.example", "patient"),
        ],
    )
    .await;
    import("skip", &[row(&own, "a@e.example", "admin")]).await;
    let skipped = import("skip", &[row("x", "x2@e.example", "admin")]).await;
    assert_eq!(skipped["skipped"], json!([0]));

    let updated = import(
        "update",
        &[
            row("x", "X@e.example", "patient"),
            row("y", "x@e.example", "patient"), // another person's address
            row(&own, "a@e.example", "patient"), // nobody could give it back
            row("z", "z@e.example", "patient"),
            row("new", "X@E.example", "patient"),
        ],
    )
    .await;
    assert_eq!(
        (&updated["imported"], &updated["updated"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(updated["skipped"], json!([1, 4]));
    assert_eq!(updated["errors"][0]["index"], 2);
    assert_eq!(updated["errors"][0]["field"], "role");

    let x = admin.get("/v1/users/x").send().await.unwrap();
    assert_eq!(read(x, StatusCode::OK).await["email"], "X@e.example");
    let counts = "SELECT user_id FROM access_changes WHERE tenant_id = $1 ORDER BY user_id";
    let counts = sqlx::query_scalar(counts).bind(&tenant);
    let counts: Vec<String> = counts.fetch_all(&mut database().await).await.unwrap();
    assert_eq!(
        counts,
        ["x", "z"],
        "of whom a row was written, their role counts"
    );
}

/// Two admins who take each other's role at once: one of them stays.
#[tokio::test]
async fn admins_do_not_demote_each_other_at_once() {
    let tenant = new_tenant();
    let first = User::of(&tenant, "a", Role::Admin).await;
    let second = User::of(&tenant, "b", Role::Admin).await;
    let (first_id, second_id) = (first.id().await, second.id().await);
    let demote = async |admin: &User, id: &str| {
        let email = format!("{id}@x.example");
        let row = json!({ "id": id, "email": email, "name": "N", "role": "patient" });
        let body = json!({ "existing": "update", "users": [row] });
        let answer = admin.post("/v1/users/import").json(&body).send().await;
        answer.unwrap().status()
    };

    let (one, other) = tokio::join!(demote(&first, &second_id), demote(&second, &first_id));
    let mut statuses = [one.as_u16(), other.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 403]);
}

/// The schedule writes what Valkey has lost, and ends the connections of people who may no longer
/// follow what they follow.
#[tokio::test]
async fn a_change_outlives_valkey_and_ends_connections() {
    let tenant = new_tenant();
    let user = User::of(&tenant, "p", Role::Patient).await;
    let mut socket = Socket::open(&user).await;
    let pong = socket.ask(&json!({ "action": "ping" }), "pong").await;
    assert_eq!(pong["type"], "pong");
    let id = user.id().await;
    empty_answer(user.post("/v1/users/me/sign-out")).await;

    let url = STACK.env("VALKEY_URL").unwrap();
    let mut valkey = crate::support::valkey::raw(&url).await;
    let key = format!("wenzhen:access:{tenant}:{id}");
    let lost: i64 = redis::cmd("DEL")
        .arg(&key)
        .query_async(&mut valkey)
        .await
        .unwrap();
    assert_eq!(lost, 1);
    assert_eq!(status_of(&user).await, StatusCode::OK, "the copy is lost");

    eventually("the change is written again", async || {
        (status_of(&user).await == StatusCode::UNAUTHORIZED).then_some(())
    })
    .await;
    while let Some(frame) = socket.next().await {
        assert_ne!(frame["type"], "pong");
    }
    assert!(
        Socket::offer(&format!("wenzhen, {}", user.token), "")
            .await
            .is_err()
    );
}

/// Frames of a connection are refused as calls are.
#[tokio::test]
async fn a_connection_of_a_person_who_is_signed_out_takes_no_frame() {
    let user = User::new().await;
    let mut socket = Socket::open(&user).await;
    empty_answer(user.post("/v1/users/me/sign-out")).await;

    let refused = socket.ask(&json!({ "action": "ping" }), "error").await;
    assert_eq!(refused["status"], 401, "{refused}");
    assert!(socket.next().await.is_none(), "the connection is closed");
}
