//! What the limits must decide, by brute force, on a clock that the test sets.

use redis::Pipeline;
use redis::aio::MultiplexedConnection;
use wenzhen::limits::local::LocalLimiter;
use wenzhen::limits::{Algorithm, LimitCheck, Rate, Verdict, script};

use crate::support::valkey::prefix;

/// Microseconds since 1970 at which the clock begins.
pub const START: u64 = 1_790_000_000_000_000;

/// One limit by brute force: all that was admitted, looked through each time; a bucket that is
/// filled drop by drop, `limit` drops in a microsecond, and a call takes as many as the window has
/// microseconds.
struct Model {
    rate: Rate,
    admitted: Vec<AdmittedCall>,
    /// Below 0 if more was charged afterwards than the bucket held.
    drops: i128,
    filled_at: u64,
}

struct AdmittedCall {
    at: u64,
    cost: u64,
}

impl Model {
    fn new(rate: Rate, now: u64) -> Self {
        let drops = match rate.algorithm {
            Algorithm::TokenBucket { burst } => drops_of(&rate, burst),
            Algorithm::SlidingWindow => 0,
        };
        Self {
            rate,
            admitted: Vec::new(),
            drops,
            filled_at: now,
        }
    }

    fn room(&mut self, now: u64) -> u64 {
        match self.rate.algorithm {
            Algorithm::TokenBucket { burst } => {
                self.fill(burst, now);
                let room = self.drops.max(0) / i128::from(self.rate.window);
                u64::try_from(room).unwrap()
            }
            Algorithm::SlidingWindow => self.rate.limit - self.in_window(now),
        }
    }

    /// Whether it owes more than it held: then also a call without cost has to wait.
    const fn is_overdrawn(&self) -> bool {
        self.drops < 0
    }

    fn fill(&mut self, burst: u64, now: u64) {
        let elapsed = i128::from(now - self.filled_at);
        let filled = self.drops + elapsed * i128::from(self.rate.limit);
        self.drops = filled.min(drops_of(&self.rate, burst));
        self.filled_at = now;
    }

    /// Charges `cost` more, or gives back.
    fn settle(&mut self, cost: i64, now: u64) {
        if let Algorithm::TokenBucket { burst } = self.rate.algorithm {
            self.fill(burst, now);
            self.drops -= i128::from(cost) * i128::from(self.rate.window);
            self.fill(burst, now);
        }
    }

    /// The cost of the calls that count: those of one grain count until the last of them leaves.
    fn in_window(&self, now: u64) -> u64 {
        let Rate { window, .. } = self.rate;
        let grain_of = |call: &AdmittedCall| call.at / self.rate.grain();
        let grains = self
            .admitted
            .chunk_by(|one, next| grain_of(one) == grain_of(next));

        let counted = grains.filter(|calls| calls.last().unwrap().at + window > now);
        counted.flatten().map(|call| call.cost).sum()
    }

    fn charge(&mut self, cost: u64, now: u64) {
        self.admitted.push(AdmittedCall { at: now, cost });
        if let Algorithm::TokenBucket { .. } = self.rate.algorithm {
            self.drops -= drops_of(&self.rate, cost);
        }
    }
}

fn drops_of(rate: &Rate, cost: u64) -> i128 {
    i128::from(cost) * i128::from(rate.window)
}

pub fn random_rate(random: &mut fastrand::Rng) -> Rate {
    if random.u8(0..3) == 0 {
        return large_rate(random);
    }

    let limit = random.u64(1..40);
    let window = random.u64(1_000..5_000_000);
    let algorithm = if random.bool() {
        let burst = random.u64(1..60);
        Algorithm::TokenBucket { burst }
    } else {
        Algorithm::SlidingWindow
    };

    Rate {
        algorithm,
        limit,
        window,
    }
}

/// Millions in a minute: the 50 million tokens that a provider sells, or less, round and not.
fn large_rate(random: &mut fastrand::Rng) -> Rate {
    let limits = [
        50_000_000,
        49_999_999,
        10_000_000,
        random.u64(10_001..50_000_000),
    ];
    let limit = limits[random.usize(0..4)];
    let algorithm = if random.bool() {
        let bursts = [limit, random.u64(1..=limit)];
        let burst = bursts[random.usize(0..2)];
        Algorithm::TokenBucket { burst }
    } else {
        Algorithm::SlidingWindow
    };

    Rate {
        algorithm,
        limit,
        window: 60_000_000,
    }
}

/// A pause between two calls: none, or of one of four orders of magnitude.
fn random_pause(random: &mut fastrand::Rng) -> u64 {
    let pauses = [
        0,
        random.u64(0..3),
        random.u64(0..300),
        random.u64(0..200_000),
        random.u64(0..3_000_000),
    ];
    pauses[random.usize(0..5)]
}

/// A few, or up to a quarter of a large limit.
pub fn random_cost(random: &mut fastrand::Rng, rate: &Rate) -> u64 {
    match random.u8(0..4) {
        0 | 1 => 1,
        2 => random.u64(0..12),
        _ => random.u64(0..12.max(rate.limit / 4)),
    }
}

