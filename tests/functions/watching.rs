//! The binary as `cargo lambda watch` starts it, whose clients may leave.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::environment_of;
use crate::support::STACK;

/// Events that the process takes at once.
const POLLERS: usize = 8;

/// The longest that the process may take to ask for an event.
const POLL_TIMEOUT: Duration = Duration::from_secs(30);

/// A Runtime API whose clients all leave before they are answered: it reads the head of an answer,
/// and closes the connection.
struct AbandonedApi {
    port: u16,
    polls: UnboundedReceiver<()>,
    events: UnboundedSender<String>,
}

/// What the connections share.
struct Channels {
    polls: UnboundedSender<()>,
    events: Mutex<UnboundedReceiver<String>>,
}

impl AbandonedApi {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (poll_sender, polls) = unbounded_channel();
        let (events, event_receiver) = unbounded_channel();
        let channels = Arc::new(Channels {
            polls: poll_sender,
            events: Mutex::new(event_receiver),
        });

        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(serve(connection, Arc::clone(&channels)));
            }
        });

        Self {
            port,
            polls,
            events,
        }
    }

    /// Starts the binary as `cargo lambda watch` does: no handler is named.
    fn spawn_all_functions(&self) -> Child {
        Command::new(STACK.root.join("target/debug/wenzhen"))
            .env_clear()
            .envs(environment_of("list-models"))
            .env("AWS_LAMBDA_FUNCTION_NAME", "wenzhen")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_RUNTIME_API", format!("127.0.0.1:{}", self.port))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    async fn wait_for_poll(&mut self) {
        let poll = tokio::time::timeout(POLL_TIMEOUT, self.polls.recv());
        poll.await.expect("the process asks for no event").unwrap();
    }
}

/// One connection: events for polls, until an answer comes.
async fn serve(connection: TcpStream, channels: Arc<Channels>) {
    let mut connection = BufReader::new(connection);
    while read_head(&mut connection).await.starts_with("GET ") {
        let _ = channels.polls.send(());
        let event = channels.events.lock().await.recv().await;
        let event = event.unwrap_or_default();

        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\
             lambda-runtime-aws-request-id: request\r\n\
             lambda-runtime-deadline-ms: 600000\r\n\
             lambda-runtime-invoked-function-arn: arn\r\n\r\n",
            event.len()
        );
        let answer = head + &event;
        if connection.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }

    // A byte of the body, so that the answer is on its way.
    let _ = connection.read_u8().await;
}

/// The head of the next request; empty at the end of the connection.
async fn read_head(connection: &mut BufReader<TcpStream>) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        match connection.read_line(&mut head).await {
            Ok(1..) => {}
            _ => break,
        }
    }
    head
}

/// Each time, the runtime ends with the broken connection: more often than there are pollers.
#[tokio::test]
async fn a_client_that_leaves_does_not_end_the_process() {
    let event = STACK.root.join("events/list-models.all.json");
    let event = std::fs::read_to_string(event).unwrap();
    let mut api = AbandonedApi::start().await;
    let mut child = api.spawn_all_functions();
    for _ in 0..POLLERS {
        api.wait_for_poll().await;
    }

    for _ in 0..=POLLERS {
        api.events.send(event.clone()).unwrap();
        api.wait_for_poll().await;
    }
    let exit = child.try_wait().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(exit.is_none(), "{exit:?}");
}
