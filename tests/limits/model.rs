//! What the limits must decide, by brute force, on a clock that the test sets.

use redis::Pipeline;
use redis::aio::MultiplexedConnection;
use wenzhen::limits::local::LocalLimiter;
use wenzhen::limits::{Algorithm, LimitCheck, Rate, Verdict, script};

use crate::support::valkey::prefix;

/// Microseconds since 1970 at which the clock begins.
pub const START: u64 = 1_790_000_000_000_000;

/// One limit by brute force: all that was admitted, looked through each time; a bucket that is
/// filled drop by drop.
struct Model {
    rate: Rate,
    admitted: Vec<AdmittedCall>,
    level: u64,
    filled_at: u64,
}

struct AdmittedCall {
    at: u64,
    cost: u64,
}

impl Model {
    fn new(rate: Rate, now: u64) -> Self {
        let level = match rate.algorithm {
            Algorithm::TokenBucket { burst } => burst * rate.step(),
            Algorithm::SlidingWindow => 0,
        };
        Self {
            rate,
            admitted: Vec::new(),
            level,
            filled_at: now,
        }
    }

    fn room(&mut self, now: u64) -> u64 {
        match self.rate.algorithm {
            Algorithm::TokenBucket { burst } => {
                let filled = self.level + (now - self.filled_at);
                self.level = filled.min(burst * self.rate.step());
                self.filled_at = now;
                self.level / self.rate.step()
            }
            Algorithm::SlidingWindow => {
                let is_in_window = |call: &&AdmittedCall| call.at + self.rate.window > now;
                let in_window = self.admitted.iter().filter(is_in_window);
                self.rate.limit - in_window.map(|call| call.cost).sum::<u64>()
            }
        }
    }

    fn charge(&mut self, cost: u64, now: u64) {
        self.admitted.push(AdmittedCall { at: now, cost });
        if let Algorithm::TokenBucket { .. } = self.rate.algorithm {
            self.level -= cost * self.rate.step();
        }
    }
}

pub fn random_rate(random: &mut fastrand::Rng) -> Rate {
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

/// A pause between two calls: none, or of one of three orders of magnitude.
fn random_pause(random: &mut fastrand::Rng) -> u64 {
    let pauses = [
        0,
        random.u64(0..300),
        random.u64(0..200_000),
        random.u64(0..3_000_000),
    ];
    pauses[random.usize(0..4)]
}

fn random_cost(random: &mut fastrand::Rng) -> u64 {
    if random.bool() { 1 } else { random.u64(0..12) }
}

/// The script on a clock that the last argument sets, loaded into the server.
pub async fn load_script(connection: &mut MultiplexedConnection) -> String {
    let source = script::SOURCE;
    let text = format!("local now, slack = tonumber(ARGV[#ARGV]), 600000\n{source}");
    let mut load = redis::cmd("SCRIPT");
    load.arg("LOAD").arg(text);
    load.query_async(connection).await.unwrap()
}

/// A hundred calls of one client, whose limits the model and the local limiter have decided.
pub struct Walk {
    pub rates: Vec<Rate>,
    /// The same calls for the script.
    pub pipeline: Pipeline,
    pub expected: Vec<Vec<Verdict>>,
    pub admitted: usize,
}

pub fn random_walk(random: &mut fastrand::Rng, script_hash: &str) -> Walk {
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
            cost: random_cost(random),
        });
        let checks: Vec<_> = checks.collect();

        let rooms: Vec<_> = models.iter_mut().map(|model| model.room(now)).collect();
        let fits = |(check, room): (&LimitCheck, &u64)| check.cost <= *room;
        let is_admitted = checks.iter().zip(&rooms).all(fits);
        if is_admitted {
            for (model, check) in models.iter_mut().zip(&checks) {
                model.charge(check.cost, now);
            }
            walk.admitted += 1;
        }

        let verdicts = local.decide(&checks, now);
        for ((verdict, room), check) in verdicts.iter().zip(&rooms).zip(&checks) {
            let left = if is_admitted {
                room - check.cost
            } else {
                *room
            };
            assert_eq!(verdict.is_admitted, check.cost <= *room);
            assert_eq!(verdict.remaining, left);
        }

        let keys: Vec<_> = checks.iter().map(|check| check.key.clone()).collect();
        let arguments = checks.iter().flat_map(script::check_arguments);
        let arguments: Vec<_> = arguments.chain([now.to_string()]).collect();
        let command = walk.pipeline.cmd("EVALSHA");
        command.arg(script_hash).arg(keys.len()).arg(&keys);
        command.arg(arguments);
        walk.expected.push(verdicts);
    }
    walk
}
