//! The removal of uploads' files, and of what the CDN has cached of them.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::response::{IntoResponse, Response};
use reqwest::{StatusCode, Url};
use uuid::Uuid;
use wenzhen::deadline::Deadline;
use wenzhen::lambda::Schedule;
use wenzhen::uploads::{Invalidations, UploadBucket};
use wenzhen_functions::RemoveObjects;

use super::{get, objects_in, objects_of, patient, picture, upload};
use crate::jobs::database_at;
use crate::support::aws_proxy::{AwsProxy, Mode};
use crate::support::own_database::OwnDatabase;
use crate::support::{STACK, database, eventually, new_tenant, own_database, problem};

/// All paths that the stack's CDN was told to forget.
pub async fn invalidated_paths() -> BTreeSet<String> {
    let client = aws_sdk_cloudfront::Client::new(&STACK.aws().await);
    let distributions = client.list_distributions().send().await.unwrap();
    let distributions = distributions.distribution_list.unwrap().items.unwrap();
    let mut paths = BTreeSet::new();
    for distribution in distributions {
        let list = client
            .list_invalidations()
            .distribution_id(&distribution.id);
        let listed = list.send().await.unwrap().invalidation_list.unwrap();
        for summary in listed.items.unwrap_or_default() {
            let get = client.get_invalidation().distribution_id(&distribution.id);
            let found = get.id(summary.id).send().await.unwrap();
            let batch = found.invalidation.unwrap().invalidation_batch.unwrap();
            paths.extend(batch.paths.unwrap().items.unwrap_or_default());
        }
    }
    paths
}

/// A call of CloudFront: the caller's reference, and the paths.
type Invalidation = (String, Vec<String>);

/// CloudFront, which has as many invalidations as it takes for the first `refusals` calls. It keeps
/// all calls.
struct CloudFront {
    url: String,
    calls: Arc<Mutex<Vec<Invalidation>>>,
}

impl CloudFront {
    async fn start(refusals: usize) -> Self {
        let calls: Arc<Mutex<Vec<Invalidation>>> = Arc::default();
        let kept = Arc::clone(&calls);
        let answer = move |body: String| {
            let mut calls = kept.lock().unwrap();
            calls.push((
                texts_of(&body, "CallerReference").remove(0),
                texts_of(&body, "Path"),
            ));
            let is_refused = calls.len() <= refusals;
            std::future::ready(if is_refused { too_many() } else { taken() })
        };
        let router = Router::new().fallback(answer);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, calls }
    }

    fn calls(&self) -> Vec<Invalidation> {
        self.calls.lock().unwrap().clone()
    }
}

/// The texts of all elements of this name.
fn texts_of(xml: &str, name: &str) -> Vec<String> {
    let (start, end) = (format!("<{name}>"), format!("</{name}>"));
    let parts = xml.split(&start).skip(1);
    parts
        .map(|part| part.split(&end).next().unwrap().to_owned())
        .collect()
}

/// As CloudFront answers it ("CreateInvalidation", Amazon CloudFront API reference).
fn too_many() -> Response {
    let body = "<ErrorResponse xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\"><Error>\
                <Type>Sender</Type><Code>TooManyInvalidationsInProgress</Code>\
                <Message>too many</Message></Error><RequestId>1</RequestId></ErrorResponse>";
    (StatusCode::BAD_REQUEST, body).into_response()
}

fn taken() -> Response {
    let body = "<Invalidation xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\">\
                <Id>I1</Id><Status>InProgress</Status>\
                <CreateTime>2026-01-01T00:00:00Z</CreateTime><InvalidationBatch>\
                <Paths><Quantity>0</Quantity></Paths><CallerReference>x</CallerReference>\
                </InvalidationBatch></Invalidation>";
    (StatusCode::CREATED, body).into_response()
}

/// Uploads that are gone, in a database that the deployed schedule does not see, with their files.
struct Gone {
    database: OwnDatabase,
    tenant: String,
    ids: Vec<Uuid>,
}

