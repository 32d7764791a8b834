//! Two hundred connections with ten events a second each, which come back once meanwhile: nothing
//! is lost, and nothing comes out of order.
//!
//! It harms nothing, but keeps the emulator so busy that it runs alone, too. It prints what it
//! measures.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::future::join_all;
use futures::{StreamExt, stream};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::Semaphore;
use uuid::Uuid;
use wenzhen::deadline::Deadline;
use wenzhen::identity::TenantId;
use wenzhen::postgres::Database;

use crate::jobs::database_at;
use crate::support::socket::{Received, Socket, pusher};
use crate::support::{STACK, User, database};

/// Consultations, each of a user of its own.
const CONSULTATIONS: usize = 20;

/// Connections that follow each consultation: as many as a user may have.
const FOLLOWERS: usize = 10;

/// Events of each consultation.
const EVENTS: usize = 300;

/// From one event to the next.
const EVENT_INTERVAL: Duration = Duration::from_millis(100);

/// Connections that are opened at the same time: each call of a function starts a process here.
const CONCURRENT_OPENINGS: usize = 4;

/// From one push to the next: the events of this time share a frame.
const PUSH_INTERVAL: Duration = Duration::from_secs(2);

/// Environments that push.
const PUSHERS: usize = 4;

/// The longest push.
const PUSH_TIMEOUT: Duration = Duration::from_secs(30);

/// A consultation under way, whose job makes progress whenever the test says so.
struct Followed {
    user: User,
    id: Value,
    job: Uuid,
    /// The last event before the test's own.
    before: i64,
}

impl Followed {
    async fn begin() -> Self {
        let user = User::new().await;
        let accepted = user.complain("a headache").await;
        user.outcome(&accepted).await;

        let mut followed = Self {
            id: accepted["id"].clone(),
            job: accepted["job_id"].as_str().unwrap().parse().unwrap(),
            user,
            before: 0,
        };
        let reopened = sqlx::query(
            "UPDATE jobs
             SET state = 'active', lease_token = id, lease_expires_at = now() + interval '1 hour'
             WHERE tenant_id = $1 AND id = $2",
        );
        let mut connection = database().await;
        reopened
            .bind(&followed.user.tenant)
            .bind(followed.job)
            .execute(&mut connection)
            .await
            .unwrap();

        let last = sqlx::query_scalar("SELECT last_id FROM event_streams WHERE tenant_id = $1");
        let last = last.bind(&followed.user.tenant);
        followed.before = last.fetch_one(&mut connection).await.unwrap();
        followed
    }

    /// The last event of all.
    fn last(&self) -> i64 {
        self.before + i64::try_from(EVENTS).unwrap()
    }
}

/// What was measured.
#[derive(Default)]
struct Measured {
    /// Frames with events.
    frames: AtomicUsize,
    /// From each event to its arrival, in milliseconds.
    delays: std::sync::Mutex<Vec<i128>>,
}

impl Measured {
    fn note(&self, frame: &Value) {
        self.frames.fetch_add(1, Ordering::Relaxed);
        let now = OffsetDateTime::now_utc();
        let events = frame["events"].as_array().into_iter().flatten();
        let delays = events.map(|event| {
            let at = OffsetDateTime::parse(event["at"].as_str().unwrap(), &Rfc3339).unwrap();
            (now - at).whole_milliseconds()
        });
        self.delays.lock().unwrap().extend(delays);
    }

    fn print(&self, elapsed: Duration) {
        let mut delays = self.delays.lock().unwrap();
        delays.sort_unstable();
        let count = delays.len();
        let quantile = |percent: usize| delays[(count - 1) * percent / 100];
        println!(
            "{} connections, {count} events in {} frames within {} s; delay p50 {} ms, p99 {} ms",
            CONSULTATIONS * FOLLOWERS,
            self.frames.load(Ordering::Relaxed),
            elapsed.as_secs(),
            quantile(50),
            quantile(99),
        );
    }
}

/// Makes an event of each consultation every tenth of a second.
async fn make_events(followed: &[Followed]) {
    let mut connection = database().await;
    let jobs: Vec<_> = followed.iter().map(|one| one.job).collect();
    let mut ticks = tokio::time::interval(EVENT_INTERVAL);

    for number in 0..EVENTS {
        ticks.tick().await;
        let progress = i16::try_from(number % 100).unwrap();
        sqlx::query("UPDATE jobs SET progress = $1 WHERE id = ANY ($2)")
            .bind(progress)
            .bind(&jobs)
            .execute(&mut connection)
            .await
            .unwrap();
    }
}

