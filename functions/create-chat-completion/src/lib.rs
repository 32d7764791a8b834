//! `POST /v1/chat/completions`: `OpenAI`'s protocol, answered by a chain of models.

use std::sync::Arc;

use wenzhen::ai::Chains;
use wenzhen::chat::{self, ClientRequest};
use wenzhen::http::Call;
use wenzhen::http::openai::{ApiError, Origin, Reply};

/// What the route needs, made once for each environment.
pub struct App {
    /// Who is asked.
    pub chains: Arc<Chains>,
}

/// 200 with an answer or its events, or an error in `OpenAI`'s shape.
pub async fn handle(app: Arc<App>, call: Call, origin: Origin) -> Result<Reply, ApiError> {
    let request = ClientRequest::parse(call.body(), &app.chains)?;
    chat::complete(Arc::clone(&app.chains), request, call.deadline, origin).await
}
