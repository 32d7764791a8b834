//! Valkey for tests: keys of their own on the shared server, or a server that a test may kill.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use futures::future::join_all;
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

/// A cluster of three primaries; it ends with the test.
pub struct OwnCluster {
    nodes: Vec<Node>,
}

struct Node {
    port: u16,
    /// Where the nodes speak to each other.
    bus: u16,
    child: Child,
    /// Of its configuration, which it writes at once.
    folder: PathBuf,
}

/// Slots of a cluster.
const SLOTS: u16 = 16_384;

impl OwnCluster {
    pub async fn start() -> Self {
        let ports = free_pairs(3);
        let nodes = ports.into_iter().map(Node::start).collect();
        let cluster = Self { nodes };
        for node in &cluster.nodes {
            node.wait_until_it_answers().await;
        }

        let count = u16::try_from(cluster.nodes.len()).unwrap();
        for (number, node) in (0..count).zip(&cluster.nodes) {
            let share = |number: u16| u32::from(SLOTS) * u32::from(number) / u32::from(count);
            let (first, last) = (share(number), share(number + 1) - 1);
            let mut command = redis::cmd("CLUSTER");
            command.arg("ADDSLOTSRANGE").arg(first).arg(last);
            node.ask(&command).await;
            let mut meet = redis::cmd("CLUSTER");
            let first = &cluster.nodes[0];
            meet.arg("MEET")
                .arg("127.0.0.1")
                .arg(first.port)
                .arg(first.bus);
            node.ask(&meet).await;
        }
        cluster.wait_until_it_is_whole().await;
        cluster
    }

    /// As `VALKEY_URL` has it; it names one node, by which the others are found.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}?cluster=true", self.nodes[0].port)
    }

    /// A plain connection to each node.
    pub async fn operators(&self) -> Vec<MultiplexedConnection> {
        let ports = self.nodes.iter().map(|node| node.port);
        join_all(ports.map(async |port| raw(&format!("redis://127.0.0.1:{port}")).await)).await
    }

    /// How many keys each node holds.
    pub async fn keys(&self) -> Vec<u64> {
        let mut keys = Vec::new();
        for node in &self.nodes {
            let size = node.ask(&redis::cmd("DBSIZE")).await;
            keys.push(redis::from_redis_value(size).unwrap());
        }
        keys
    }

    /// Gives the slot of this key, which must be empty, to another node, as a resharding does.
    pub async fn move_slot_of(&self, key: &str) {
        let (slot, _, next) = self.slot_of(key).await;
        let id = next.id().await;

        // The new owner first, so that the slot is never without one.
        let others = self.nodes.iter().filter(|node| node.port != next.port);
        for node in std::iter::once(next).chain(others) {
            let mut command = redis::cmd("CLUSTER");
            command.arg("SETSLOT").arg(slot).arg("NODE").arg(&id);
            node.ask(&command).await;
        }
    }

    /// Begins to do so, and leaves it there: keys that its owner has not are asked for at the
    /// other.
    pub async fn begin_move_of(&self, key: &str) {
        let (slot, owner, next) = self.slot_of(key).await;
        for (node, what, other) in [(next, "IMPORTING", owner), (owner, "MIGRATING", next)] {
            let mut command = redis::cmd("CLUSTER");
            let id = other.id().await;
            command.arg("SETSLOT").arg(slot).arg(what).arg(id);
            node.ask(&command).await;
        }
    }

    /// The slot of a key, the node that has it from the start, and another one.
    async fn slot_of(&self, key: &str) -> (u16, &Node, &Node) {
        let mut command = redis::cmd("CLUSTER");
        let slot = self.nodes[0].ask(command.arg("KEYSLOT").arg(key)).await;
        let slot: u16 = redis::from_redis_value(slot).unwrap();
        let owner = usize::from(slot) * self.nodes.len() / usize::from(SLOTS);
        let next = &self.nodes[(owner + 1) % self.nodes.len()];
        (slot, &self.nodes[owner], next)
    }

    /// Ends the node of this number; its slots are then nobody's.
    pub fn kill(&mut self, number: usize) {
        let child = &mut self.nodes[number].child;
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Starts it again, with its slots and without its keys.
    pub async fn bring_back(&mut self, number: usize) {
        let node = &mut self.nodes[number];
        node.child = Node::run(node.port, node.bus, &node.folder);
        node.wait_until_it_answers().await;
        self.wait_until_it_is_whole().await;
    }

    async fn wait_until_it_is_whole(&self) {
        for node in &self.nodes {
            eventually("the cluster is whole", async || {
                let mut command = redis::cmd("CLUSTER");
                let info = node.ask(command.arg("INFO")).await;
                let info: String = redis::from_redis_value(info).unwrap();
                let is_whole = info.contains("cluster_state:ok");
                (is_whole && info.contains("cluster_known_nodes:3")).then_some(())
            })
            .await;
        }
    }
}

/// So many ports with the port of the nodes' own bus, all free now: they are held until all are
/// found.
fn free_pairs(count: usize) -> Vec<(u16, u16)> {
    let bind = || TcpListener::bind("127.0.0.1:0").unwrap();
    let held: Vec<_> = (0..count * 2).map(|_| bind()).collect();
    let ports = held.iter().map(|it| it.local_addr().unwrap().port());
    let ports: Vec<_> = ports.collect();
    ports.chunks(2).map(|pair| (pair[0], pair[1])).collect()
}

impl Node {
    fn start((port, bus): (u16, u16)) -> Self {
        let folder = std::env::temp_dir().join(format!("valkey-{}", Uuid::new_v4().simple()));
        std::fs::create_dir(&folder).unwrap();
        let child = Self::run(port, bus, &folder);
        Self {
            port,
            bus,
            child,
            folder,
        }
    }

    fn run(port: u16, bus: u16, folder: &Path) -> Child {
        let mut command = Command::new(valkey_program(&STACK).unwrap());
        command.args(["--bind", "127.0.0.1", "--port", &port.to_string()]);
        command.args(["--cluster-enabled", "yes", "--cluster-node-timeout", "1000"]);
        command.args(["--cluster-port", &bus.to_string()]);
        command.args(["--save", "", "--dir"]).arg(folder);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    }

    async fn wait_until_it_answers(&self) {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}", self.port)).unwrap();
        eventually("a node answers", async || {
            let connected = client.get_multiplexed_async_connection().await;
            connected.ok().map(drop)
        })
        .await;
    }

    async fn id(&self) -> String {
        let mut command = redis::cmd("CLUSTER");
        redis::from_redis_value(self.ask(command.arg("MYID")).await).unwrap()
    }

    async fn ask(&self, command: &redis::Cmd) -> redis::Value {
        let mut connection = raw(&format!("redis://127.0.0.1:{}", self.port)).await;
        command.query_async(&mut connection).await.unwrap()
    }
}

impl Drop for OwnCluster {
    fn drop(&mut self) {
        for node in &mut self.nodes {
            node.child.kill().unwrap();
            node.child.wait().unwrap();
            std::fs::remove_dir_all(&node.folder).unwrap();
        }
    }
}
