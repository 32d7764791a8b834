//! Valkey for tests: keys of their own on the shared server, or a server that a test may kill.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use redis::aio::MultiplexedConnection;
use uuid::Uuid;
use wenzhen::config::ValkeySettings;
use wenzhen::resilience::breaker::{BreakerSettings, Breakers};
use wenzhen::valkey::Valkey;
use xtask::services::valkey_program;

use super::{STACK, eventually};

/// A name that no other test uses.
pub fn prefix() -> String {
    format!("test-{}", Uuid::new_v4().simple())
}

/// One environment's connection to a server.
pub fn connect(url: &str, prefix: &str) -> Arc<Valkey> {
    let settings = ValkeySettings {
        url: Some(url.parse().unwrap()),
        prefix: prefix.to_owned(),
    };
    Arc::new(Valkey::new(&settings).unwrap().unwrap())
}

/// One environment's connection to the stack's server.
pub fn of_stack(prefix: &str) -> Arc<Valkey> {
    connect(&STACK.env("VALKEY_URL").unwrap(), prefix)
}

/// Environments that share the circuit `p`.
pub fn fleet(url: &str, size: usize, settings: &BreakerSettings) -> Vec<Breakers> {
    let prefix = prefix();
    (0..size)
        .map(|_| Breakers::new(Some(connect(url, &prefix)), [("p", settings.clone())]))
        .collect()
}

/// A plain connection, for looking on.
pub async fn raw(url: &str) -> MultiplexedConnection {
    let client = redis::Client::open(url).unwrap();
    let connection = client.get_multiplexed_async_connection().await;
    connection.unwrap()
}

/// A server that a test may kill and bring back; it ends with the test.
pub struct OwnServer {
    port: u16,
    child: Option<Child>,
}

impl OwnServer {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);

        let mut server = Self { port, child: None };
        server.bring_back().await;
        server
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Starts it, empty.
    pub async fn bring_back(&mut self) {
        let port = self.port.to_string();
        let mut command = Command::new(valkey_program(&STACK).unwrap());
        command.args(["--bind", "127.0.0.1", "--port", &port]);
        command.args(["--save", "", "--dir", "/tmp"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(command.spawn().unwrap());

        let client = redis::Client::open(self.url()).unwrap();
        eventually("Valkey answers", async || {
            let connected = client.get_multiplexed_async_connection().await;
            connected.ok().map(drop)
        })
        .await;
    }

    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        self.kill();
    }
}
