//! One endpoint of a service that is asked in JSON: with its key, its circuit and its retries.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use http::header::HeaderName;
use serde::Serialize;
use tracing::Instrument;
use url::Url;

use super::attempt::{REPORT_RESERVE, client_of};
use super::endpoint::{Endpoint, EndpointRequest, fault_of_silence, new_http_client, read_bounded};
use super::fault::Fault;
use super::response::{note_fault, settle_permit};
use super::tier::RETRY_POLICY;
use crate::aws::Secrets;
use crate::config::{ConfigError, KeyReference};
use crate::deadline::Deadline;
use crate::error::error_chain;
use crate::identity::{TenantId, UserId};
use crate::resilience::breaker::{Admission, Circuit};
use crate::resilience::retry;
use crate::telemetry::{metrics, trace};

/// The largest answer that is read: 256 vectors of 4,000 numbers.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// Whose calls a job's are, among the users of its tenant. No user's id is `*`.
const JOBS: &str = "*";

/// For whom an endpoint is asked, and until when an answer is of use.
#[derive(Clone)]
pub struct ServiceCall {
    client: String,
    pub(super) deadline: Deadline,
}

impl ServiceCall {
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

    /// Until when an answer must be there, so that the circuit can still hear of it.
    pub fn answer_deadline(&self) -> Deadline {
        self.deadline.less(REPORT_RESERVE)
    }

    /// For an operator, who is no tenant's.
    pub fn of_operator(deadline: Deadline) -> Self {
        Self {
            client: String::new(),
            deadline,
        }
    }
}

/// What is asked of an endpoint.
pub struct ServiceRequest<'r> {
    method: Method,
    path: &'r str,
    body: Bytes,
}

impl<'r> ServiceRequest<'r> {
    /// Sends a value to a path below the address.
    pub fn post(path: &'r str, body: &impl Serialize) -> Self {
        // What is sent are maps with names and numbers, which always have a form.
        let body = serde_json::to_vec(body).unwrap_or_default();
        Self {
            method: Method::POST,
            path,
            body: Bytes::from(body),
        }
    }

    /// The same without a value.
    pub const fn without_body(method: Method, path: &'r str) -> Self {
        Self {
            method,
            path,
            body: Bytes::new(),
        }
    }
}

/// What an endpoint is, for logs and metrics.
#[derive(Debug, Clone, Copy)]
pub struct ServiceKind {
    /// Such as `embeddings`; circuits are called so, behind the endpoint's name.
    pub name: &'static str,
    /// The metric of faults.
    pub fault_metric: &'static str,
}

impl ServiceKind {
    /// The name of an endpoint's circuit. No endpoint's name has a space.
    pub fn circuit_name(self, endpoint: &str) -> String {
        format!("{endpoint} ({})", self.name)
    }
}

/// Where an endpoint is, and how long it is waited for.
pub struct ServiceAddress<'a> {
    /// The setting that names it, for errors.
    pub setting: &'static str,
    /// What logs call it.
    pub name: &'a str,
    /// Below it are the paths that are asked.
    pub url: &'a Url,
    /// Its API key, if it asks for one.
    pub key: Option<&'a KeyReference>,
    /// The header of the key as it is; by default it is a bearer token.
    pub key_header: Option<HeaderName>,
    /// The longest wait for a connection.
    pub connect_timeout: Duration,
    /// The longest wait for a whole answer.
    pub total_timeout: Duration,
}

/// One endpoint.
pub struct ServiceEndpoint {
    kind: ServiceKind,
    name: String,
    endpoint: Endpoint,
    circuit: Arc<Circuit>,
    total_timeout: Duration,
}

impl ServiceEndpoint {
    /// Makes its client. Nothing is asked yet.
    pub fn new(
        kind: ServiceKind,
        address: ServiceAddress<'_>,
        circuit: &Arc<Circuit>,
        secrets: &Arc<Secrets>,
    ) -> Result<Self, ConfigError> {
        let http = new_http_client(address.setting, address.connect_timeout)?;
        let (key, secrets) = (address.key.cloned(), Arc::clone(secrets));
        Ok(Self {
            kind,
            name: address.name.to_owned(),
            endpoint: Endpoint::new(http, address.url, key, secrets)
                .with_key_header(address.key_header),
            circuit: Arc::clone(circuit),
            total_timeout: address.total_timeout,
        })
    }

    /// Sends the request, and reads what comes back: within `share` of the call's time, and again
    /// if that may help, so only what may be done twice.
    pub async fn ask<T>(
        &self,
        request: ServiceRequest<'_>,
        call: &ServiceCall,
        share: Deadline,
        read: &impl Fn(&[u8]) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let ServiceRequest { method, path, body } = request;
        let request = &EndpointRequest {
            method,
            body,
            authorization: self.endpoint.authorization(share).await?,
        };

        let attempt = |_| self.attempt(path, request, call, share, read);
        retry::run(&RETRY_POLICY, share, attempt).await
    }

    /// One call, of which the circuit hears.
    async fn attempt<T>(
        &self,
        path: &str,
        request: &EndpointRequest,
        call: &ServiceCall,
        share: Deadline,
        read: &impl Fn(&[u8]) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let permit = match self.circuit.admit(&call.client, share).await {
            Admission::Granted(permit) => permit,
            Admission::Refused(refusal) => return Err(refusal.into()),
        };

        let sent_at = Instant::now();
        let timeout = self.total_timeout.min(share.remaining());
        let exchange = async {
            let response = self.endpoint.send(path, request).await?;
            read(&read_bounded(response, MAX_ANSWER_BYTES).await?)
        };
        let span = tracing::info_span!(
            target: trace::TARGET,
            "ask_service",
            service = self.kind.name,
            tier = self.name,
            fault = tracing::field::Empty
        );
        let exchange = share.at_most(timeout).run(exchange);
        let asked = async {
            let cancelled = trace::unless_done();
            let answer = exchange.await;
            cancelled.done();
            answer
        };
        let answer = asked.instrument(span.clone()).await;
        let answer = answer.unwrap_or_else(|_| Err(fault_of_silence(sent_at.elapsed(), timeout)));
        self.endpoint.mark_used();
        note_fault(&span, answer.as_ref().err());

        let outcome = Fault::outcome_of(answer.as_ref().err());
        settle_permit(permit, outcome, sent_at.elapsed(), call.deadline).await;
        answer
    }

    /// Logs and counts a fault.
    pub fn report_fault(&self, fault: &Fault) {
        let name = self.name.as_str();
        let labels = [("tier", name), ("fault", &fault.to_string())];
        metrics::count(self.kind.fault_metric, &labels);

        let (service, causes) = (self.kind.name, error_chain(fault));
        if fault.is_misconfigured() || matches!(fault, Fault::InvalidAnswer(_)) {
            let message = "an endpoint of the knowledge base cannot be used as it is configured";
            tracing::error!(service, tier = name, fault = %fault, causes, "{message}");
        } else {
            let message = "an endpoint of the knowledge base failed";
            tracing::warn!(service, tier = name, fault = %fault, causes, "{message}");
        }
    }
}
