//! Jobs a second through the worker with an instant provider, and what one job costs in SQL statements and AWS calls.
//! `cargo xtask bench` runs it.
//!
//! The worker's code runs in this process, against a real PostgreSQL and the AWS emulator, which is the slowest part: batches of
//! ten and of one alternate in one run, and only their ratio and the counts mean anything. Messages are really received, so that
//! every call that the worker makes about them is made.
#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads where its stack is, and serves its counters"
)]
#![expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use futures::future::join_all;
use scripted_provider::Provider;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wenzhen::ai::Chains;
use wenzhen::aws::Secrets;
use wenzhen::cache::Cache;
use wenzhen::config::{DatabaseAuth, DatabaseSettings, Models, Tiers};
use wenzhen::consultations::NewConsultation;
use wenzhen::consultations::store::{Created, create};
use wenzhen::consultations::transcript::Transcripts;
use wenzhen::deadline::Deadline;
use wenzhen::identity::{Caller, Role, TenantId, UserId};
use wenzhen::jobs::JobMessage;
use wenzhen::jobs::queue::Queue;
use wenzhen::postgres::Database;
use wenzhen::reports::Bucket;
use wenzhen::triage;
use wenzhen_functions::Worker;
use xtask::stack::Stack;

/// Jobs of one measurement.
const JOBS: usize = 400;

/// Environments that work at the same time.
const ENVIRONMENTS: usize = 4;

/// Batches of ten and of one, in turn.
const ROUNDS: usize = 3;

/// What went through the counters.
#[derive(Default)]
struct Counts {
    statements: AtomicUsize,
    calls: Mutex<BTreeMap<String, usize>>,
}

/// PostgreSQL behind a counter of the statements that clients execute.
async fn counted_postgres(target: String, counts: Arc<Counts>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&target).await.unwrap();
            let (mut from_client, mut to_client) = client.into_split();
            let (mut from_server, mut to_server) = server.into_split();
            let counts = Arc::clone(&counts);
            tokio::spawn(
                async move { drop(tokio::io::copy(&mut from_server, &mut to_client).await) },
            );
            tokio::spawn(async move {
                let mut is_first = true; // the start-up message has no type
                loop {
                    let mut head = [0; 5];
                    let head = if is_first {
                        &mut head[1..]
                    } else {
                        &mut head[..]
                    };
                    if from_client.read_exact(head).await.is_err() {
                        return;
                    }
                    let length = u32::from_be_bytes(head[head.len() - 4..].try_into().unwrap());
                    let mut body = vec![0; length as usize - 4];
                    from_client.read_exact(&mut body).await.unwrap();
                    if !is_first && matches!(head[0], b'E' | b'Q') {
                        counts.statements.fetch_add(1, Ordering::Relaxed);
                    }
                    // Neither has the question for TLS, which may come before it ("Message formats", PostgreSQL manual).
                    is_first = is_first && body.starts_with(&80_877_103_u32.to_be_bytes());
                    to_server.write_all(head).await.unwrap();
                    to_server.write_all(&body).await.unwrap();
                }
            });
        }
    });
    port
}

