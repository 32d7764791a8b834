//! One endpoint that turns texts into numbers: vectors, or how well they answer a question.
//!
//! Each endpoint has a circuit of its own, a share of the call's time, and the same retries as a
//! tier that answers chats.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use serde_json::Value;

use super::attempt::{REPORT_RESERVE, TimeBudget, client_of};
use super::endpoint::{Endpoint, EndpointRequest, fault_of_silence, new_http_client, read_bounded};
use super::fault::Fault;
use super::response::settle_permit;
use super::tier::RETRY_POLICY;
use crate::aws::Secrets;
use crate::config::{ConfigError, EMBEDDINGS, EmbeddingTierSettings};
use crate::deadline::Deadline;
use crate::error::error_chain;
use crate::identity::{TenantId, UserId};
use crate::resilience::breaker::{Admission, Breakers, Circuit};
use crate::resilience::retry;
use crate::telemetry::metrics;

/// The largest answer that is read: 256 vectors of 4,000 numbers.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// Whose calls a job's are, among the users of its tenant. No user's id is `*`.
const JOBS: &str = "*";

/// Whose texts they are, and until when numbers are of use.
#[derive(Clone)]
pub struct EmbeddingCall {
    client: String,
    pub(super) deadline: Deadline,
}

impl EmbeddingCall {
    /// For a person of a tenant, so that circuits can tell their faults from others'.
    pub fn of_user(tenant: &TenantId, user: &UserId, deadline: Deadline) -> Self {
        let client = client_of(tenant, user.as_str());
        Self { client, deadline }
    }

    /// For a job of a tenant, which is no person's in particular.
    pub fn of_job(tenant: &TenantId, deadline: Deadline) -> Self {
        let client = client_of(tenant, JOBS);
        Self { client, deadline }
    }

    /// For an operator, who is no tenant's.
    pub fn of_operator(deadline: Deadline) -> Self {
        Self {
            client: String::new(),
            deadline,
        }
    }
}

/// No endpoint answered as it should; the logs say why.
#[derive(Debug, thiserror::Error)]
#[error("no endpoint answered as it should")]
pub struct NoNumbers {
    /// Whether another try may go better: not if an endpoint refused the texts.
    pub may_pass: bool,
}

/// What endpoints are asked for.
#[derive(Clone, Copy)]
pub(super) struct TextService {
    /// What stands behind the base URL.
    pub(super) path: &'static str,
    /// What circuits are called, behind the tier's name.
    pub(super) circuit_suffix: &'static str,
    /// The metric of faults.
    pub(super) fault_metric: &'static str,
}

impl TextService {
    /// The name of an endpoint's circuit. No tier's name has a space.
    pub(super) fn circuit_name(self, tier: &str) -> String {
        format!("{tier} ({})", self.circuit_suffix)
    }
}

/// One endpoint.
pub(super) struct TextTier {
    service: TextService,
    settings: EmbeddingTierSettings,
    /// The model's name at this endpoint.
    pub(super) model: String,
    endpoint: Endpoint,
    circuit: Arc<Circuit>,
}

impl TextTier {
    /// Makes the clients of all endpoints. Nothing is asked yet.
    pub(super) fn all(
        service: TextService,
        settings: Vec<EmbeddingTierSettings>,
        model: &str,
        breakers: &Breakers,
        secrets: &Arc<Secrets>,
    ) -> Result<Vec<Self>, ConfigError> {
        let mut tiers = Vec::new();
        for tier in settings {
            let Some(circuit) = breakers.circuit(&service.circuit_name(&tier.name)) else {
                continue;
            };
            let http = new_http_client(EMBEDDINGS, tier.connect_timeout())?;
            let (url, key) = (&tier.base_url, tier.key.clone());

            tiers.push(Self {
                service,
                model: tier.model.clone().unwrap_or_else(|| model.to_owned()),
                endpoint: Endpoint::new(http, url, service.path, key, Arc::clone(secrets)),
                circuit: Arc::clone(circuit),
                settings: tier,
            });
        }
        Ok(tiers)
    }

    async fn ask<T>(
        &self,
        body: &Value,
        call: &EmbeddingCall,
        share: Deadline,
        read: &impl Fn(&[u8]) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let request = &EndpointRequest {
            body: Bytes::from(body.to_string()),
            authorization: self.endpoint.authorization(share).await?,
        };

        let attempt = |_| self.attempt(request, call, share, read);
        retry::run(&RETRY_POLICY, share, attempt).await
    }

    /// One call, of which the circuit hears.
    async fn attempt<T>(
        &self,
        request: &EndpointRequest,
        call: &EmbeddingCall,
        share: Deadline,
        read: &impl Fn(&[u8]) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let permit = match self.circuit.admit(&call.client, share).await {
            Admission::Granted(permit) => permit,
            Admission::Refused(refusal) => return Err(refusal.into()),
        };

        let sent_at = Instant::now();
        let timeout = self.settings.total_timeout().min(share.remaining());
        let exchange = async {
            let response = self.endpoint.post(request).await?;
            read(&read_bounded(response, MAX_ANSWER_BYTES).await?)
        };
        let answer = share.at_most(timeout).run(exchange).await;
        let answer = answer.unwrap_or_else(|_| Err(fault_of_silence(sent_at.elapsed(), timeout)));
        self.endpoint.mark_used();

        let outcome = Fault::outcome_of(answer.as_ref().err());
        settle_permit(permit, outcome, sent_at.elapsed(), call.deadline).await;
        answer
    }

    /// Logs and counts a fault.
    fn report_fault(&self, fault: &Fault) {
        let tier = self.settings.name.as_str();
        let labels = [("tier", tier), ("fault", &fault.to_string())];
        metrics::count(self.service.fault_metric, &labels);

        let (service, causes) = (self.service.path, error_chain(fault));
        if fault.is_misconfigured() || matches!(fault, Fault::InvalidAnswer(_)) {
            let message = "a tier of the knowledge base cannot be used as it is configured";
            tracing::error!(service, tier, fault = %fault, causes, "{message}");
        } else {
            let message = "a tier of the knowledge base failed";
            tracing::warn!(service, tier, fault = %fault, causes, "{message}");
        }
    }
}

/// The numbers of the first endpoint that gives them.
pub(super) async fn first_answer<T>(
    tiers: &[TextTier],
    call: &EmbeddingCall,
    body_for: impl Fn(&TextTier) -> Value,
    read: impl Fn(&[u8]) -> Result<T, Fault>,
) -> Result<T, NoNumbers> {
    let mut may_pass = false;
    for (tier, later) in tiers.iter().zip((0..tiers.len()).rev()) {
        let later = u32::try_from(later).unwrap_or(u32::MAX);
        let answer_deadline = call.deadline.less(REPORT_RESERVE);
        let share = TimeBudget::among(answer_deadline, later).first_token;

        match tier.ask(&body_for(tier), call, share, &read).await {
            Ok(answer) => return Ok(answer),
            Err(fault) => {
                may_pass |= !fault.is_about_the_request();
                tier.report_fault(&fault);
            }
        }
    }
    Err(NoNumbers { may_pass })
}
