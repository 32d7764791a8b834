//! One call of one endpoint, with its time-outs.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::Method;

use super::endpoint::{Endpoint, EndpointRequest, fault_of_silence};
use super::fault::Fault;
use super::framing::{Framing, read_framing};
use super::reader::{self, StreamReader};
use super::request::ChatRequest;
use super::response::{CallCost, Response};
use super::usage::{BYTES_PER_TOKEN, UsageLedger};
use crate::aws::Secrets;
use crate::config::TierSettings;
use crate::deadline::Deadline;

/// Where completions are asked for, below the base URL.
const PATH: &str = "chat/completions";

/// A client for one tier, made once.
pub(super) struct TierClient {
    pub(super) settings: TierSettings,
    endpoint: Endpoint,
}

/// A call that is ready to be made, as often as need be.
pub(super) struct PreparedCall {
    request: EndpointRequest,
    choices: u64,
    ledger: Arc<UsageLedger>,
}

impl PreparedCall {
    /// What the call costs, as far as it is known before.
    pub(super) fn cost(&self) -> CallCost {
        CallCost {
            ledger: Arc::clone(&self.ledger),
            prompt_tokens: self.request.body.len() as u64 / BYTES_PER_TOKEN,
        }
    }

    /// Writes down that an answer in one piece broke, if it did: nothing tells what it has used.
    fn note_broken_answer(&self, fault: &Fault) {
        if matches!(
            fault,
            Fault::Interrupted | Fault::ResponseTooLarge | Fault::Truncated
        ) {
            self.ledger.add_unknown();
        }
    }
}

impl TierClient {
    pub(super) fn new(
        settings: TierSettings,
        http: reqwest::Client,
        secrets: Arc<Secrets>,
    ) -> Self {
        let (base_url, key) = (&settings.base_url, settings.key.clone());
        let endpoint = Endpoint::new(http, base_url, key, secrets);
        Self { settings, endpoint }
    }

    /// Makes a call ready. Only faults that are not the provider's can come of it: the tier cannot
    /// do what is asked for, or its key cannot be had.
    pub(super) async fn prepare_call(
        &self,
        request: &ChatRequest,
        ledger: &Arc<UsageLedger>,
        deadline: Deadline,
    ) -> Result<PreparedCall, Fault> {
        let body = Bytes::from(request.body_for(&self.settings)?.to_string());

        let authorization = self.endpoint.authorization(deadline).await?;

        Ok(PreparedCall {
            request: EndpointRequest {
                method: Method::POST,
                body,
                authorization,
            },
            choices: request.choices(),
            ledger: Arc::clone(ledger),
        })
    }

    /// Sends the call, and waits for the first token: within the tier's time-out and the part of it
    /// that `deadline` leaves.
    pub(super) async fn send(
        &self,
        call: &PreparedCall,
        deadline: Deadline,
    ) -> Result<Response, Fault> {
        // What is not streamed has its first token when it has its last.
        let timeout = if self.settings.stream {
            self.settings.first_token_timeout()
        } else {
            self.settings.total_timeout()
        };

        let sent_at = Instant::now();
        let deadline = deadline.at_most(timeout);
        let response = deadline.run(self.exchange(call, deadline)).await;
        self.endpoint.mark_used();

        match response {
            Err(_) | Ok(Err(Fault::FirstTokenTimeout | Fault::IdleTimeout)) => {
                Err(fault_of_silence(sent_at.elapsed(), timeout))
            }
            Ok(response) => response,
        }
    }

    async fn exchange(&self, call: &PreparedCall, deadline: Deadline) -> Result<Response, Fault> {
        let response = self.endpoint.send(PATH, &call.request).await?;
        let framing = read_framing(response).await.map_err(|broken| {
            if broken.has_begun {
                call.note_broken_answer(&broken.fault);
            }
            broken.fault
        })?;
        match framing {
            Framing::Events(events) => {
                let mut reader = StreamReader::new(events, call.choices);
                let chunks = reader.read_first_token(deadline).await?;
                Ok(Response::Streamed { reader, chunks })
            }
            Framing::Body(body) => {
                let completion = reader::read_body(&body, call.choices);
                let completion = completion.inspect_err(|fault| call.note_broken_answer(fault))?;
                Ok(Response::Complete(completion))
            }
        }
    }
}