/// The emulator behind a counter of calls by their names.
async fn counted_aws(target: String, counts: Arc<Counts>) -> String {
    let client = reqwest::Client::new();
    let answer = move |headers: HeaderMap, body: Bytes| {
        let (client, target, counts) = (client.clone(), target.clone(), Arc::clone(&counts));
        async move {
            let name = headers
                .get("x-amz-target")
                .and_then(|name| name.to_str().ok())
                .unwrap_or("another call");
            *counts
                .calls
                .lock()
                .unwrap()
                .entry(name.to_owned())
                .or_default() += 1;
            let mut request = client.post(target).body(body);
            for (name, value) in headers
                .iter()
                .filter(|(name, _)| !["host", "content-length"].contains(&name.as_str()))
            {
                request = request.header(name, value);
            }
            let answer = request.send().await.unwrap();
            (answer.status(), answer.bytes().await.unwrap()).into_response()
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    url
}

/// The stack of services that `cargo xtask bench` has brought up.
struct Bench {
    stack: Stack,
    aws: SdkConfig,
    client: aws_sdk_sqs::Client,
    queue_url: String,
    counts: Arc<Counts>,
    postgres: u16,
    counted_aws: SdkConfig,
    provider: Provider,
}

impl Bench {
    async fn new() -> Self {
        let env_file = std::env::var("WENZHEN_STACK_ENV").expect("run `cargo xtask bench`");
        let stack = Stack::running(&PathBuf::from(env_file)).unwrap();
        let aws = stack.aws().await;
        let client = aws_sdk_sqs::Client::new(&aws);
        let queue_url = client
            .create_queue()
            .queue_name("bench")
            .send()
            .await
            .unwrap()
            .queue_url
            .unwrap();
        let counts = Arc::new(Counts::default());
        let postgres = counted_postgres(
            format!("127.0.0.1:{}", stack.ports.postgres),
            Arc::clone(&counts),
        )
        .await;
        let url = counted_aws(stack.aws_endpoint(), Arc::clone(&counts)).await;
        let counted_aws = aws.clone().into_builder().endpoint_url(url).build();
        Self {
            stack,
            aws,
            client,
            queue_url,
            counts,
            postgres,
            counted_aws,
            provider: Provider::anywhere(),
        }
    }

    async fn environment(&self) -> App {
        let mut url: reqwest::Url = self.stack.env("DATABASE_URL").unwrap().parse().unwrap();
        url.set_port(Some(self.postgres)).unwrap();
        let tier = json!([{ "name": "instant", "base_url": self.provider.url(), "model": "json" }])
            .to_string();
        let models = Models::new(Tiers::parse(&tier).unwrap(), None).unwrap();
        let aws = &self.counted_aws;
        App {
            database: Database::new(&DatabaseSettings {
                url,
                auth: DatabaseAuth::Url,
            })
            .await
            .unwrap(),
            queue: Queue::new(aws, self.queue_url.clone()),
            dead_letters: Queue::new(aws, self.queue_url.clone()),
            transcripts: Transcripts::new(aws, self.stack.env("TRANSCRIPTS_TABLE").unwrap()),
            chains: Chains::new(&models, None, &Arc::new(Secrets::new(aws))).unwrap(),
            reports: Bucket::new(aws, self.stack.env("REPORTS_BUCKET").unwrap()),
            cache: Cache::new(None),
        }
    }

    /// Makes the jobs of one measurement, and sends them.
    async fn send_jobs(&self) {
        let settings = DatabaseSettings {
            url: self.stack.env("DATABASE_URL").unwrap().parse().unwrap(),
            auth: DatabaseAuth::Url,
        };
        let database = Database::new(&settings).await.unwrap();
        let queue = Queue::new(&self.aws, self.queue_url.clone());
        let caller = Caller {
            tenant: TenantId::try_from("bench".to_owned()).unwrap(),
            user: UserId::try_from("bench".to_owned()).unwrap(),
            role: Role::Patient,
        };
        let request: NewConsultation =
            serde_json::from_value(json!({ "symptoms": "a cough" })).unwrap();
        let verdict = triage::assess(&request.complaint());
        let mut messages: Vec<JobMessage> = Vec::new();
        for _ in 0..JOBS {
            let created = database
                .run(async |connection| create(connection, &caller, None, &request, &verdict).await)
                .await;
            let Created::New { message, .. } = created.unwrap() else {
                panic!("all are new")
            };
            messages.push(message);
        }
        for batch in messages.chunks(10) {
            assert!(
                queue
                    .send_batch(batch)
                    .await
                    .unwrap()
                    .iter()
                    .all(|is_taken| *is_taken)
            );
        }
    }

    /// One environment's work, until the queue is empty: jobs done, and the time in its handler.
    async fn work(&self, app: &App, batch: i32) -> (usize, Duration) {
        let (mut done, mut busy) = (0, Duration::ZERO);
        loop {
            let receive = self
                .client
                .receive_message()
                .queue_url(&self.queue_url)
                .max_number_of_messages(batch);
            let received = receive
                .visibility_timeout(600)
                .send()
                .await
                .unwrap()
                .messages
                .unwrap_or_default();
            if received.is_empty() {
                return (done, busy);
            }
            let records: Vec<_> = received
                .iter()
                .map(
                    |one| json!({ "messageId": one.message_id, "receiptHandle": one.receipt_handle, "body": one.body }),
                )
                .collect();
            let event = serde_json::from_value(json!({ "Records": records })).unwrap();
            let started = Instant::now();
            let response =
                worker::handle(app, event, Deadline::after(Duration::from_mins(5))).await;
            busy += started.elapsed();
            assert!(response.batch_item_failures.is_empty());
            done += received.len();
            for one in &received {
                let delete = self.client.delete_message().queue_url(&self.queue_url);
                delete
                    .receipt_handle(one.receipt_handle.as_deref().unwrap())
                    .send()
                    .await
                    .unwrap();
            }
        }
    }

    /// Jobs a second of time in the handlers of all environments, each counted by itself.
    async fn measure(&self, apps: &[App], batch: i32) -> f64 {
        self.send_jobs().await;
        let worked = join_all(apps.iter().map(|app| self.work(app, batch))).await;
        let jobs: usize = worked.iter().map(|(jobs, _)| jobs).sum();
        assert_eq!(jobs, JOBS);
        let busy: f64 = worked.iter().map(|(_, busy)| busy.as_secs_f64()).sum();
        jobs as f64 * ENVIRONMENTS as f64 / busy
    }

    fn print_costs(&self, batch: i32, jobs: usize) {
        let statements = self.counts.statements.swap(0, Ordering::Relaxed);
        println!(
            "  batches of {batch:>2}: {:.2} SQL statements for each job",
            statements as f64 / jobs as f64
        );
        for (name, count) in std::mem::take(&mut *self.counts.calls.lock().unwrap()) {
            println!("                 {:.2} {name}", count as f64 / jobs as f64);
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let bench = Bench::new().await;
    println!(
        "jobs: {JOBS} through {ENVIRONMENTS} environments of the worker, an instant provider, {ROUNDS} rounds"
    );
    let apps = join_all((0..ENVIRONMENTS).map(|_| bench.environment())).await;
    bench.measure(&apps, 10).await; // connections and clients are warm from here on
    bench.print_costs(10, JOBS);
    bench.measure(&apps, 1).await;
    bench.print_costs(1, JOBS);
    let (mut tens, mut ones) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        tens.push(bench.measure(&apps, 10).await);
        ones.push(bench.measure(&apps, 1).await);
    }
    let median = |rates: &mut Vec<f64>| {
        rates.sort_by(f64::total_cmp);
        rates[rates.len() / 2]
    };
    let (ten, one) = (median(&mut tens), median(&mut ones));
    println!(
        "  jobs/s: {ten:.0} in batches of ten, {one:.0} one by one ({:.2}x)",
        ten / one
    );
}