/// Pushes to those who follow a consultation, again and again.
async fn keep_pushing(database: &Database, followed: &Followed, is_over: &AtomicBool) {
    let pusher = pusher().await;
    let tenant = TenantId::try_from(followed.user.tenant.clone()).unwrap();
    let id = followed.id.as_str().unwrap().parse().unwrap();

    while !is_over.load(Ordering::Relaxed) {
        let deadline = Deadline::after(PUSH_TIMEOUT);
        pusher.push(database, &tenant, id, deadline).await;
        tokio::time::sleep(PUSH_INTERVAL).await;
    }
}

/// What all followers share.
struct Shared {
    measured: Measured,
    openings: Semaphore,
}

/// Follows until event `last` has come, and comes back once on the way.
async fn follow(
    followed: &Followed,
    mut socket: Socket,
    comes_back_at: i64,
    shared: &Shared,
) -> Received {
    let mut received = Received::default();
    let mut has_come_back = false;
    while received.last() < followed.last() {
        let frame = socket.next_of("events").await;
        shared.measured.note(&frame);
        received.take_in_order(&frame);

        if !has_come_back && received.last() >= comes_back_at {
            has_come_back = true;
            let _turn = shared.openings.acquire().await.unwrap();
            socket.close().await;
            socket = reopen(followed).await;
            socket.subscribe(&followed.id, received.last()).await;
        }
    }
    received
}

/// Comes back as soon as the user may have another connection.
async fn reopen(followed: &Followed) -> Socket {
    let offer = format!("wenzhen, {}", followed.user.token);
    crate::support::eventually("a connection is let in", async || {
        Socket::offer(&offer, "").await.ok()
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_connections_lose_nothing() {
    let followed: Vec<_> = stream::iter(0..CONSULTATIONS)
        .map(|_| Followed::begin())
        .buffer_unordered(CONCURRENT_OPENINGS)
        .collect()
        .await;
    let pairs = followed.iter().flat_map(|one| [one; FOLLOWERS]);
    let sockets: Vec<_> = stream::iter(pairs)
        .map(async |one| {
            let mut socket = Socket::open(&one.user).await;
            socket.subscribe(&one.id, 0).await;
            (one, socket)
        })
        .buffer_unordered(CONCURRENT_OPENINGS)
        .collect()
        .await;

    let is_over = AtomicBool::new(false);
    let shared = &Shared {
        measured: Measured::default(),
        openings: Semaphore::new(CONCURRENT_OPENINGS),
    };
    let started = Instant::now();

    let url = STACK.env("DATABASE_URL").unwrap();
    let databases: Vec<_> = join_all((0..PUSHERS).map(|_| database_at(&url))).await;
    let databases: Vec<_> = databases.into_iter().map(Arc::new).collect();
    let pushing = followed.iter().enumerate().map(|(index, one)| {
        let database = &databases[index % PUSHERS];
        keep_pushing(database, one, &is_over)
    });

    // One after the other: in the end all have come back.
    let following = sockets.into_iter().enumerate();
    let following = following.map(|(index, (one, socket))| {
        let share = index * EVENTS / (CONSULTATIONS * FOLLOWERS + 50);
        let comes_back_at = one.before + 1 + i64::try_from(share).unwrap();
        async move {
            let received = follow(one, socket, comes_back_at, shared).await;
            (one, received)
        }
    });
    let working = async {
        let (received, ()) = futures::join!(join_all(following), make_events(&followed));
        is_over.store(true, Ordering::Relaxed);
        received
    };
    let (received, _) = futures::join!(working, join_all(pushing));

    shared.measured.print(started.elapsed());
    assert_eq!(received.len(), CONSULTATIONS * FOLLOWERS);
    for (one, received) in &received {
        assert_eq!(received.last(), one.last());

        // In the order in which they were made.
        let own = received
            .events()
            .iter()
            .skip(usize::try_from(one.before).unwrap());
        let told: Vec<_> = own
            .map(|event| event["progress"].as_u64().unwrap())
            .collect();
        let made: Vec<_> = (0..EVENTS).map(|number| (number % 100) as u64).collect();
        assert_eq!(told, made);
    }
}