/// The hashes of the scripts on a clock that the last argument sets, loaded into the server.
pub struct Scripts {
    pub decide: String,
    pub settle: String,
}

impl Scripts {
    pub async fn load(connection: &mut MultiplexedConnection) -> Self {
        Self {
            decide: load_script(connection, script::SOURCE).await,
            settle: load_script(connection, script::SETTLE_SOURCE).await,
        }
    }
}

async fn load_script(connection: &mut MultiplexedConnection, source: &str) -> String {
    let text = format!("local now, slack = tonumber(ARGV[#ARGV]), 600000\n{source}");
    let mut load = redis::cmd("SCRIPT");
    load.arg("LOAD").arg(text);
    load.query_async(connection).await.unwrap()
}

/// A hundred calls of one client, whose limits the model and the local limiter have decided, and
/// some of which are settled.
pub struct Walk {
    pub rates: Vec<Rate>,
    /// The same calls for the script.
    pub pipeline: Pipeline,
    pub expected: Vec<Vec<Verdict>>,
    pub admitted: usize,
}

pub fn random_walk(random: &mut fastrand::Rng, scripts: &Scripts) -> Walk {
    let rates: Vec<_> = (0..random.usize(1..4))
        .map(|_| random_rate(random))
        .collect();
    let tag = prefix();
    let mut now = START;
    let mut models: Vec<_> = rates.iter().map(|rate| Model::new(*rate, now)).collect();
    let mut local = LocalLimiter::default();
    let mut walk = Walk {
        rates: rates.clone(),
        pipeline: redis::pipe(),
        expected: Vec::new(),
        admitted: 0,
    };

    for _ in 0..100 {
        now += random_pause(random);
        let checks = rates.iter().enumerate().map(|(at, rate)| LimitCheck {
            key: format!("{tag}:{{limits}}:{at}"),
            rate: *rate,
            cost: random_cost(random, rate),
        });
        let checks: Vec<_> = checks.collect();

        let modelled = decide_by_models(&mut models, &checks, now);
        walk.admitted += usize::from(modelled.iter().all(|(fits, _)| *fits));
        let verdicts = local.decide(&checks, now);
        let decided = verdicts
            .iter()
            .map(|verdict| (verdict.is_admitted, verdict.remaining));
        assert_eq!(decided.collect::<Vec<_>>(), modelled);

        let keys: Vec<_> = checks.iter().map(|check| check.key.clone()).collect();
        let arguments = checks.iter().flat_map(script::check_arguments);
        let arguments: Vec<_> = arguments.chain([now.to_string()]).collect();
        let command = walk.pipeline.cmd("EVALSHA");
        command.arg(&scripts.decide).arg(keys.len()).arg(&keys);
        command.arg(arguments);
        walk.expected.push(verdicts);

        if random.u8(0..4) == 0 {
            let (at, check) = (checks.len() - 1, &checks[checks.len() - 1]);
            let settlement = RandomSettlement::new(random, check);
            models[at].settle(settlement.cost, now);
            settlement.apply(&mut local, &mut walk.pipeline, scripts, now);
        }
    }
    walk
}

/// Whether each limit lets the call in, and what is left of it.
fn decide_by_models(models: &mut [Model], checks: &[LimitCheck], now: u64) -> Vec<(bool, u64)> {
    let rooms: Vec<_> = models.iter_mut().map(|model| model.room(now)).collect();
    let fits = models.iter().zip(checks).zip(&rooms);
    let fits = fits.map(|((model, check), room)| !model.is_overdrawn() && check.cost <= *room);
    let fits: Vec<_> = fits.collect();

    let is_admitted = fits.iter().all(|fits| *fits);
    for (model, check) in models.iter_mut().zip(checks).filter(|_| is_admitted) {
        model.charge(check.cost, now);
    }

    let costs = checks
        .iter()
        .map(|check| if is_admitted { check.cost } else { 0 });
    let left = rooms.iter().zip(costs).map(|(room, cost)| room - cost);
    fits.into_iter().zip(left).collect()
}

/// The real cost of a call, less or more than its charge.
struct RandomSettlement<'a> {
    check: &'a LimitCheck,
    cost: i64,
}

impl<'a> RandomSettlement<'a> {
    fn new(random: &mut fastrand::Rng, check: &'a LimitCheck) -> Self {
        let cost = i64::try_from(random_cost(random, &check.rate)).unwrap();
        let cost = if random.bool() { cost } else { -cost };
        Self { check, cost }
    }

    /// Of a bucket, for both limiters. A window is not settled.
    fn apply(self, local: &mut LocalLimiter, pipeline: &mut Pipeline, scripts: &Scripts, now: u64) {
        let LimitCheck { key, rate, .. } = self.check;
        if rate.algorithm == Algorithm::SlidingWindow {
            return;
        }

        let fill = rate.fill();
        let shift = i128::from(self.cost) * i128::from(fill.step);
        local.settle(key, rate, shift, now);

        let command = pipeline.cmd("EVALSHA").arg(&scripts.settle).arg(1).arg(key);
        let arguments = [shift, i128::from(fill.scale), i128::from(now)];
        command.arg(arguments.map(|number| number.to_string()).as_slice());
        pipeline.ignore();
    }
}
