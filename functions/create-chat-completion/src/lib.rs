//! `POST /v1/chat/completions`: `OpenAI`'s protocol, answered by a chain of models.

use std::sync::Arc;

use wenzhen::ai::Chains;
use wenzhen::chat::{self, ClientRequest, Meter};
use wenzhen::http::Call;
use wenzhen::http::openai::{ApiError, Origin, Reply};
use wenzhen::limits::{self, Limit, Limiter};

/// How often the route may be called, and how many tokens a tenant may use.
pub const LIMITS: &[Limit] = &[limits::ADDRESS, limits::USER, limits::TENANT, limits::GLOBAL, chat::TOKENS];

/// What the route needs, made once for each environment.
pub struct App {
    /// Who is asked.
    pub chains: Arc<Chains>,
    /// Told what a call has really used.
    pub limiter: Arc<Limiter>,
}

/// 200 with an answer or its events, or an error in `OpenAI`'s shape.
pub async fn handle(app: Arc<App>, call: Call, origin: Origin) -> Result<Reply, ApiError> {
    let meter = Meter::new(Arc::clone(&app.limiter), call.caller.clone(), chat::estimate(call.body()));
    match ClientRequest::parse(call.body(), &app.chains) {
        Ok(request) => chat::complete(Arc::clone(&app.chains), request, meter, call.deadline, origin).await,
        Err(refused) => {
            meter.settle(0, call.deadline).await;
            Err(refused)
        }
    }
}
