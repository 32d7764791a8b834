//! `GET /v1/knowledge/search`: the passages of the knowledge base that answer a question best.

use serde_json::json;
use wenzhen::config::ConfigError;
use wenzhen::error::Error;
use wenzhen::http::{Call, Endpoint, Response, reply};
use wenzhen::knowledge::{SearchRequest, store};
use wenzhen::postgres::Database;
use wenzhen::setup::Setup;

/// The route.
pub struct SearchKnowledge {
    /// Holds the documents and their passages.
    pub database: Database,
}

impl Endpoint for SearchKnowledge {
    const ROUTE: &'static str = "GET /v1/knowledge/search";

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
        })
    }

    /// 200 with the passages, the best first; an empty list if none has a word of the question.
    async fn handle(&self, call: Call) -> Result<Response, Error> {
        let request = SearchRequest::from_query(|name| call.query(name))?;
        let tenant = &call.caller.tenant;
        let found = self
            .database
            .run(async |connection| store::search(connection, tenant, &request).await)
            .await?;

        let items = json!({ "items": found, "searched_by": ["text"] });
        reply::revalidated(call.headers(), &items)
    }
}
