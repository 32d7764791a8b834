//! `GET /v1/models`: the chains, as `OpenAI`'s protocol lists models.

use wenzhen::chat;
use wenzhen::config::{ConfigError, Models};
use wenzhen::http::openai::{ApiError, OpenAi, Reply};
use wenzhen::http::{Call, Endpoint};
use wenzhen::setup::Setup;

/// The route.
pub struct ListModels {
    /// The chains of the configuration.
    pub models: Models,
}

impl Endpoint<OpenAi> for ListModels {
    const ROUTE: &'static str = "GET /v1/models";

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            models: setup.models().await?,
        })
    }

    /// 200 with all chains.
    async fn handle(&self, _: Call) -> Result<Reply, ApiError> {
        Ok(Reply::ok(&chat::models(self.models.chains().keys())))
    }
}
