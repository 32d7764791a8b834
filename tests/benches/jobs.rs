//! Jobs a second through the worker with an instant provider, and what one job costs in SQL
//! statements and AWS calls. `cargo xtask bench` runs it.
//!
//! The worker's code runs in this process, against a real PostgreSQL and the AWS emulator, which is
//! the slowest part: batches of ten and of one alternate in one run, and only their ratio and the
//! counts mean anything. Messages are really received, so that every call that the worker makes
//! about them is made.
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
use aws_sdk_sqs::types::Message;
use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use futures::future::join_all;
use scripted_provider::Provider;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
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
use wenzhen::lambda::QueueConsumer;
use wenzhen::postgres::{Database, Readers};
use wenzhen::realtime::{Connections, Pusher};
use wenzhen::reports::Bucket;
use wenzhen::triage;
use wenzhen::uploads::UploadBucket;
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

impl Counts {
    fn count_call(&self, headers: &HeaderMap) {
        let name = headers.get("x-amz-target");
        let name = name.and_then(|name| name.to_str().ok());
        let name = name.unwrap_or("another call").to_owned();
        *self.calls.lock().unwrap().entry(name).or_default() += 1;
    }
}

/// PostgreSQL behind a counter of the statements that clients execute.
async fn counted_postgres(target: String, counts: Arc<Counts>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&target).await.unwrap();
            let (from_client, mut to_client) = client.into_split();
            let (mut from_server, to_server) = server.into_split();

            let answers =
                async move { drop(tokio::io::copy(&mut from_server, &mut to_client).await) };
            tokio::spawn(answers);
            tokio::spawn(count_statements(
                from_client,
                to_server,
                Arc::clone(&counts),
            ));
        }
    });
    port
}

/// The code of the question for TLS ("Message formats", PostgreSQL manual).
const TLS_REQUEST_CODE: u32 = 80_877_103;

/// Passes a client's messages on, and counts those that execute a statement.
async fn count_statements(
    mut from_client: OwnedReadHalf,
    mut to_server: OwnedWriteHalf,
    counts: Arc<Counts>,
) {
    // The start-up message has no type, and neither has the question for TLS before it.
    let mut has_type = false;
    loop {
        let mut head = [0; 5];
        let head = if has_type {
            &mut head[..]
        } else {
            &mut head[1..]
        };
        if from_client.read_exact(head).await.is_err() {
            return;
        }

        let length = u32::from_be_bytes(head[head.len() - 4..].try_into().unwrap());
        let mut body = vec![0; length as usize - 4];
        from_client.read_exact(&mut body).await.unwrap();
        if has_type && matches!(head[0], b'E' | b'Q') {
            counts.statements.fetch_add(1, Ordering::Relaxed);
        }

        let is_tls_request = body.starts_with(&TLS_REQUEST_CODE.to_be_bytes());
        has_type = has_type || !is_tls_request;
        to_server.write_all(head).await.unwrap();
        to_server.write_all(&body).await.unwrap();
    }
}

