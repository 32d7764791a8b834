//! An OpenAI-compatible provider that plays every fault a real one has, by the name of the model
//! that is asked for.
//!
//! The model is `<script>` or `<script>/<anything>`; [`scripts::ALL`] lists the scripts. Scripts
//! that change over time ("one 500, then healthy") do so for each model name by itself, so that
//! tests do not meet. The models `scripted-NAME` play the script that the prompt names after
//! `[NAME:`, such as `[primary:500]`, or give a good answer.
//!
//! It speaks HTTP/1.1 by hand, since no server library lets a handler reset a connection or stop in
//! the middle of a chunk.
#![expect(
    clippy::disallowed_methods,
    reason = "a server spawns its connections, and plays slowness by sleeping"
)]

mod agents;
mod embeddings;
mod forms;
mod messages;
mod oddities;
mod play;
mod rerank;
pub mod scripts;
mod wire;

use std::collections::HashMap;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::Value;
use wire::Request;

/// One call that the provider got.
#[derive(Clone)]
pub struct Attempt {
    /// The model that was asked for.
    pub model: String,
    /// When it came, since the provider started.
    pub at: Duration,
    /// The client's port, by which its process can be found.
    pub client: u16,
    /// The `authorization` header.
    pub authorization: Option<String>,
    /// The request.
    pub body: Value,
    /// Its messages as text, in which calls are looked for again and again.
    messages: String,
    /// How it ended, as far as it has: `answered`, `broken off` by us, `hung up` by the client.
    pub ended: Option<(&'static str, Duration)>,
}

/// A running provider.
#[derive(Clone)]
pub struct Provider {
    url: String,
    shared: Arc<Shared>,
}

/// What all connections share.
pub(crate) struct Shared {
    started: Instant,
    attempts: Mutex<Vec<Attempt>>,
    seen: Mutex<HashMap<String, History>>,
    is_loud: bool,
}

/// The earlier calls of one model.
#[derive(Clone, Copy)]
pub(crate) struct History {
    /// Their number.
    pub(crate) calls: u32,
    /// When the first one came, or comes.
    pub(crate) first_call: Instant,
}

impl Provider {
    /// Serves on a thread of its own, which lives as long as the process. A loud provider prints
    /// each call.
    #[must_use]
    pub fn start(listener: TcpListener, is_loud: bool) -> Self {
        let is_non_blocking = listener.set_nonblocking(true);
        is_non_blocking.expect("a listener can be made non-blocking");
        let address = listener.local_addr().expect("a listener has an address");

        let shared = Arc::new(Shared {
            started: Instant::now(),
            attempts: Mutex::default(),
            seen: Mutex::default(),
            is_loud,
        });
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || serve_forever(listener, &serving));

        Self {
            url: format!("http://{address}/v1"),
            shared,
        }
    }

    /// A provider on a free port of this machine.
    #[must_use]
    pub fn anywhere() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        Self::start(listener, false)
    }

    /// The base URL for a tier.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The calls for one model, in order.
    #[must_use]
    pub fn attempts(&self, model: &str) -> Vec<Attempt> {
        self.select_attempts(|attempt| attempt.model == model)
    }

    /// The calls whose messages contain `marker`, in order.
    #[must_use]
    pub fn calls(&self, marker: &str) -> Vec<Attempt> {
        self.select_attempts(|attempt| attempt.messages.contains(marker))
    }

    fn select_attempts(&self, is_selected: impl Fn(&Attempt) -> bool) -> Vec<Attempt> {
        let attempts = self.shared.lock_attempts();
        let selected = attempts.iter().filter(|attempt| is_selected(attempt));
        selected.cloned().collect()
    }
}

fn serve_forever(listener: TcpListener, shared: &Arc<Shared>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");

    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
        while let Ok((stream, _)) = listener.accept().await {
            let shared = Arc::clone(shared);
            // A client that hangs up is no reason to stop.
            tokio::spawn(async move { drop(play::serve_connection(stream, &shared).await) });
        }
    });
}

impl Shared {
    fn lock_attempts(&self) -> MutexGuard<'_, Vec<Attempt>> {
        self.attempts
            .lock()
            .expect("no thread panics while holding it")
    }

    /// Notes a call; its number.
    pub(crate) fn note_call(&self, model: &str, client: u16, request: &Request) -> usize {
        let at = self.started.elapsed();
        if self.is_loud {
            println!("{:>9.3} s  asked      {model}", at.as_secs_f64());
        }

        let messages = request.body["messages"].to_string();
        let mut attempts = self.lock_attempts();
        attempts.push(Attempt {
            messages,
            model: model.to_owned(),
            at,
            client,
            authorization: request.authorization.clone(),
            body: request.body.clone(),
            ended: None,
        });
        attempts.len() - 1
    }

    /// Notes how the call of this number ended.
    pub(crate) fn note_end(&self, number: usize, how: &'static str) {
        let at = self.started.elapsed();
        let mut attempts = self.lock_attempts();
        let attempt = &mut attempts[number];
        if self.is_loud {
            println!("{:>9.3} s  {how:<10} {}", at.as_secs_f64(), attempt.model);
        }
        attempt.ended = Some((how, at));
    }

    /// The calls of this model before this one, which is counted.
    pub(crate) fn count_call(&self, model: &str) -> History {
        let mut seen = self.seen.lock().expect("no thread panics while holding it");
        let history = seen.entry(model.to_owned()).or_insert_with(|| History {
            calls: 0,
            first_call: Instant::now(),
        });

        let before = *history;
        history.calls += 1;
        before
    }
}
