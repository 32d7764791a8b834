//! A bare Lambda Runtime API, which one process of the functions' binary polls. Source: "Using the
//! Lambda runtime API for custom runtimes", AWS Lambda developer guide.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::routing::{get, post};
use futures::StreamExt;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The time-out that the process is told for each invocation.
const INVOCATION_TIMEOUT: Duration = Duration::from_secs(30);

const FUNCTION_ARN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:f";

/// The server. It serves one process.
pub struct RuntimeApi {
    port: u16,
    polls: UnboundedReceiver<()>,
    events: UnboundedSender<String>,
    answers: UnboundedReceiver<Answer>,
}

/// What the process tells the Runtime API, and what it answers.
type Answer = (HeaderMap, AnswerBody);

/// The body of an answer, as it comes.
pub struct AnswerBody(UnboundedReceiver<Bytes>);

impl AnswerBody {
    /// The next bytes, as soon as the process has sent them; none at the end.
    pub async fn next_chunk(&mut self) -> Option<Bytes> {
        self.0.recv().await
    }

    /// All bytes that have not been read.
    pub async fn read_rest(mut self) -> Bytes {
        let mut rest = Vec::new();
        while let Some(chunk) = self.next_chunk().await {
            rest.extend(chunk);
        }
        rest.into()
    }
}

/// The routes' ends of the channels.
struct RouteState {
    polls: UnboundedSender<()>,
    events: Mutex<UnboundedReceiver<String>>,
    answers: UnboundedSender<Answer>,
}

impl RuntimeApi {
    /// Listens on a free port of the loopback interface.
    pub async fn start() -> Self {
        let (poll_sender, polls) = unbounded_channel();
        let (events, event_receiver) = unbounded_channel();
        let (answer_sender, answers) = unbounded_channel();
        let state = Arc::new(RouteState {
            polls: poll_sender,
            events: Mutex::new(event_receiver),
            answers: answer_sender,
        });

        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next_event))
            .route(
                "/2018-06-01/runtime/invocation/{id}/response",
                post(take_answer),
            )
            .route(
                "/2018-06-01/runtime/invocation/{id}/error",
                post(take_answer),
            )
            .with_state(state);

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });

        Self {
            port,
            polls,
            events,
            answers,
        }
    }

    /// Starts `binary` as the function `name`, with this environment and no other variables.
    pub fn spawn_function(
        &self,
        binary: &Path,
        name: &str,
        environment: &BTreeMap<String, String>,
    ) -> Child {
        self.spawn_logging(binary, name, environment, Stdio::null())
    }

    /// The same, with what it logs.
    pub fn spawn_logging(
        &self,
        binary: &Path,
        name: &str,
        environment: &BTreeMap<String, String>,
        log: Stdio,
    ) -> Child {
        Command::new(binary)
            .env_clear()
            .envs(environment)
            .env("_HANDLER", name)
            .env("AWS_LAMBDA_FUNCTION_NAME", name)
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_RUNTIME_API", format!("127.0.0.1:{}", self.port))
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Waits until the process asks for an event: it is initialised, or done with the last event.
    pub async fn wait_for_poll(&mut self) {
        self.polls.recv().await.unwrap();
    }

    /// Gives the process an event, after it has asked for one, and returns its answer.
    pub async fn invoke_function(&mut self, event: &str) -> Bytes {
        let (_headers, body) = self.begin_invocation(event).await;
        body.read_rest().await
    }

    /// Gives the process an event, and returns its answer as soon as it begins.
    pub async fn begin_invocation(&mut self, event: &str) -> Answer {
        self.events.send(event.to_owned()).unwrap();
        self.answers.recv().await.unwrap()
    }
}

async fn next_event(State(state): State<Arc<RouteState>>) -> (HeaderMap, String) {
    let _ = state.polls.send(());
    let event = state.events.lock().await.recv().await.unwrap_or_default();

    let end = SystemTime::now() + INVOCATION_TIMEOUT;
    let since_epoch = end.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let deadline = since_epoch.as_millis().to_string();

    let mut headers = HeaderMap::new();
    let request_id = HeaderValue::from_static("request");
    headers.insert("lambda-runtime-aws-request-id", request_id);
    let arn = HeaderValue::from_static(FUNCTION_ARN);
    headers.insert("lambda-runtime-invoked-function-arn", arn);
    let deadline = HeaderValue::from_str(&deadline).unwrap();
    headers.insert("lambda-runtime-deadline-ms", deadline);

    (headers, event)
}

async fn take_answer(
    State(state): State<Arc<RouteState>>,
    headers: HeaderMap,
    body: Body,
) -> StatusCode {
    let (sender, chunks) = unbounded_channel();
    drop(state.answers.send((headers, AnswerBody(chunks))));

    let mut stream = body.into_data_stream();
    while let Some(Ok(chunk)) = stream.next().await {
        drop(sender.send(chunk));
    }
    StatusCode::ACCEPTED
}
