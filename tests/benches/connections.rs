//! What a fleet of execution environments holds of the database: its connections before, while each
//! environment answers a call, when all are frozen, and ten minutes later.
//!
//! Each environment is a process of the real binary with a Runtime API of its own. As soon as it
//! asks for another event it is stopped by SIGSTOP, as Lambda freezes it.
//! `cargo xtask bench connections` runs it; `--after SECONDS` shortens the ten minutes.
#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads where its stack is, serves its processes, and looks at the clock"
)]

mod processes;
#[path = "../support/runtime_api.rs"]
mod runtime_api;

use std::path::Path;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream;
use processes::{FunctionStack, check_status, stop_process};
use runtime_api::RuntimeApi;
use scripted_provider::Provider;
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Executor};
use xtask::services;

/// Environments of the fleet, of all functions in turn.
const FLEET_SIZE: usize = 300;

/// Connections that the server takes: more than the fleet could make.
const MAX_CONNECTIONS: usize = FLEET_SIZE + 100;

/// Calls that are under way at once. All environments stay there, whatever this is.
const MAX_CONCURRENT_CALLS: usize = 16;

/// Between two looks at the server while environments are called.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// Seconds after the freeze at which the server is looked at.
const LOOKS: [u64; 4] = [0, 60, 180, 300];

/// From the end of the processes to that of their connections.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(30);

/// Connections of the functions' role, without the one that asks.
const COUNT_CONNECTIONS: &str = "
    SELECT count(*)
    FROM pg_stat_activity
    WHERE usename = current_user
      AND backend_type = 'client backend'
      AND pid <> pg_backend_pid()";

/// Each function of the fleet, and the sample event that it is called with.
const FUNCTIONS: [(&str, &str); 4] = [
    ("create-consultation", "create-consultation.sprained-ankle"),
    ("get-consultation", "get-consultation.now"),
    ("list-consultations", "list-consultations.first-page"),
    ("health", "health.now"),
];

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let provider = Provider::anywhere();
    let functions = FunctionStack::new(&provider).await;
    let mut server = Server::restart_with_room(&functions).await;
    let binary = functions.stack.root.join("target/debug/wenzhen");
    let consultation = functions.create_consultation(&binary).await;
    server.wait_until_empty().await;

    let each = FLEET_SIZE / FUNCTIONS.len();
    let names = FUNCTIONS.map(|(name, _)| name).join(", ");
    println!("\n{FLEET_SIZE} environments, {each} of each: {names}\n");
    println!("| when | connections |\n|---|---|");
    print_row("before", server.count_connections().await);

    let fleet = (0..FLEET_SIZE).map(|number| {
        let (name, sample) = FUNCTIONS[number % FUNCTIONS.len()];
        let event = functions.sample_event(sample, &consultation);
        Environment::start(&functions, &binary, name, event)
    });
    let calls = stream::iter(fleet).buffer_unordered(MAX_CONCURRENT_CALLS);
    let (mut fleet, most) = server.watch(calls.collect::<Vec<_>>()).await;
    print_row("while each answers its first call, at most", most);

    server.look_on(last_look()).await;

    let calls = fleet.iter_mut().map(Environment::thaw_and_call);
    let calls = stream::iter(calls).buffer_unordered(MAX_CONCURRENT_CALLS);
    let (_, most) = server.watch(calls.collect::<Vec<_>>()).await;
    print_row("thawed, while each answers its second call, at most", most);

    drop(fleet);
    server.wait_until_empty().await;
    print_row("all environments ended", server.count_connections().await);
}

/// Seconds from the freeze to the last look.
fn last_look() -> u64 {
    let setting = std::env::var("WENZHEN_BENCH_AFTER");
    let setting = setting.expect("run `cargo xtask bench connections`");
    setting.parse().unwrap()
}

fn print_row(when: &str, connections: i64) {
    println!("| {when} | {connections} |");
}

/// One execution environment. Its process ends with it.
struct Environment {
    api: RuntimeApi,
    process: Child,
    function: &'static str,
    event: String,
}

impl Environment {
    /// Starts a process, has it answer one call, and freezes it.
    async fn start(
        functions: &FunctionStack,
        binary: &Path,
        function: &'static str,
        event: String,
    ) -> Self {
        let api = RuntimeApi::start().await;
        let process = api.spawn_function(binary, function, &functions.environment);
        let mut environment = Self {
            api,
            process,
            function,
            event,
        };

        environment.api.wait_for_poll().await;
        environment.call_and_freeze().await;
        environment
    }

    async fn call_and_freeze(&mut self) {
        let answer = self.api.invoke_function(&self.event).await;
        check_status(self.function, &answer);
        self.api.wait_for_poll().await;
        self.signal("-STOP");
    }

    async fn thaw_and_call(&mut self) {
        self.signal("-CONT");
        self.call_and_freeze().await;
    }

    fn signal(&self, signal: &str) {
        let id = self.process.id().to_string();
        let status = Command::new("kill").args([signal, &id]).status();
        assert!(status.unwrap().success(), "{signal} {id}");
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        stop_process(&mut self.process);
    }
}

/// The database server as its operator sees it.
struct Server {
    connection: PgConnection,
}

impl Server {
    /// The stack's own server, with room for all connections of the fleet.
    async fn restart_with_room(functions: &FunctionStack) -> Self {
        let stack = &functions.stack;
        let url = stack.env("DATABASE_URL").unwrap();
        let change = format!("ALTER SYSTEM SET max_connections = {MAX_CONNECTIONS}");
        let mut connection = PgConnection::connect(&url).await.unwrap();
        connection
            .execute(sqlx::AssertSqlSafe(change))
            .await
            .unwrap();
        drop(connection);

        services::stop_postgres(stack).unwrap();
        services::start_postgres(stack).await.unwrap();
        let connection = PgConnection::connect(&url).await.unwrap();
        Self { connection }
    }

    async fn count_connections(&mut self) -> i64 {
        let count = sqlx::query_scalar(COUNT_CONNECTIONS);
        count.fetch_one(&mut self.connection).await.unwrap()
    }

    /// Does the work, and returns its result with the most connections that there were meanwhile.
    async fn watch<T>(&mut self, work: impl Future<Output = T>) -> (T, i64) {
        let is_done = AtomicBool::new(false);
        let working = async {
            let result = work.await;
            is_done.store(true, Ordering::Relaxed);
            result
        };
        let watching = async {
            let mut most = 0;
            while !is_done.load(Ordering::Relaxed) {
                most = most.max(self.count_connections().await);
                tokio::time::sleep(LOOK_INTERVAL).await;
            }
            most.max(self.count_connections().await)
        };
        futures::join!(working, watching)
    }

    /// Prints what there is after some minutes, and after so many seconds.
    async fn look_on(&mut self, last: u64) {
        let frozen_at = Instant::now();
        let looks = LOOKS.into_iter().filter(|look| *look < last);
        for seconds in looks.chain([last]) {
            let wait = Duration::from_secs(seconds).saturating_sub(frozen_at.elapsed());
            tokio::time::sleep(wait).await;
            let when = format!("all frozen for {seconds} s");
            print_row(&when, self.count_connections().await);
        }
    }

    async fn wait_until_empty(&mut self) {
        let end = Instant::now() + CLOSE_TIMEOUT;
        while self.count_connections().await > 0 {
            assert!(Instant::now() < end, "connections of ended processes stay");
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }
}
