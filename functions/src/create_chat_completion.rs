//! `POST /v1/chat/completions`: `OpenAI`'s protocol, answered by a chain of models. Through the
//! REST API the answer may be streamed.

use std::sync::Arc;

use wenzhen::ai::Chains;
use wenzhen::chat::{self, Backend, ChatCall, ClientRequest, Meter};
use wenzhen::config::ConfigError;
use wenzhen::http::openai::{ApiError, OpenAi, Reply};
use wenzhen::http::{Call, ChargeRule, Endpoint};
use wenzhen::limits::{self, Limit};
use wenzhen::setup::Setup;

/// The route.
pub struct CreateChatCompletion {
    /// Answers the requests.
    pub backend: Backend,
}

impl Endpoint<OpenAi> for CreateChatCompletion {
    const ROUTE: &'static str = "POST /v1/chat/completions";

    const LIMITS: &'static [Limit] = &[
        limits::ADDRESS,
        limits::USER,
        limits::TENANT,
        limits::GLOBAL,
        chat::TOKENS,
    ];

    const CHARGE: Option<ChargeRule> = Some(Meter::CHARGE);

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        let models = setup.models().await?;
        let chains = Chains::for_chat(&models, setup.valkey()?, &setup.secrets())?;

        let backend = Backend {
            chains: Arc::new(chains),
            cache: Arc::new(setup.cache()?),
            limiter: setup.limiter().await?,
        };
        Ok(Self { backend })
    }

    /// 200 with an answer or its events, or an error in `OpenAI`'s shape.
    async fn handle(&self, call: Call) -> Result<Reply, ApiError> {
        let backend = self.backend.clone();
        let limiter = Arc::clone(&backend.limiter);
        let meter = Meter::new(limiter, call.caller.clone(), call.body(), call.counted_by);

        match ClientRequest::parse(call.body(), &backend.chains) {
            Ok(request) => {
                let chat_call = ChatCall {
                    backend,
                    request,
                    meter,
                    deadline: call.deadline,
                };
                chat::complete(chat_call, call.origin).await
            }
            Err(refused) => {
                meter.settle(0, call.deadline).await;
                Err(refused)
            }
        }
    }
}
