//! Uploads over HTTP: the form, S3, what is verified, the CDN's links, and removal.

mod checks;
mod fairness;
mod parts;
mod pdf_texts;
mod pruning;
pub mod removal;
mod scanner;
mod signatures;

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, RgbImage};
use reqwest::{Response, StatusCode, Url};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use wenzhen::config::{DatabaseAuth, DatabaseSettings};
use wenzhen::postgres::Database;
use xtask::users::Role;

use crate::support::{STACK, User, eventually, new_tenant, problem, read};

/// A real PNG.
pub(super) fn picture() -> Vec<u8> {
    let pixels = RgbImage::from_fn(32, 16, |x, y| {
        image::Rgb([x, y, 7].map(|it| it.to_le_bytes()[0]))
    });
    let mut bytes = Cursor::new(Vec::new());
    let image = DynamicImage::ImageRgb8(pixels);
    image.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

async fn patient() -> User {
    User::of(&new_tenant(), "patient", Role::Patient).await
}

async fn ask(user: &User, body: &Value) -> Response {
    let request = user.post("/v1/uploads").json(body);
    request.send().await.unwrap()
}

pub(super) async fn accepted(user: &User, name: &str, content_type: &str, size: usize) -> Value {
    let body = json!({ "file_name": name, "content_type": content_type, "size": size });
    read(ask(user, &body).await, StatusCode::ACCEPTED).await
}

/// Sends a file as a browser's form does. Returns the status.
async fn send(form: &Value, bytes: &[u8]) -> StatusCode {
    const BOUNDARY: &str = "wenzhen-test-boundary";
    let mut body = Vec::new();
    for (name, value) in form["fields"].as_object().unwrap() {
        let value = value.as_str().unwrap();
        let part = format!(
            "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        );
        body.extend_from_slice(part.as_bytes());
    }
    let head = format!(
        "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"file\"; \
         filename=\"x\"\r\ncontent-type: application/octet-stream\r\n\r\n"
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(bytes);
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());

    let request = reqwest::Client::new().post(form["url"].as_str().unwrap());
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    let request = request.header("content-type", content_type).body(body);
    request.send().await.unwrap().status()
}

pub(super) async fn get(user: &User, id: &Value) -> Response {
    let path = format!("/v1/uploads/{}", id.as_str().unwrap());
    user.get(&path).send().await.unwrap()
}

/// The upload once it is no longer pending.
async fn looked_at(user: &User, id: &Value) -> Value {
    eventually("the upload is looked at", async || {
        let upload = read(get(user, id).await, StatusCode::OK).await;
        (upload["state"] != "pending").then_some(upload)
    })
    .await
}

/// A whole upload.
pub async fn upload(user: &User, name: &str, content_type: &str, bytes: &[u8]) -> Value {
    let accepted = accepted(user, name, content_type, bytes.len()).await;
    assert_eq!(send(&accepted["form"], bytes).await, StatusCode::CREATED);
    looked_at(user, &accepted["id"]).await
}

fn hash_of(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Follows a link of the CDN, which the emulator knows by its host.
async fn follow(link: &Value, range: Option<&str>) -> Response {
    let url: Url = link["url"].as_str().unwrap().parse().unwrap();
    assert_eq!(url.scheme(), "https");
    let host = url.host_str().unwrap().to_owned();
    let query = url.query().unwrap();
    let address = format!("{}{}?{query}", STACK.aws_endpoint(), url.path());

    let mut request = reqwest::Client::new().get(address).header("host", host);
    if let Some(range) = range {
        request = request.header("range", range);
    }
    request.send().await.unwrap()
}

/// What S3 says when it has an object.
fn arrival(bucket: &str, object: &str) -> Value {
    let object = json!({ "key": object, "size": 1, "eTag": "x", "sequencer": "0" });
    json!({ "Records": [{
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "eu-west-1",
        "eventTime": "2026-01-01T00:00:00.000Z", "eventName": "ObjectCreated:Post",
        "userIdentity": { "principalId": "x" }, "requestParameters": { "sourceIPAddress": "::1" },
        "responseElements": {}, "s3": {
            "s3SchemaVersion": "1.0", "configurationId": "x", "object": object,
            "bucket": { "name": bucket, "ownerIdentity": { "principalId": "x" }, "arn": "x" },
        },
    }] })
}

/// The objects of an upload, in all of a bucket.
async fn objects_in(bucket: &str, id: &str) -> Vec<String> {
    let client = wenzhen::aws::s3(&STACK.aws().await);
    let mut pages = client
        .list_objects_v2()
        .bucket(bucket)
        .into_paginator()
        .send();
    let mut objects = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        let keys = page.contents().iter().filter_map(|it| it.key());
        objects.extend(keys.filter(|key| key.contains(id)).map(str::to_owned));
    }
    objects
}

pub async fn objects_of(id: &Value) -> Vec<String> {
    let bucket = STACK.env("UPLOADS_BUCKET").unwrap();
    objects_in(&bucket, id.as_str().unwrap()).await
}

#[tokio::test]
async fn a_photo_is_sent_verified_and_delivered_to_its_owner() {
    let (user, bytes) = (patient().await, picture());
    let accepted = accepted(&user, "皮疹 照片.png", "image/png", bytes.len()).await;
    assert_eq!(accepted["file_name"], "皮疹_照片.png");
    let waiting = read(get(&user, &accepted["id"]).await, StatusCode::OK).await;
    assert_eq!(
        (&waiting["state"], &waiting["link"]),
        (&json!("pending"), &Value::Null)
    );

    assert_eq!(send(&accepted["form"], &bytes).await, StatusCode::CREATED);
    let ready = looked_at(&user, &accepted["id"]).await;
    assert_eq!(ready["state"], "ready", "{ready}");
    let answer = follow(&ready["link"], None).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let headers = answer.headers().clone();
    assert_eq!(headers["content-type"], "image/png");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert!(
        headers["cache-control"]
            .to_str()
            .unwrap()
            .starts_with("max-age=31536000, immutable")
    );
    assert!(
        headers["content-disposition"]
            .to_str()
            .unwrap()
            .starts_with("inline; filename*=")
    );
    let delivered = answer.bytes().await.unwrap();
    let kept = image::load_from_memory(&delivered).unwrap();
    assert_eq!(kept, image::load_from_memory(&bytes).unwrap());
    assert_eq!(ready["sha256"], hash_of(&delivered));

    let part = follow(&ready["link"], Some("bytes=0-7")).await;
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(&part.bytes().await.unwrap()[..], &delivered[..8]);
    let keys = objects_of(&accepted["id"]).await;
    assert!(
        keys.iter().all(|key| key.starts_with("uploads/")),
        "{keys:?}"
    );
}

#[tokio::test]
async fn what_is_not_what_it_says_is_rejected_and_gone() {
    let user = patient().await;
    let page = b"<html><script>alert(document.cookie)</script></html>";
    let broken = &picture()[..60];
    for (name, content_type, bytes, reason) in [
        ("page.png", "image/png", &page[..], "other_type"),
        ("page.txt", "text/plain", &page[..], "other_type"),
        ("photo.jpg", "image/jpeg", &picture()[..], "other_type"),
        ("broken.png", "image/png", broken, "unreadable_image"),
        (
            "gbk.txt",
            "text/plain",
            &[0xb0, 0xa1, 0xb0, 0xa1][..],
            "not_utf8",
        ),
    ] {
        let rejected = upload(&user, name, content_type, bytes).await;
        assert_eq!(rejected["state"], "rejected", "{name}");
        assert_eq!(rejected["reason"], reason, "{name}");
        assert_eq!(rejected["link"], Value::Null);
        eventually("its objects are gone", async || {
            objects_of(&rejected["id"]).await.is_empty().then_some(())
        })
        .await;
    }
}

/// S3 itself refuses what the form was not signed for.
#[tokio::test]
async fn a_form_takes_only_what_was_said() {
    let (user, bytes) = (patient().await, picture());
    let accepted = accepted(&user, "x.png", "image/png", bytes.len()).await;
    let form = &accepted["form"];

    let longer = [&bytes[..], b"x"].concat();
    assert!(send(form, &longer).await.is_client_error());
    assert!(send(form, &bytes[1..]).await.is_client_error());
    for (field, value) in [
        ("key", "uploads/other/x"),
        ("Content-Type", "text/html"),
        ("policy", "e30="),
    ] {
        let mut altered = form.clone();
        altered["fields"][field] = json!(value);
        assert!(send(&altered, &bytes).await.is_client_error(), "{field}");
    }
    let upload = read(get(&user, &accepted["id"]).await, StatusCode::OK).await;
    assert_eq!(upload["state"], "pending");
}

/// The form still works for a while: what is sent a second time replaces nothing.
#[tokio::test]
async fn a_second_file_under_the_same_form_replaces_nothing() {
    let (user, bytes) = (patient().await, picture());
    let accepted = accepted(&user, "x.png", "image/png", bytes.len()).await;
    send(&accepted["form"], &bytes).await;
    let ready = looked_at(&user, &accepted["id"]).await;

    let other = vec![b'x'; bytes.len()];
    assert_eq!(send(&accepted["form"], &other).await, StatusCode::CREATED);
    eventually("the second one is gone", async || {
        let keys = objects_of(&accepted["id"]).await;
        (keys.len() == 1 && keys[0].starts_with("uploads/")).then_some(())
    })
    .await;
    let after = looked_at(&user, &accepted["id"]).await;
    assert_eq!(after["sha256"], ready["sha256"]);
}

#[tokio::test]
async fn an_upload_is_its_owners_and_their_tenants() {
    let tenant = new_tenant();
    let owner = User::of(&tenant, "owner", Role::Patient).await;
    let ready = upload(&owner, "x.png", "image/png", &picture()).await;

    let other = User::of(&tenant, "other", Role::Patient).await;
    let stranger = User::of(&new_tenant(), "chief", Role::Admin).await;
    for user in [&other, &stranger] {
        problem(get(user, &ready["id"]).await, StatusCode::NOT_FOUND).await;
        let path = format!("/v1/uploads/{}", ready["id"].as_str().unwrap());
        let delete = user.delete(&path).send().await.unwrap();
        problem(delete, StatusCode::NOT_FOUND).await;
    }
    let clinician = User::of(&tenant, "clinician", Role::Clinician).await;
    read(get(&clinician, &ready["id"]).await, StatusCode::OK).await;
    let path = format!("/v1/uploads/{}", ready["id"].as_str().unwrap());
    let delete = clinician.delete(&path).send().await.unwrap();
    problem(delete, StatusCode::NOT_FOUND).await;
    let admin = User::of(&tenant, "chief", Role::Admin).await;
    let deleted = admin.delete(&path).send().await.unwrap();
    assert_eq!(deleted.status(), StatusCode::NO_CONTENT);
}

/// A text becomes a document of the knowledge base; what is no text does not.
#[tokio::test]
async fn an_uploaded_text_is_brought_in_as_a_document() {
    let tenant = new_tenant();
    let clinician = User::of(&tenant, "clinician", Role::Clinician).await;
    let text = "## What it may be\n\nGlowing elbows are harmless.\n";
    let ready = upload(&clinician, "elbows.txt", "text/plain", text.as_bytes()).await;
    let photo = upload(&clinician, "x.png", "image/png", &picture()).await;
    let document = |upload: &Value| {
        json!({
            "title": "Glowing elbows", "language": "en", "upload": upload,
            "source": { "title": "Our clinic", "url": "https://example.org/" },
        })
    };
    let bring = async |user: &User, upload: &Value| {
        let request = user.post("/v1/knowledge/documents").json(&document(upload));
        request.send().await.unwrap()
    };

    read(bring(&clinician, &ready["id"]).await, StatusCode::ACCEPTED).await;
    eventually("the document is found", async || {
        let found = clinician.get("/v1/knowledge/search?q=glowing%20elbows");
        let found = read(found.send().await.unwrap(), StatusCode::OK).await;
        let first = &found["items"][0];
        (first["title"] == "Glowing elbows").then_some(())
    })
    .await;

    let stranger = User::of(&new_tenant(), "clinician", Role::Clinician).await;
    let colleague = User::of(&tenant, "colleague", Role::Clinician).await;
    for (user, id) in [
        (&clinician, &photo["id"]),
        (&stranger, &ready["id"]),
        (&colleague, &ready["id"]),
    ] {
        let refused = bring(user, id).await;
        let refused = problem(refused, StatusCode::UNPROCESSABLE_ENTITY).await;
        assert_eq!(refused["errors"][0]["field"], "upload");
    }
    let neither = clinician
        .post("/v1/knowledge/documents")
        .json(&document(&Value::Null));
    let refused = neither.send().await.unwrap();
    problem(refused, StatusCode::UNPROCESSABLE_ENTITY).await;
}

#[tokio::test]
async fn wrong_requests_are_told_what_is_wrong_and_change_nothing() {
    let user = patient().await;
    let good = json!({ "file_name": "x.png", "content_type": "image/png", "size": 10 });
    for (field, value) in [
        ("content_type", json!("image/svg+xml")),
        ("content_type", json!("text/html")),
        ("size", json!(0)),
        ("size", json!(5_368_709_121_u64)),
        ("sha256", json!("nonsense")),
        ("file_name", json!("")),
        ("file_name", json!("x".repeat(301))),
    ] {
        let mut body = good.clone();
        body[field] = value.clone();
        let refused = problem(ask(&user, &body).await, StatusCode::UNPROCESSABLE_ENTITY).await;
        assert_eq!(refused["errors"][0]["field"], field, "{value}");
    }

    for _ in 0..20 {
        read(ask(&user, &good).await, StatusCode::ACCEPTED).await;
    }
    problem(ask(&user, &good).await, StatusCode::TOO_MANY_REQUESTS).await;
}

#[tokio::test]
async fn people_list_their_own_uploads_newest_first() {
    let tenant = new_tenant();
    let owner = User::of(&tenant, "owner", Role::Clinician).await;
    let other = User::of(&tenant, "other", Role::Patient).await;
    accepted(&other, "theirs.txt", "text/plain", 1).await;
    let mut own = Vec::new();
    for name in ["a.txt", "b.txt", "c.txt"] {
        own.push(accepted(&owner, name, "text/plain", 1).await["id"].clone());
    }
    own.reverse();

    let list = async |query: &str| {
        let request = owner.get(&format!("/v1/uploads?limit=2{query}"));
        read(request.send().await.unwrap(), StatusCode::OK).await
    };
    let ids = |page: &Value| {
        let items = page["items"].as_array().unwrap().iter();
        items.map(|item| item["id"].clone()).collect::<Vec<_>>()
    };
    let first = list("").await;
    assert_eq!(ids(&first), own[..2]);
    assert_eq!(first["items"][0]["file_name"], "c.txt");
    assert_eq!(first["items"][0]["state"], "pending");
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = list(&format!("&cursor={cursor}")).await;
    assert_eq!(ids(&second), own[2..]);
    assert_eq!(second["next_cursor"], Value::Null);

    let wrong = owner.get("/v1/uploads?cursor=nonsense").send().await;
    problem(wrong.unwrap(), StatusCode::UNPROCESSABLE_ENTITY).await;
}

/// Two files under one form, at once: one of them is kept, and delivered with its own checksum.
#[tokio::test]
async fn of_two_files_at_once_one_is_kept_as_it_was_verified() {
    let user = patient().await;
    let (one, other) = (vec![b'a'; 90_000], vec![b'b'; 90_000]);
    let accepted = accepted(&user, "x.txt", "text/plain", one.len()).await;
    let form = &accepted["form"];
    futures::join!(send(form, &one), send(form, &other));
    let ready = looked_at(&user, &accepted["id"]).await;

    let objects = eventually("the other one is gone", async || {
        let objects = objects_of(&accepted["id"]).await;
        (objects.len() == 1).then_some(objects)
    })
    .await;
    let delivered = follow(&ready["link"], None).await.bytes().await.unwrap();
    assert_eq!(ready["sha256"], hash_of(&delivered));
    assert!(
        objects[0].contains(&hash_of(&delivered)[..16]),
        "{objects:?}"
    );
}

async fn own_database_of_stack() -> Database {
    let settings = DatabaseSettings {
        url: STACK.env("DATABASE_URL").unwrap().parse().unwrap(),
        auth: DatabaseAuth::Url,
    };
    Database::new(&settings).await.unwrap()
}