impl Gone {
    async fn new(count: usize) -> Self {
        let (tenant, mut database) = (new_tenant(), own_database().await);
        let ids: Vec<_> = (0..count).map(|_| Uuid::now_v7()).collect();
        for id in &ids {
            let object = format!("uploads/{tenant}/{id}/0/x.png");
            let put = wenzhen::aws::s3(&STACK.aws().await).put_object();
            let put = put.bucket(bucket_name()).key(&object);
            put.body(picture().into()).send().await.unwrap();
            let note = "INSERT INTO removed_uploads (tenant_id, upload_id, served_object)
                        VALUES ($1, $2, $3)";
            let note = sqlx::query(note).bind(&tenant).bind(id).bind(object);
            note.execute(&mut database.connection).await.unwrap();
        }
        Self {
            database,
            tenant,
            ids,
        }
    }

    async fn schedule(&self, s3_url: &str, cdn_url: &str) -> RemoveObjects {
        let at = async |url: &str| STACK.aws().await.into_builder().endpoint_url(url).build();
        RemoveObjects {
            database: database_at(&self.database.url).await,
            bucket: UploadBucket::new(&at(s3_url).await, bucket_name()),
            cdn: Some(Invalidations::new(&at(cdn_url).await, "E1".to_owned())),
        }
    }

    /// What is left to do for each upload: for the second time, or with what the CDN has cached.
    async fn rows(&mut self) -> HashMap<Uuid, (bool, bool)> {
        let sql = "SELECT upload_id, is_second, served_object IS NOT NULL FROM removed_uploads";
        let rows: Vec<(Uuid, bool, bool)> = sqlx::query_as(sql)
            .fetch_all(&mut self.database.connection)
            .await
            .unwrap();
        rows.into_iter()
            .map(|(id, is_second, is_served)| (id, (is_second, is_served)))
            .collect()
    }

    /// The uploads in no batch whose files are to be removed for the first time: their tries, and
    /// whether they are due.
    async fn waiting(&mut self) -> Vec<(Uuid, i32, bool)> {
        let sql = "SELECT upload_id, tries, due_at <= now() FROM removed_uploads
                   WHERE NOT is_second AND batch IS NULL";
        sqlx::query_as(sql)
            .fetch_all(&mut self.database.connection)
            .await
            .unwrap()
    }

    /// Lets what is to be done again be due, as time would.
    async fn wait_out(&mut self) {
        sqlx::query("UPDATE removed_uploads SET due_at = now() WHERE NOT is_second")
            .execute(&mut self.database.connection)
            .await
            .unwrap();
    }

    fn path(&self, id: Uuid) -> String {
        format!("/uploads/{}/{id}/0/x.png", self.tenant)
    }

    async fn objects(&self, id: Uuid) -> usize {
        objects_in(&bucket_name(), &id.to_string()).await.len()
    }
}

fn bucket_name() -> String {
    STACK.env("UPLOADS_BUCKET").unwrap()
}

async fn run(schedule: &RemoveObjects) -> usize {
    let ran = schedule.run(Deadline::after(Duration::from_mins(1))).await;
    ran.unwrap().uploads
}

#[tokio::test]
async fn a_removed_upload_leaves_no_file_and_its_paths_are_invalidated() {
    let user = patient().await;
    let ready = upload(&user, "x.png", "image/png", &picture()).await;
    let path = format!("/v1/uploads/{}", ready["id"].as_str().unwrap());
    let deleted = user.delete(&path).send().await.unwrap();
    assert_eq!(deleted.status(), StatusCode::NO_CONTENT);

    problem(get(&user, &ready["id"]).await, StatusCode::NOT_FOUND).await;
    eventually("its file is gone", async || {
        objects_of(&ready["id"]).await.is_empty().then_some(())
    })
    .await;
    let id: Uuid = ready["id"].as_str().unwrap().parse().unwrap();
    eventually("the schedule has done its part", async || {
        let left = "SELECT count(*) FROM removed_uploads WHERE upload_id = $1 AND NOT is_second";
        let left: i64 = sqlx::query_scalar(left)
            .bind(id)
            .fetch_one(&mut database().await)
            .await
            .unwrap();
        (left == 0).then_some(())
    })
    .await;
    let link: Url = ready["link"]["url"].as_str().unwrap().parse().unwrap();
    let invalidated = invalidated_paths().await;
    assert!(invalidated.contains(link.path()), "{invalidated:?}");
}

