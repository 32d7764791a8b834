//! The limiter beside the one of the system's first design, on the same server in one run, and the
//! cache under a Zipf load. `cargo xtask bench` runs it.
#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads where its server is"
)]
#![expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::future::join_all;
use redis::aio::MultiplexedConnection;
use wenzhen::cache::{Cache, CachePolicy, EntryKind, Key, Level, LoadRequest};
use wenzhen::config::ValkeySettings;
use wenzhen::deadline::Deadline;
use wenzhen::identity::TenantId;
use wenzhen::limits::{Algorithm, LimitCheck, Rate, script};
use wenzhen::valkey::Valkey;

const DECISIONS: usize = 100_000;
const KEYS: usize = 200;
const BATCH: usize = 100;
const LIMIT: u64 = 100;

/// `@RateLimit({limit, window})` of the first design: a sorted set, into which every call goes,
/// even a refused one.
const FIRST_DESIGN: &str = "
local now = tonumber(ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], 0, now - tonumber(ARGV[2]))
redis.call('ZADD', KEYS[1], now, ARGV[3])
local count = redis.call('ZCARD', KEYS[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return count <= tonumber(ARGV[4]) and 1 or 0";

fn url() -> String {
    std::env::var("VALKEY_URL").expect("run `cargo xtask bench`")
}

async fn load(connection: &mut MultiplexedConnection, text: &str) -> String {
    redis::cmd("SCRIPT")
        .arg("LOAD")
        .arg(text)
        .query_async(connection)
        .await
        .unwrap()
}

/// Decisions a second, and the bytes of a key that is at its limit.
async fn measure(
    connection: &mut MultiplexedConnection,
    name: &str,
    sha: &str,
    arguments: impl Fn(usize) -> Vec<String>,
) -> (f64, u64) {
    let started = Instant::now();
    for batch in 0..DECISIONS / BATCH {
        let mut pipeline = redis::pipe();
        for at in 0..BATCH {
            let number = batch * BATCH + at;
            let key = format!("bench:{{{name}}}:{}", number % KEYS);
            pipeline
                .cmd("EVALSHA")
                .arg(sha)
                .arg(1)
                .arg(key)
                .arg(arguments(number));
        }
        let _: Vec<redis::Value> = pipeline.query_async(connection).await.unwrap();
    }

    let rate = DECISIONS as f64 / started.elapsed().as_secs_f64();
    let key = format!("bench:{{{name}}}:0");
    let bytes: Option<u64> = redis::cmd("MEMORY")
        .arg("USAGE")
        .arg(key)
        .arg("SAMPLES")
        .arg(0)
        .query_async(connection)
        .await
        .unwrap();

    (rate, bytes.unwrap_or(0))
}

async fn limiter() {
    let mut connection = redis::Client::open(url())
        .unwrap()
        .get_multiplexed_async_connection()
        .await
        .unwrap();

    let ours = format!(
        "local time = redis.call('TIME')\nlocal now, slack = time[1] * 1000000 + time[2], 0\n{}",
        script::SOURCE
    );
    let (ours, theirs) = (
        load(&mut connection, &ours).await,
        load(&mut connection, FIRST_DESIGN).await,
    );
    let check = |algorithm| LimitCheck {
        key: String::new(),
        rate: Rate {
            algorithm,
            limit: LIMIT,
            window: 60_000_000,
        },
        cost: 1,
    };
    let window = script::check_arguments(&check(Algorithm::SlidingWindow));
    let bucket = script::check_arguments(&check(Algorithm::TokenBucket { burst: LIMIT }));

    println!("{DECISIONS} decisions on {KEYS} keys, {LIMIT} in 60 s, in pipelines of {BATCH}\n");
    println!("                                    decisions/s    bytes of a key");

    let now = || {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_millis()
    };
    let first = |number: usize| {
        vec![
            now().to_string(),
            "60000".to_owned(),
            format!("{}-{number}", now()),
            LIMIT.to_string(),
        ]
    };

    let rows = [
        (
            "first design, sorted set",
            measure(&mut connection, "zset", &theirs, first).await,
        ),
        (
            "exact sliding window",
            measure(&mut connection, "window", &ours, |_| window.to_vec()).await,
        ),
        (
            "token bucket",
            measure(&mut connection, "bucket", &ours, |_| bucket.to_vec()).await,
        ),
    ];

    let (base_rate, base_bytes) = rows[0].1;
    for (name, (rate, bytes)) in rows {
        let (times, part) = (rate / base_rate, bytes as f64 / base_bytes as f64);
        println!("  {name:<30} {rate:>12.0} ({times:4.2}x) {bytes:>9} ({part:5.3}x)");
    }
}

const USERS: usize = 10_000;
const READS: usize = 100_000;
const ENVIRONMENTS: usize = 20;

/// Ranks drawn by Zipf's law with exponent 1.
fn zipf(random: &mut fastrand::Rng, cumulated: &[f64]) -> usize {
    let draw = random.f64() * cumulated.last().copied().unwrap_or(1.0);
    cumulated.partition_point(|sum| *sum < draw)
}

async fn cache() {
    const NAMES: EntryKind<String> = EntryKind::new("bench-users", 1);
    let policy = CachePolicy::new(Duration::from_mins(5));
    let settings = ValkeySettings {
        url: Some(url().parse().unwrap()),
        prefix: "bench-cache".to_owned(),
    };

    let valkeys: Vec<_> = (0..ENVIRONMENTS)
        .map(|_| Arc::new(Valkey::new(&settings).unwrap().unwrap()))
        .collect();
    let caches: Vec<_> = valkeys
        .iter()
        .map(|valkey| Cache::new(Some(Arc::clone(valkey))))
        .collect();

    let weights = (1..=USERS).scan(0.0, |sum, rank| {
        *sum += 1.0 / rank as f64;
        Some(*sum)
    });
    let cumulated: Vec<f64> = weights.collect();

    let tenant = TenantId::try_from("bench".to_owned()).unwrap();
    let (queries, memory) = (AtomicU64::new(0), AtomicU64::new(0));
    let started = Instant::now();
    join_all(caches.iter().enumerate().map(|(seed, cache)| {
        let (tenant, queries, memory, cumulated) = (&tenant, &queries, &memory, &cumulated);
        async move {
            let mut random = fastrand::Rng::with_seed(seed as u64);
            for _ in 0..READS / ENVIRONMENTS {
                let user = zipf(&mut random, cumulated).to_string();
                let key = Key::of_tenant(tenant, &NAMES, &user);
                let query = async || {
                    queries.fetch_add(1, Ordering::Relaxed);
                    Ok(Some(format!(
                        "user {user}, whose row has some hundred bytes {}",
                        "x".repeat(200)
                    )))
                };
                let deadline = Deadline::after(Duration::from_secs(10));
                let request = LoadRequest {
                    key: &key,
                    policy: &policy,
                    deadline,
                };
                let found = cache.get_or_load(request, query).await.unwrap();
                memory.fetch_add(u64::from(found.level == Level::Memory), Ordering::Relaxed);
            }
        }
    }))
    .await;

    let trips: u64 = valkeys.iter().map(|valkey| valkey.round_trips()).sum();
    let (queries, memory) = (queries.into_inner(), memory.into_inner());
    println!(
        "\n{READS} reads of {USERS} users by {ENVIRONMENTS} environments, Zipf(1.0) ({:.1} s)\n",
        started.elapsed().as_secs_f64()
    );
    println!(
        "  queries of the database  {queries:>7}   hits {:.1} %",
        100.0 * (1.0 - queries as f64 / READS as f64)
    );
    println!("  values held in memory    {memory:>7}   so many were not sent again");
    println!(
        "  round trips to Valkey    {trips:>7}   {:.3} for each read",
        trips as f64 / READS as f64
    );
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    limiter().await;
    cache().await;
}
