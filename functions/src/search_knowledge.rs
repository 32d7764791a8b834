//! `GET /v1/knowledge/search`: the passages of the knowledge base that answer a question best.

use std::time::Duration;

use wenzhen::cache::{Cache, Fetched, LastChange, LoadRequest, PrefetchPlan};
use wenzhen::config::ConfigError;
use wenzhen::error::Error;
use wenzhen::http::{Call, Endpoint, Request, Response, query_parameter, reply};
use wenzhen::identity::Caller;
use wenzhen::knowledge::{
    self, CACHE_POLICY, PreparedQuestion, SearchRequest, SearchResult, VectorIndex, find_passages,
};
use wenzhen::postgres::{Database, MAX_LAG, Readers};
use wenzhen::setup::Setup;

/// The longest that a reader is waited for, and then the database.
const SEARCH_TIMEOUT: Duration = Duration::from_secs(5);

/// The route.
pub struct SearchKnowledge {
    /// Holds the documents and their passages.
    pub database: Database,
    /// Servers that follow it.
    pub readers: Readers,
    /// Makes vectors of questions, if there is a model for it.
    pub index: Option<VectorIndex>,
    /// Keeps results for five minutes.
    pub cache: Cache,
}

impl Endpoint for SearchKnowledge {
    const ROUTE: &'static str = "GET /v1/knowledge/search";

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
            readers: setup.readers().await?,
            index: VectorIndex::from_setup(setup).await?,
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

        let search = async |last_change| self.search(&call, request, last_change).await;
        let found = self
            .cache
            .get_or_load_since(prefetched, load, search)
            .await?;
        reply::revalidated(call.headers(), &found.value)
    }
}

impl SearchKnowledge {
    /// A result that lacks a part is not kept. Documents that have just changed are looked for
    /// where they were written: a reader may not have them yet, and its result would be kept.
    async fn search(
        &self,
        call: &Call,
        request: SearchRequest,
        last_change: LastChange,
    ) -> Result<Fetched<SearchResult>, Error> {
        let (tenant, user) = (&call.caller.tenant, &call.caller.user);
        let index = self.index.as_ref();
        let question = PreparedQuestion::new(request, index, tenant, user, call.deadline).await;

        let find = async |connection: &mut _| find_passages(connection, tenant, &question).await;
        let found = if last_change.is_before(MAX_LAG) {
            let found = self.readers.read(&self.database, SEARCH_TIMEOUT, find);
            found.await?
        } else {
            self.database.run(find).await?
        };
        let deadline = call.deadline;
        let found = knowledge::put_in_order(found, &question, index, tenant, user, deadline).await;
        Ok(if found.degraded {
            Fetched::uncached(Some(found))
        } else {
            Some(found).into()
        })
    }
}