/// A throttled invalidation is made again under the same name: CloudFront takes it for the same.
#[tokio::test]
async fn a_throttled_invalidation_is_made_again_as_the_same() {
    let mut gone = Gone::new(2).await;
    let cdn = CloudFront::start(1).await;
    let schedule = gone.schedule(&STACK.aws_endpoint(), &cdn.url).await;

    assert_eq!(run(&schedule).await, 0);
    let waiting = gone.rows().await;
    assert!(waiting.values().all(|row| *row == (false, true)));
    gone.wait_out().await;
    assert_eq!(run(&schedule).await, 2);

    let calls = cdn.calls();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0], calls[1]);
    let mut paths = gone.ids.iter().map(|id| gone.path(*id)).collect::<Vec<_>>();
    paths.sort();
    assert_eq!(calls[0].1, paths);
    let done = gone.rows().await;
    assert!(done.values().all(|row| *row == (true, false)));
    gone.database.remove().await;
}

/// One file that cannot be removed holds up neither the others nor what the CDN is told. The CDN
/// hears of it once it is gone, however many tries that takes: each time would cost.
#[tokio::test]
async fn a_file_that_cannot_be_removed_holds_up_no_other() {
    let mut gone = Gone::new(3).await;
    let stuck = gone.ids[0];
    let proxy = AwsProxy::start(Mode::FailAbout(stuck)).await;
    let cdn = CloudFront::start(0).await;
    let schedule = gone.schedule(&proxy.url, &cdn.url).await;

    assert_eq!(run(&schedule).await, 2);
    assert!(proxy.refused() > 0);
    let rows = gone.rows().await;
    for id in &gone.ids {
        let is_stuck = *id == stuck;
        assert_eq!(rows[id], (!is_stuck, is_stuck));
        assert_eq!(gone.objects(*id).await, usize::from(is_stuck));
    }
    for tries in 1..4 {
        assert_eq!(gone.waiting().await, [(stuck, tries, false)]);
        gone.wait_out().await;
        assert_eq!(run(&schedule).await, 0);
    }
    let calls = cdn.calls();
    assert_eq!(calls.len(), 1);
    let mut paths = gone.ids[1..].iter().map(|id| gone.path(*id));
    assert_eq!(calls[0].1.len(), 2);
    assert!(paths.all(|path| calls[0].1.contains(&path)));

    proxy.set(Mode::Pass);
    gone.wait_out().await;
    assert_eq!(run(&schedule).await, 1);
    assert_eq!(gone.objects(stuck).await, 0);
    assert_eq!(gone.rows().await[&stuck], (true, false));
    let calls = cdn.calls();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[1].1, [gone.path(stuck)]);
    assert_ne!(calls[1].0, calls[0].0);
    gone.database.remove().await;
}

/// Each try of an upload is further from the last one than that was, up to six hours.
#[tokio::test]
async fn the_wait_for_a_further_try_grows_up_to_a_limit() {
    let mut gone = Gone::new(1).await;
    let proxy = AwsProxy::start(Mode::FailAbout(gone.ids[0])).await;
    let cdn = CloudFront::start(0).await;
    let schedule = gone.schedule(&proxy.url, &cdn.url).await;

    let mut waits = Vec::new();
    for tries in [0, 1, 7, 8, 1_000] {
        let set = "UPDATE removed_uploads SET tries = $1, due_at = now()";
        let set = sqlx::query(set).bind(tries);
        set.execute(&mut gone.database.connection).await.unwrap();
        assert_eq!(run(&schedule).await, 0);
        let minutes = "SELECT ceil(extract(epoch FROM due_at - now()) / 120)::int8 * 2
                       FROM removed_uploads WHERE tries = $1 + 1";
        let minutes: i64 = sqlx::query_scalar(minutes)
            .bind(tries)
            .fetch_one(&mut gone.database.connection)
            .await
            .unwrap();
        waits.push(minutes);
    }
    assert_eq!(waits, [2, 4, 256, 360, 360]);
    assert!(cdn.calls().is_empty());
    gone.database.remove().await;
}

