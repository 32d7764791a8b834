//! `GET /v1/models`: the chains, as `OpenAI`'s protocol lists models.

use std::sync::Arc;

use wenzhen::chat;
use wenzhen::config::Models;
use wenzhen::http::Call;
use wenzhen::http::openai::{ApiError, Origin, Reply};
use wenzhen::limits::{self, Limit};

/// How often the route may be called.
pub const LIMITS: &[Limit] = limits::DEFAULT;

/// What the route needs, made once for each environment.
pub struct App {
    /// The chains of the configuration.
    pub models: Models,
}

/// 200 with all chains.
#[expect(
    clippy::unused_async,
    reason = "a handler is async, also one that has nothing to wait for"
)]
pub async fn handle(app: Arc<App>, _call: Call, _origin: Origin) -> Result<Reply, ApiError> {
    Ok(Reply::ok(&chat::models(app.models.chains().keys())))
}
