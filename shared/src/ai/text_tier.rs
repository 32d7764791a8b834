//! Endpoints that turn texts into numbers, asked in order: vectors, or how well texts answer a
//! question.
//!
//! Each endpoint has a circuit of its own and a share of the call's time.

use std::sync::Arc;

use serde_json::Value;

use super::attempt::TimeBudget;
use super::fault::Fault;
use super::service::{ServiceAddress, ServiceCall, ServiceEndpoint, ServiceKind, ServiceRequest};
use crate::aws::Secrets;
use crate::config::{ConfigError, EMBEDDINGS, EmbeddingTierSettings};
use crate::resilience::breaker::Breakers;

/// No endpoint answered as it should; the logs say why.
#[derive(Debug, thiserror::Error)]
#[error("no endpoint answered as it should")]
pub struct NoNumbers {
    /// Whether another try may go better: not if an endpoint refused the texts.
    pub may_pass: bool,
}

/// One endpoint.
pub(super) struct TextTier {
    /// What stands behind the base URL.
    path: &'static str,
    /// The model's name at this endpoint.
    pub(super) model: String,
    endpoint: ServiceEndpoint,
}

impl TextTier {
    /// Makes the clients of all endpoints. Nothing is asked yet.
    pub(super) fn all(
        kind: ServiceKind,
        settings: Vec<EmbeddingTierSettings>,
        model: &str,
        breakers: &Breakers,
        secrets: &Arc<Secrets>,
    ) -> Result<Vec<Self>, ConfigError> {
        let mut tiers = Vec::new();
        for tier in settings {
            let Some(circuit) = breakers.circuit(&kind.circuit_name(&tier.name)) else {
                continue;
            };
            let address = ServiceAddress {
                setting: EMBEDDINGS,
                name: &tier.name,
                url: &tier.base_url,
                key: tier.key.as_ref(),
                key_header: None,
                connect_timeout: tier.connect_timeout(),
                total_timeout: tier.total_timeout(),
            };

            tiers.push(Self {
                path: kind.name,
                endpoint: ServiceEndpoint::new(kind, address, circuit, secrets)?,
                model: tier.model.unwrap_or_else(|| model.to_owned()),
            });
        }
        Ok(tiers)
    }
}

/// The numbers of the first endpoint that gives them.
pub(super) async fn first_answer<T>(
    tiers: &[TextTier],
    call: &ServiceCall,
    body_for: impl Fn(&TextTier) -> Value,
    read: impl Fn(&[u8]) -> Result<T, Fault>,
) -> Result<T, NoNumbers> {
    let mut may_pass = false;
    for (tier, later) in tiers.iter().zip((0..tiers.len()).rev()) {
        let later = u32::try_from(later).unwrap_or(u32::MAX);
        let share = TimeBudget::among(call.answer_deadline(), later).first_token;

        let (endpoint, body) = (&tier.endpoint, body_for(tier));
        let request = ServiceRequest::post(tier.path, &body);
        match endpoint.ask(request, call, share, &read).await {
            Ok(answer) => return Ok(answer),
            Err(fault) => {
                may_pass |= !fault.is_about_the_request();
                endpoint.report_fault(&fault);
            }
        }
    }
    Err(NoNumbers { may_pass })
}