/// CloudFront takes a name for one set of paths: what is left of a batch has another one.
#[tokio::test]
async fn a_batch_that_an_upload_leaves_has_another_name() {
    let mut gone = Gone::new(2).await;
    let (stuck, other) = (gone.ids[0], gone.ids[1]);
    let proxy = AwsProxy::start(Mode::Pass).await;
    let cdn = CloudFront::start(1).await;
    let schedule = gone.schedule(&proxy.url, &cdn.url).await;

    assert_eq!(run(&schedule).await, 0);
    proxy.set(Mode::FailAbout(stuck));
    gone.wait_out().await;
    assert_eq!(run(&schedule).await, 1);

    let calls = cdn.calls();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0].1.len(), 2);
    assert_eq!(calls[1].1, [gone.path(other)]);
    assert_ne!(calls[1].0, calls[0].0);
    gone.database.remove().await;
}

/// S3 hangs, and the time is over before all files have had theirs: what was not reached is due at
/// once, and has had no try.
#[tokio::test]
async fn files_that_hang_postpone_none_that_was_not_reached() {
    let mut gone = Gone::new(3).await;
    let proxy = AwsProxy::start(Mode::Hold).await;
    let cdn = CloudFront::start(0).await;
    let schedule = gone.schedule(&proxy.url, &cdn.url).await;

    // Enough for a batch to begin, and for two uploads of it.
    let short = Deadline::after(Duration::from_secs(36));
    assert_eq!(schedule.run(short).await.unwrap().uploads, 0);
    let waiting = gone.waiting().await;
    assert_eq!(waiting.len(), 3);
    let failed = waiting.iter().filter(|row| (row.1, row.2) == (1, false));
    let unreached = waiting.iter().filter(|row| (row.1, row.2) == (0, true));
    let (failed, unreached) = (failed.count(), unreached.count());
    assert!(failed > 0 && unreached > 0, "{waiting:?}");
    assert_eq!(failed + unreached, 3, "{waiting:?}");
    assert!(cdn.calls().is_empty());

    proxy.set(Mode::Pass);
    assert_eq!(run(&schedule).await, unreached);
    assert_eq!(gone.waiting().await.len(), failed);
    gone.database.remove().await;
}

/// A batch that was begun is done under its name, and once more after a while.
#[tokio::test]
async fn removal_does_a_broken_off_batch_again() {
    let mut gone = Gone::new(2).await;
    let batch = Uuid::now_v7();
    let begin = "UPDATE removed_uploads SET batch = $1 WHERE upload_id = $2";
    let begin = sqlx::query(begin).bind(batch).bind(gone.ids[0]);
    begin.execute(&mut gone.database.connection).await.unwrap();
    let cdn = CloudFront::start(0).await;
    let schedule = gone.schedule(&STACK.aws_endpoint(), &cdn.url).await;

    assert_eq!(run(&schedule).await, 2);
    let calls = cdn.calls();
    assert_eq!(calls[0], (batch.to_string(), vec![gone.path(gone.ids[0])]));
    assert_eq!(calls[1].1, [gone.path(gone.ids[1])]);
    let second = gone.rows().await;
    assert!(second.values().all(|row| *row == (true, false)));

    assert_eq!(run(&schedule).await, 0, "not yet");
    sqlx::query("UPDATE removed_uploads SET due_at = now()")
        .execute(&mut gone.database.connection)
        .await
        .unwrap();
    assert_eq!(run(&schedule).await, 2);
    assert!(gone.rows().await.is_empty());
    assert_eq!(cdn.calls().len(), 2, "the CDN has heard of them");
    gone.database.remove().await;
}
