//! Every route and every kind of caller: docs/access.md has the statuses, this makes the calls.

use std::collections::BTreeSet;
use std::fs;

use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;
use xtask::users::Role;

use crate::realtime::connecting::answer_to;
use crate::support::socket::Socket;
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

/// The rows of the WebSocket API: opening a connection, and each action.
const SOCKET: &str = "WS";

#[test]
fn every_route_of_the_template_is_in_the_table() {
    let deployed = deployed_routes().into_iter();
    let deployed: BTreeSet<_> = deployed
        .map(|it| format!("{} {}", it.method, it.path))
        .collect();
    let (of_socket, listed): (Vec<_>, Vec<_>) =
        rows().into_iter().partition(|it| it.method == SOCKET);
    let listed: BTreeSet<_> = listed
        .iter()
        .map(|it| format!("{} {}", it.method, it.path))
        .collect();
    assert_eq!(listed, deployed);
    let of_socket: Vec<_> = of_socket.iter().map(|it| it.path.as_str()).collect();
    assert_eq!(of_socket, ["connect", "subscribe", "unsubscribe", "ping"]);
}

/// A tenant with records, and everybody who may want to see them.
struct Records {
    owner: User,
    consultation: Value,
    document: Value,
    upload: Value,
    /// A word that only the owner's records have.
    secret: String,
    callers: [(&'static str, Option<User>); 9],
}

impl Records {
    async fn new() -> Self {
        let (tenant, foreign) = (new_tenant(), new_tenant());
        let owner = User::of(&tenant, "owner", Role::Patient).await;
        let admin = User::of(&tenant, "admin", Role::Admin).await;

        let secret = Uuid::new_v4().simple().to_string();
        let consultation = owner.complain(&format!("a headache {secret}")).await;
        owner.outcome(&consultation).await;
        let person = json!({
            "id": owner.id().await, "email": "o@example.com", "name": "O", "role": "patient",
        });
        let import = admin
            .post("/v1/users/import")
            .json(&json!({ "users": [person] }));
        read(import.send().await.unwrap(), StatusCode::OK).await;
        let document = admin.post("/v1/knowledge/documents").json(&new_document());
        let name = format!("{secret}.txt");
        let upload = json!({ "file_name": name, "content_type": "text/plain", "size": 1 });
        let upload = owner.post("/v1/uploads").json(&upload);

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
            secret,
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
        self.check_that_nothing_leaks(row, caller, &text);
        status
    }

    /// Errors, too, repeat neither an id nor a word of records that the caller may not see.
    fn check_that_nothing_leaks(&self, row: &Row, caller: usize, text: &str) {
        let id = |record: &Value| record["id"].as_str().unwrap().to_owned();
        let (name, own) = (
            self.callers[caller].0,
            [
                id(&self.consultation),
                id(&self.upload),
                self.consultation["job_id"].as_str().unwrap().to_owned(),
                self.secret.clone(),
            ],
        );
        let is_foreign = name.starts_with("foreign");
        if is_foreign || ["none", "expired", "patient"].contains(&name) {
            for word in &own {
                assert!(!text.contains(word), "{} {}: {text}", row.method, row.path);
            }
        }
        // Documents are the whole tenant's.
        let document = id(&self.document);
        assert!(
            !is_foreign || !text.contains(&document),
            "{}: {text}",
            row.path
        );
    }

    /// The same on the WebSocket. Who is let in by no connection sends no frame.
    async fn socket_status(&self, row: &Row, caller: usize) -> u16 {
        let user = &self.callers[caller].1;
        let token = user.as_ref().map(|user| user.token.as_str());
        let offer = token.map_or_else(String::new, |token| format!("wenzhen, {token}"));
        let opened = answer_to(&offer, &format!("{}-{caller}", self.secret)).await;
        if row.path == "connect" || opened["statusCode"] != 200 {
            return u16::try_from(opened["statusCode"].as_u64().unwrap()).unwrap();
        }

        let mut frame = json!({ "action": row.path });
        if row.path != "ping" {
            frame["consultation_id"] = self.consultation["id"].clone();
        }
        let mut socket = Socket::open(user.as_ref().unwrap()).await;
        socket.send(&frame).await;
        let answer = socket.next().await.expect("an answer");
        socket.close().await;
        if answer["type"] == "error" {
            self.check_that_nothing_leaks(row, caller, &answer.to_string());
            return u16::try_from(answer["status"].as_u64().unwrap()).unwrap();
        }
        let expected = match row.path.as_str() {
            "subscribe" => "subscribed",
            "unsubscribe" => "unsubscribed",
            _ => "pong",
        };
        assert_eq!(answer["type"], expected, "{answer}");
        200
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
            let status = if row.method == SOCKET {
                records.socket_status(&row, caller).await
            } else {
                records.status(&row, caller).await
            };
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
