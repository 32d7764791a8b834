//! Every route and every kind of caller: docs/access.md has the statuses, this makes the calls.

use std::collections::BTreeSet;
use std::fs;

use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;
use xtask::users::Role;

use crate::support::tokens::sign_again;
use crate::support::{STACK, User, new_tenant, read};
use crate::template::deployed_routes;

/// One route's row: the statuses in the order of [`Callers`].
struct Row {
    method: String,
    path: String,
    statuses: Vec<u16>,
}

fn rows() -> Vec<Row> {
    let text = fs::read_to_string(STACK.root.join("docs/access.md")).unwrap();
    let lines = text.lines().filter(|line| line.starts_with("| `"));
    lines
        .map(|line| {
            let mut cells = line.trim_matches('|').split('|').map(str::trim);
            let route = cells.next().unwrap().split('`').nth(1).unwrap();
            let (method, path) = route.split_once(' ').unwrap();
            Row {
                method: method.to_owned(),
                path: path.to_owned(),
                statuses: cells.map(|cell| cell.parse().unwrap()).collect(),
            }
        })
        .collect()
}

#[test]
fn every_route_of_the_template_is_in_the_table() {
    let deployed = deployed_routes().into_iter();
    let deployed: BTreeSet<_> = deployed
        .map(|it| format!("{} {}", it.method, it.path))
        .collect();
    let listed = rows().into_iter();
    let listed: BTreeSet<_> = listed
        .map(|it| format!("{} {}", it.method, it.path))
        .collect();
    assert_eq!(listed, deployed);
}

