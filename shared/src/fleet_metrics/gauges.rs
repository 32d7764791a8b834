//! Values of now: what the database, the queues, Valkey and the circuits say when they are asked.

use std::time::Duration;

use futures::future::join_all;

use super::exposition::Gauge;
use crate::deadline::Deadline;
use crate::error::{BoxError, error_chain};
use crate::jobs::queue::Queue;
use crate::postgres::Database;
use crate::resilience::breaker::Breakers;
use crate::resilience::breaker::state::Phase;

/// The longest that one source is waited for.
const SOURCE_TIMEOUT: Duration = Duration::from_secs(2);

/// Where values are asked for.
pub struct GaugeSources {
    /// Its connections, and what is not done of the jobs.
    pub database: Database,
    /// The queue of the jobs.
    pub jobs_queue: Queue,
    /// The one of those that were received too often.
    pub dead_letters: Queue,
    /// The circuits of all tiers.
    pub circuits: Vec<Breakers>,
}

/// A gauge of `sql/gauges.sql`.
struct DatabaseGauge {
    name: &'static str,
    label: &'static str,
    help: &'static str,
}

const fn of_database(name: &'static str, label: &'static str, help: &'static str) -> DatabaseGauge {
    DatabaseGauge { name, label, help }
}

const DATABASE_GAUGES: &[DatabaseGauge] = &[
    of_database(
        "db_connections",
        "state",
        "Connections to the database, by what they do",
    ),
    of_database(
        "db_connections_max",
        "",
        "Connections that the database allows",
    ),
    of_database("db_size_bytes", "", "How large the database is"),
    of_database("jobs_unfinished", "state", "Jobs that are not ended"),
    of_database(
        "jobs_oldest_age_seconds",
        "",
        "Since when the oldest job waits that is neither ended nor put off",
    ),
    of_database(
        "outbox_due",
        "",
        "Jobs whose message may be lost, for the next sweep",
    ),
    of_database(
        "jobs_failed",
        "kind",
        "Jobs that have failed for good and can be redriven",
    ),
    of_database(
        "job_messages_in_quarantine",
        "",
        "Messages that no parser understood",
    ),
];

impl GaugeSources {
    /// All values. A source that does not answer has none, and `scrape_source_up` says so.
    pub(super) async fn read(&self, deadline: Deadline) -> Vec<Gauge> {
        let deadline = deadline.at_most(SOURCE_TIMEOUT);
        let circuits = self.circuits.iter().map(|one| one.refresh(deadline));
        let (database, jobs, dead_letters, _) = futures::join!(
            within(deadline, self.read_database()),
            within(deadline, read_queue(&self.jobs_queue, "jobs")),
            within(deadline, read_queue(&self.dead_letters, "dead_letters")),
            join_all(circuits)
        );

        let sources = [
            ("database", database),
            ("jobs_queue", jobs),
            ("dead_letters", dead_letters),
        ];
        let mut ups = Vec::new();
        let mut gauges = Vec::new();
        for (source, read) in sources {
            ups.push(source_up(source, read.is_ok()));
            match read {
                Ok(read) => gauges.extend(read),
                Err(error) => {
                    let causes = error_chain(&*error);
                    tracing::warn!(source, causes, "a source of metrics does not answer");
                }
            }
        }
        gauges.extend(self.circuit_gauges());
        gauges.extend(ups);
        // The series of one metric stand together, in the order in which they came.
        gauges.sort_by_key(|gauge| gauge.name);
        gauges
    }

    async fn read_database(&self) -> Result<Vec<Gauge>, BoxError> {
        // On a connection of its own, so that an environment that is scraped holds none.
        let rows: Vec<(String, String, f64)> = self
            .database
            .probe(async |connection| {
                let rows = sqlx::query_as(include_str!("sql/gauges.sql"));
                Ok(rows.fetch_all(connection).await?)
            })
            .await?;

        let gauges = rows
            .into_iter()
            .filter_map(|(metric, value_of_label, value)| {
                let mut known = DATABASE_GAUGES.iter();
                let DatabaseGauge { name, label, help } =
                    known.find(|known| known.name == metric)?;
                let is_labelled = !label.is_empty();
                Some(Gauge {
                    name,
                    help,
                    labels: is_labelled
                        .then_some((*label, value_of_label))
                        .into_iter()
                        .collect(),
                    value,
                })
            });
        Ok(gauges.collect())
    }

    fn circuit_gauges(&self) -> Vec<Gauge> {
        // What one environment believes without Valkey says nothing of the fleet.
        let views = self.circuits.iter().flat_map(Breakers::views);
        let views = views.filter(|view| view.is_shared);
        let phases = views.flat_map(|view| {
            Phase::ALL.map(|phase| Gauge {
                name: "circuit_phase",
                help: "1 for the phase that a circuit is in",
                labels: vec![
                    ("circuit", view.name.clone()),
                    ("phase", phase.as_str().to_owned()),
                ],
                value: f64::from(u8::from(view.phase == phase)),
            })
        });
        phases.collect()
    }
}

/// Whether a source answered.
pub(super) fn source_up(source: &'static str, is_up: bool) -> Gauge {
    Gauge {
        name: "scrape_source_up",
        help: "Whether a source of these metrics has answered",
        labels: vec![("source", source.to_owned())],
        value: f64::from(u8::from(is_up)),
    }
}

async fn within(
    deadline: Deadline,
    read: impl Future<Output = Result<Vec<Gauge>, BoxError>>,
) -> Result<Vec<Gauge>, BoxError> {
    deadline.run(read).await?
}

async fn read_queue(queue: &Queue, name: &'static str) -> Result<Vec<Gauge>, BoxError> {
    let depth = queue.depth().await?;
    let states = [
        ("visible", depth.visible),
        ("in_flight", depth.in_flight),
        ("delayed", depth.delayed),
    ];
    let gauges = states.map(|(state, messages)| Gauge {
        name: "queue_messages",
        help: "Messages in a queue, about",
        labels: vec![("queue", name.to_owned()), ("state", state.to_owned())],
        value: f64::from(messages),
    });
    Ok(gauges.into())
}
