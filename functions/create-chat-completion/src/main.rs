//! Wires `POST /v1/chat/completions`, on the HTTP API and on a function URL that streams.

use std::sync::Arc;

use create_chat_completion::{App, handle};
use wenzhen::ai::Chains;
use wenzhen::aws::{self, Secrets};
use wenzhen::config::{self, TokenSettings, ValkeySettings};
use wenzhen::http::{auth::Authenticator, openai};
use wenzhen::telemetry;
use wenzhen::valkey::Valkey;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init();
    let authenticator = Authenticator::new(&TokenSettings::from_env()?)?;
    let secrets = Arc::new(Secrets::new(&aws::sdk_config().await));
    let valkey = Valkey::new(&ValkeySettings::from_env()?)?.map(Arc::new);
    let app = App { chains: Arc::new(Chains::new(&config::models()?, valkey, &secrets)?) };
    openai::serve("POST /v1/chat/completions", authenticator, app, handle).await
}
