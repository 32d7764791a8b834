//! `POST /v1/chat/completions`: `OpenAI`'s protocol, answered by a chain of models.

use std::sync::Arc;

use wenzhen::chat::{self, Backend, ClientRequest, Meter};
use wenzhen::http::Call;
use wenzhen::http::openai::{ApiError, Origin, Reply};
use wenzhen::limits::{self, Limit};

/// How often the route may be called, and how many tokens a tenant may use.
pub const LIMITS: &[Limit] = &[
    limits::ADDRESS,
    limits::USER,
    limits::TENANT,
    limits::GLOBAL,
    chat::TOKENS,
];

/// 200 with an answer or its events, or an error in `OpenAI`'s shape.
pub async fn handle(backend: Arc<Backend>, call: Call, origin: Origin) -> Result<Reply, ApiError> {
    let meter = Meter::new(
        Arc::clone(&backend.limiter),
        call.caller.clone(),
        call.body(),
        call.counted_by,
    );
    match ClientRequest::parse(call.body(), &backend.chains) {
        Ok(request) => {
            chat::complete(
                Backend::clone(&backend),
                request,
                meter,
                call.deadline,
                origin,
            )
            .await
        }
        Err(refused) => {
            meter.settle(0, call.deadline).await;
            Err(refused)
        }
    }
}
