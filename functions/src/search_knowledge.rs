//! `GET /v1/knowledge/search`: the passages of the knowledge base that answer a question best.

use wenzhen::ai::Embedder;
use wenzhen::cache::{Cache, Fetched, LoadRequest, PrefetchPlan};
use wenzhen::config::ConfigError;
use wenzhen::error::Error;
use wenzhen::http::{Call, Endpoint, Request, Response, query_parameter, reply};
use wenzhen::identity::Caller;
use wenzhen::knowledge::{
    self, CACHE_POLICY, PreparedQuestion, SearchRequest, SearchResult, find_passages,
};
use wenzhen::postgres::Database;
use wenzhen::setup::Setup;

/// The route.
pub struct SearchKnowledge {
    /// Holds the documents and their passages.
    pub database: Database,
    /// Makes vectors of questions, if there is a model for it.
    pub embedder: Option<Embedder>,
    /// Keeps results for five minutes.
    pub cache: Cache,
}

impl Endpoint for SearchKnowledge {
    const ROUTE: &'static str = "GET /v1/knowledge/search";

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
            embedder: Embedder::from_setup(setup).await?,
            cache: setup.cache()?,
        })
    }

    fn prefetch(&self, caller: &Caller, request: &Request) -> Option<PrefetchPlan> {
        let request = SearchRequest::from_query(|name| query_parameter(request, name)).ok()?;
        let key = knowledge::cache_key(&caller.tenant, &request);
        self.cache.plan_prefetch(&key, &CACHE_POLICY)
    }

    /// 200 with the passages, the best first, and what they were found by. Without vectors their
    /// words find them, and the answer says so.
    async fn handle(&self, mut call: Call) -> Result<Response, Error> {
        let request = SearchRequest::from_query(|name| call.query(name))?;
        let prefetched = call.prefetched.take();
        let load = LoadRequest {
            key: &knowledge::cache_key(&call.caller.tenant, &request),
            policy: &CACHE_POLICY,
            deadline: call.deadline,
        };

        let search = async || self.search(&call, request).await;
        let found = self
            .cache
            .get_or_load_prefetched(prefetched, load, search)
            .await?;
        reply::revalidated(call.headers(), &found.value)
    }
}

impl SearchKnowledge {
    /// A result that lacks a part is not kept.
    async fn search(
        &self,
        call: &Call,
        request: SearchRequest,
    ) -> Result<Fetched<SearchResult>, Error> {
        let (tenant, user) = (&call.caller.tenant, &call.caller.user);
        let embedder = self.embedder.as_ref();
        let question = PreparedQuestion::new(request, embedder, tenant, user, call.deadline).await;

        let found = self
            .database
            .run(async |connection| find_passages(connection, tenant, &question).await)
            .await?;
        Ok(if found.degraded {
            Fetched::uncached(Some(found))
        } else {
            Some(found).into()
        })
    }
}