/// A tenant with records, and everybody who may want to see them.
struct Records {
    owner: User,
    consultation: Value,
    document: Value,
    upload: Value,
    callers: [(&'static str, Option<User>); 9],
}

impl Records {
    async fn new() -> Self {
        let (tenant, foreign) = (new_tenant(), new_tenant());
        let owner = User::of(&tenant, "owner", Role::Patient).await;
        let admin = User::of(&tenant, "admin", Role::Admin).await;

        let consultation = owner.complain("a headache").await;
        owner.outcome(&consultation).await;
        let person = json!({
            "id": owner.id().await, "email": "o@example.com", "name": "O", "role": "patient",
        });
        let import = admin
            .post("/v1/users/import")
            .json(&json!({ "users": [person] }));
        read(import.send().await.unwrap(), StatusCode::OK).await;
        let document = admin.post("/v1/knowledge/documents").json(&new_document());
        let upload = owner.post("/v1/uploads").json(&new_upload());

        let expired = owner.with_token(sign_again(&owner.token, "exp iat auth_time"));
        Self {
            consultation,
            document: read(document.send().await.unwrap(), StatusCode::ACCEPTED).await,
            upload: read(upload.send().await.unwrap(), StatusCode::ACCEPTED).await,
            callers: [
                ("none", None),
                ("expired", Some(expired)),
                ("owner", Some(owner.with_token(owner.token.clone()))),
                (
                    "patient",
                    Some(User::of(&tenant, "other", Role::Patient).await),
                ),
                (
                    "clinician",
                    Some(User::of(&tenant, "doctor", Role::Clinician).await),
                ),
                ("admin", Some(admin)),
                (
                    "foreign patient",
                    Some(User::of(&foreign, "owner", Role::Patient).await),
                ),
                (
                    "foreign clinician",
                    Some(User::of(&foreign, "doctor", Role::Clinician).await),
                ),
                (
                    "foreign admin",
                    Some(User::of(&foreign, "admin", Role::Admin).await),
                ),
            ],
            owner,
        }
    }

    /// The path of the row's route, about these records.
    async fn path(&self, row: &Row) -> String {
        let id = match row.path.split('/').nth(2) {
            Some("consultations") => self.consultation["id"].clone(),
            Some("jobs") => self.consultation["job_id"].clone(),
            Some("users") => json!(self.owner.id().await),
            Some("knowledge") => self.document["id"].clone(),
            Some("uploads") => self.upload["id"].clone(),
            _ => Value::Null,
        };
        let path = row.path.replace("{id}", id.as_str().unwrap_or_default());
        match row.path.as_str() {
            "/v1/knowledge/search" => format!("{path}?q=headache"),
            _ => path,
        }
    }

    fn body(&self, row: &Row) -> Option<Value> {
        let body = match row.path.as_str() {
            _ if row.method != "POST" => return None,
            "/v1/consultations" => json!({ "symptoms": "a headache" }),
            "/v1/consultations/{id}/answers" => {
                let code = self.consultation["questions"][0]["code"].as_str().unwrap();
                json!({ "answers": { code: "no" } })
            }
            "/v1/consultations/{id}/review" => json!({ "reviewed": true }),
            "/v1/consultations/{id}/messages" => json!({ "text": "it is the same" }),
            "/v1/knowledge/documents" => new_document(),
            "/v1/uploads" => new_upload(),
            "/v1/users/import" => json!({ "users": [
                { "id": "new", "email": "n@example.com", "name": "N", "role": "patient" },
            ] }),
            "/v1/chat/completions" => json!({
                "model": "default", "messages": [{ "role": "user", "content": "hello" }],
            }),
            _ => return None,
        };
        Some(body)
    }

    /// What the caller with this number is answered. Nothing of the owner's is in an answer to
    /// people who may not see it.
    async fn status(&self, row: &Row, caller: usize) -> u16 {
        let mut request = self.owner.request(&row.method, &self.path(row).await);
        if let Some(caller) = &self.callers[caller].1 {
            request = request.bearer_auth(&caller.token);
        }
        if let Some(body) = self.body(row) {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap_or_default();
        if self.is_stranger(caller) {
            for own in [
                &self.consultation["id"],
                &self.upload["id"],
                &self.document["id"],
            ] {
                let id = own.as_str().unwrap();
                let is_told = text.contains(id) && !text.contains("\"instance\"");
                assert!(!is_told, "{} {}: {text}", row.method, row.path);
            }
        }
        status
    }

    fn is_stranger(&self, caller: usize) -> bool {
        self.callers[caller].0.starts_with("foreign")
    }
}

fn new_document() -> Value {
    let title = format!("Headaches {}", Uuid::new_v4());
    json!({
        "language": "en", "title": title, "content": "Rest.",
        "source": { "title": "Us", "url": "https://example.com/" },
    })
}

fn new_upload() -> Value {
    json!({ "file_name": "x.txt", "content_type": "text/plain", "size": 1 })
}

/// Whether a call of the row takes its record away, or changes what the next one gets.
fn changes_its_record(row: &Row) -> bool {
    let changes_by_post = row.path.ends_with("/messages") || row.path.ends_with("/sign-out");
    row.method == "DELETE" || row.method == "POST" && changes_by_post
}

#[tokio::test]
async fn every_caller_gets_what_the_table_says() {
    let shared = Records::new().await;
    let mut wrong = Vec::new();
    for row in rows() {
        assert_eq!(row.statuses.len(), shared.callers.len(), "{}", row.path);
        for (caller, expected) in row.statuses.iter().enumerate() {
            let own;
            let records = if changes_its_record(&row) && *expected < 300 {
                own = Records::new().await;
                &own
            } else {
                &shared
            };
            let status = records.status(&row, caller).await;
            if status != *expected {
                let name = shared.callers[caller].0;
                wrong.push(format!(
                    "{} {} for {name}: {status} and not {expected}",
                    row.method, row.path
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// An expired token is refused for its age alone: before that it was good.
#[tokio::test]
async fn the_expired_token_is_signed_right() {
    let user = User::new().await;
    let expired = sign_again(&user.token, "exp iat auth_time");
    let parts = |token: &str| token.split('.').map(str::len).collect::<Vec<_>>();
    assert_eq!(parts(&expired)[2], parts(&user.token)[2]);
    let refused = user.with_token(expired).get("/v1/users/me").send().await;
    assert_eq!(refused.unwrap().status(), StatusCode::UNAUTHORIZED);
}
