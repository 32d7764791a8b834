//! The circuits of one environment.

use std::sync::Arc;

use super::circuit::{Circuit, CircuitStore, UnsentReport};
use super::state::CircuitReport;
use super::view::CircuitView;
use crate::config::BreakerSettings;
use crate::deadline::Deadline;
use crate::valkey::{Batch, Valkey};

/// The circuits of one environment.
pub struct Breakers {
    circuits: Vec<Arc<Circuit>>,
    store: Arc<CircuitStore>,
    refreshing: tokio::sync::Mutex<()>,
}

impl Breakers {
    /// Circuits with these names and rules. Without Valkey they are this environment's own.
    pub fn new<'a>(
        valkey: Option<Arc<Valkey>>,
        circuits: impl IntoIterator<Item = (&'a str, BreakerSettings)>,
    ) -> Self {
        let store = Arc::new(CircuitStore {
            valkey,
            environment: uuid::Uuid::new_v4().simple().to_string(),
        });
        let new_circuit = |(name, settings)| {
            let circuit = Circuit::new(name, settings, Arc::clone(&store));
            Arc::new(circuit)
        };

        Self {
            circuits: circuits.into_iter().map(new_circuit).collect(),
            store,
            refreshing: tokio::sync::Mutex::default(),
        }
    }

    /// The circuit of this name.
    pub fn circuit(&self, name: &str) -> Option<&Arc<Circuit>> {
        self.circuits.iter().find(|circuit| circuit.name() == name)
    }

    /// All circuits, as monitoring sees them.
    pub fn views(&self) -> Vec<CircuitView> {
        self.circuits.iter().map(|circuit| circuit.view()).collect()
    }

    /// Brings every copy that is older than [`SNAPSHOT_TTL`](super::SNAPSHOT_TTL) up to date, in
    /// one round trip; none if there is no such copy. Callers that arrive together share it.
    pub async fn refresh(&self, deadline: Deadline) {
        let Some(valkey) = &self.store.valkey else {
            return;
        };
        if self.stale_circuits().next().is_none() {
            return;
        }

        let _turn = self.refreshing.lock().await;
        let unsent: Vec<_> = self
            .stale_circuits()
            .map(|circuit| circuit.unsent_report(CircuitReport::default()))
            .collect();
        if unsent.is_empty() {
            return; // another caller has refreshed them meanwhile
        }

        let mut batch = Batch::default();
        let add = |report: &UnsentReport<'_>| batch.add(report.state_request());
        let tickets: Vec<_> = unsent.iter().map(add).collect();

        match batch.run(valkey, deadline).await {
            Ok(mut answers) => {
                for (report, ticket) in unsent.into_iter().zip(tickets) {
                    let circuit = report.circuit();
                    circuit.adopt_answer(&report.mark_sent(), answers.take(ticket));
                }
            }
            Err(error) => {
                let stale: Vec<_> = unsent.iter().map(UnsentReport::circuit).collect();
                drop(unsent);
                for circuit in stale {
                    circuit.continue_locally(&CircuitReport::default(), &error);
                }
            }
        }
    }

    fn stale_circuits(&self) -> impl Iterator<Item = &Circuit> {
        self.circuits
            .iter()
            .map(|circuit| &**circuit)
            .filter(|circuit| !circuit.is_fresh())
    }
}