/// The emulator behind a counter of calls by their names.
async fn counted_aws(target: String, counts: Arc<Counts>) -> String {
    let client = reqwest::Client::new();
    let answer = move |headers: HeaderMap, body: Bytes| {
        let (client, target, counts) = (client.clone(), target.clone(), Arc::clone(&counts));
        async move {
            counts.count_call(&headers);

            let mut request = client.post(target).body(body);
            for (name, value) in &headers {
                if !["host", "content-length"].contains(&name.as_str()) {
                    request = request.header(name, value);
                }
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

/// What one environment has done.
#[derive(Default)]
struct Work {
    jobs: usize,
    /// The time in its handler.
    busy: Duration,
}

/// A received message as the event source passes it on.
fn record_of(message: &Message) -> Value {
    json!({
        "messageId": message.message_id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
    })
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
        let created = client.create_queue().queue_name("bench").send().await;
        let queue_url = created.unwrap().queue_url.unwrap();

        let counts = Arc::new(Counts::default());
        let target = format!("127.0.0.1:{}", stack.ports.postgres);
        let postgres = counted_postgres(target, Arc::clone(&counts)).await;
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

    /// A worker as one execution environment has it.
    async fn worker(&self) -> Worker {
        let mut url: reqwest::Url = self.stack.env("DATABASE_URL").unwrap().parse().unwrap();
        url.set_port(Some(self.postgres)).unwrap();
        let settings = DatabaseSettings {
            url: url.as_str().parse().unwrap(),
            auth: DatabaseAuth::Url,
        };

        let base_url = self.provider.url();
        let tiers = json!([{ "name": "instant", "base_url": base_url, "model": "json" }]);
        let tiers = Tiers::parse(&tiers.to_string()).unwrap();
        let models = Models::new(tiers, None).unwrap();
        let aws = &self.counted_aws;
        Worker {
            database: Database::new(&settings).await.unwrap(),
            readers: Readers::default(),
            queue: Queue::new(aws, self.queue_url.clone()),
            dead_letters: Queue::new(aws, self.queue_url.clone()),
            transcripts: Transcripts::new(aws, self.stack.env("TRANSCRIPTS_TABLE").unwrap()),
            chains: Chains::new(&models, None, &Arc::new(Secrets::new(aws))).unwrap(),
            reports: Bucket::new(aws, self.stack.env("REPORTS_BUCKET").unwrap()),
            index: None,
            cache: Cache::new(None),
            uploads: UploadBucket::new(aws, self.stack.env("UPLOADS_BUCKET").unwrap()),
            pusher: Pusher::new(Connections::new(aws, self.connections_table()), None),
        }
    }

    fn connections_table(&self) -> String {
        self.stack.env("CONNECTIONS_TABLE").unwrap()
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
        let request = json!({ "symptoms": "a cough" });
        let request: NewConsultation = serde_json::from_value(request).unwrap();
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
            let taken = queue.send_batch(batch).await.unwrap();
            assert!(taken.iter().all(|is_taken| *is_taken));
        }
    }

    /// One environment's work, until the queue is empty.
    async fn empty_queue(&self, worker: &Worker, batch: i32) -> Work {
        let mut work = Work::default();
        loop {
            let receive = self
                .client
                .receive_message()
                .queue_url(&self.queue_url)
                .max_number_of_messages(batch)
                .visibility_timeout(600);
            let received = receive.send().await.unwrap().messages.unwrap_or_default();
            if received.is_empty() {
                return work;
            }

            let records: Vec<_> = received.iter().map(record_of).collect();
            let event = serde_json::from_value(json!({ "Records": records })).unwrap();
            let deadline = Deadline::after(Duration::from_mins(5));
            let started = Instant::now();
            let response = QueueConsumer::handle(worker, event, deadline).await;
            work.busy += started.elapsed();
            assert!(response.batch_item_failures.is_empty());
            work.jobs += received.len();

            for message in &received {
                let receipt = message.receipt_handle.as_deref().unwrap();
                let delete = self.client.delete_message().queue_url(&self.queue_url);
                delete.receipt_handle(receipt).send().await.unwrap();
            }
        }
    }

    /// Jobs a second of time in the handlers of all environments, each counted by itself.
    async fn measure(&self, workers: &[Worker], batch: i32) -> f64 {
        self.send_jobs().await;
        let work = workers.iter().map(|worker| self.empty_queue(worker, batch));
        let work = join_all(work).await;

        let jobs: usize = work.iter().map(|work| work.jobs).sum();
        assert_eq!(jobs, JOBS);
        let busy: f64 = work.iter().map(|work| work.busy.as_secs_f64()).sum();
        jobs as f64 * ENVIRONMENTS as f64 / busy
    }

    fn print_costs(&self, batch: i32, jobs: usize) {
        let statements = self.counts.statements.swap(0, Ordering::Relaxed);
        let per_job = statements as f64 / jobs as f64;
        println!("  batches of {batch:>2}: {per_job:.2} SQL statements for each job");

        let calls = std::mem::take(&mut *self.counts.calls.lock().unwrap());
        for (name, count) in calls {
            println!("                 {:.2} {name}", count as f64 / jobs as f64);
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let bench = Bench::new().await;
    println!(
        "jobs: {JOBS} through {ENVIRONMENTS} environments of the worker, an instant provider, \
         {ROUNDS} rounds"
    );
    let workers = join_all((0..ENVIRONMENTS).map(|_| bench.worker())).await;

    // Connections and clients are warm from here on.
    bench.measure(&workers, 10).await;
    bench.print_costs(10, JOBS);
    bench.measure(&workers, 1).await;
    bench.print_costs(1, JOBS);

    let (mut tens, mut ones) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        tens.push(bench.measure(&workers, 10).await);
        ones.push(bench.measure(&workers, 1).await);
    }
    let (ten, one) = (median(tens), median(ones));
    let ratio = ten / one;
    println!("  jobs/s: {ten:.0} in batches of ten, {one:.0} one by one ({ratio:.2}x)");
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
