//! Wires `POST /v1/chat/completions`, on the HTTP API and on a function URL that streams.

use std::sync::Arc;

use create_chat_completion::{LIMITS, handle};
use wenzhen::ai::Chains;
use wenzhen::aws::{self, Secrets};
use wenzhen::cache::Cache;
use wenzhen::chat::{Backend, Meter};
use wenzhen::config;
use wenzhen::http::{Edge, openai};
use wenzhen::telemetry;
use wenzhen::valkey::Valkey;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init();
    let valkey = Valkey::from_env()?;
    let edge = Edge::from_env(valkey.clone(), LIMITS)?.charging(Meter::CHARGE);
    let secrets = Arc::new(Secrets::new(&aws::sdk_config().await));
    let chains = Arc::new(Chains::new(&config::models()?, valkey.clone(), &secrets)?);
    let backend = Backend {
        chains,
        cache: Arc::new(Cache::new(valkey)),
        limiter: edge.limiter(),
    };
    openai::serve("POST /v1/chat/completions", edge, backend, handle).await
}
