//! An OpenAI-compatible provider that plays every fault a real one has, by the name of the model that is asked for.
//!
//! The model is `<script>` or `<script>/<anything>`; [`scripts::ALL`] lists the scripts. Scripts that change over time
//! ("one 500, then healthy") do so for each model name by itself, so that tests do not meet. The models `scripted-NAME` play
//! what the prompt says after `[NAME:`, such as `[primary:500]`, or give a good answer.
//!
//! It speaks HTTP/1.1 by hand, since no server library lets a handler reset a connection or stop in the middle of a chunk.
#![expect(
    clippy::disallowed_methods,
    reason = "a server spawns its connections, and plays slowness by sleeping"
)]

mod play;
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
    /// For each model: how often it was called, and when first.
    seen: Mutex<HashMap<String, (u32, Instant)>>,
    is_loud: bool,
}

impl Provider {
    /// Serves on a thread of its own, which lives as long as the process.
    #[must_use]
    pub fn start(listener: TcpListener, is_loud: bool) -> Self {
        listener
            .set_nonblocking(true)
            .expect("a listener can be made non-blocking");
        let address = listener.local_addr().expect("a listener has an address");
        let shared = Arc::new(Shared {
            started: Instant::now(),
            attempts: Mutex::default(),
            seen: Mutex::default(),
            is_loud,
        });
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                while let Ok((stream, _)) = listener.accept().await {
                    let shared = Arc::clone(&serving);
                    // A client that hangs up is no reason to stop.
                    tokio::spawn(async move { drop(play::connection(stream, &shared).await) });
                }
            });
        });
        Self {
            url: format!("http://{address}/v1"),
            shared,
        }
    }

    /// A provider on a free port of this machine.
    #[must_use]
    pub fn anywhere() -> Self {
        Self::start(
            TcpListener::bind("127.0.0.1:0").expect("a free port"),
            false,
        )
    }

    /// The base URL for a tier.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The calls for one model, in order.
    #[must_use]
    pub fn attempts(&self, model: &str) -> Vec<Attempt> {
        self.shared
            .attempts()
            .iter()
            .filter(|attempt| attempt.model == model)
            .cloned()
            .collect()
    }

    /// The calls whose messages contain `marker`, in order.
    #[must_use]
    pub fn calls(&self, marker: &str) -> Vec<Attempt> {
        let attempts = self.shared.attempts();
        attempts
            .iter()
            .filter(|attempt| attempt.body["messages"].to_string().contains(marker))
            .cloned()
            .collect()
    }
}

impl Shared {
    pub(crate) fn attempts(&self) -> MutexGuard<'_, Vec<Attempt>> {
        self.attempts
            .lock()
            .expect("nobody panics while holding it")
    }

    /// Notes a call; its number.
    pub(crate) fn begin(&self, model: &str, client: u16, request: &Request) -> usize {
        let at = self.started.elapsed();
        if self.is_loud {
            println!("{:>9.3} s  asked      {model}", at.as_secs_f64());
        }
        let (authorization, body) = (request.authorization.clone(), request.body.clone());
        let attempt = Attempt {
            model: model.to_owned(),
            at,
            client,
            authorization,
            body,
            ended: None,
        };
        let mut attempts = self.attempts();
        attempts.push(attempt);
        attempts.len() - 1
    }

    /// Notes how a call ended.
    pub(crate) fn end(&self, number: usize, how: &'static str) {
        let at = self.started.elapsed();
        let mut attempts = self.attempts();
        if self.is_loud {
            println!(
                "{:>9.3} s  {how:<10} {}",
                at.as_secs_f64(),
                attempts[number].model
            );
        }
        attempts[number].ended = Some((how, at));
    }

    /// How often this model was called before, and how long ago first.
    pub(crate) fn history(&self, model: &str) -> (u32, Duration) {
        let mut seen = self.seen.lock().expect("nobody panics while holding it");
        let entry = seen.entry(model.to_owned()).or_insert((0, Instant::now()));
        entry.0 += 1;
        (entry.0 - 1, entry.1.elapsed())
    }
}
