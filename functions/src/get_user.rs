//! `GET /v1/users/{id}`: one person, or with `me` the caller.

use wenzhen::cache::{Cache, LoadRequest, PrefetchPlan};
use wenzhen::config::ConfigError;
use wenzhen::error::Error;
use wenzhen::http::{Call, Endpoint, Request, Response, path_parameter, reply};
use wenzhen::identity::{Caller, UserId};
use wenzhen::postgres::Database;
use wenzhen::setup::Setup;
use wenzhen::users::{self, CACHE_POLICY, Me, UserAnswer, store};

/// The route.
pub struct GetUser {
    /// Holds the tenant's people.
    pub database: Database,
    /// Keeps them for five minutes.
    pub cache: Cache,
}

impl Endpoint for GetUser {
    const ROUTE: &'static str = "GET /v1/users/{id}";

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
            cache: setup.cache()?,
        })
    }

    fn prefetch(&self, caller: &Caller, request: &Request) -> Option<PrefetchPlan> {
        let id = readable_id(caller, &path_parameter(request, "id")?)?;
        let key = users::cache_key(&caller.tenant, &id);
        self.cache.plan_prefetch(&key, &CACHE_POLICY)
    }

    /// 200 with an `ETag`, or 304.
    async fn handle(&self, mut call: Call) -> Result<Response, Error> {
        let name = call.path_text("id").unwrap_or_default();
        let id = readable_id(&call.caller, &name).ok_or_else(|| Error::not_found("user"))?;
        let prefetched = call.prefetched.take();

        let tenant = &call.caller.tenant;
        let request = LoadRequest {
            key: &users::cache_key(tenant, &id),
            policy: &CACHE_POLICY,
            deadline: call.deadline,
        };
        let load = async || {
            let read = async |connection: &mut _| store::get(connection, tenant, &id).await;
            self.database.run(read).await
        };
        let cached = self
            .cache
            .get_or_load_prefetched(prefetched, request, load)
            .await?;

        if name == "me" {
            let me = Me::new(call.caller.clone(), cached.value);
            return reply::revalidated(call.headers(), &UserAnswer::Me(me));
        }
        let user = cached.value.ok_or_else(|| Error::not_found("user"))?;
        reply::revalidated(call.headers(), &UserAnswer::User(user))
    }
}

/// The id of the person that the path names, if the caller may read of them.
fn readable_id(caller: &Caller, name: &str) -> Option<UserId> {
    let id = match name {
        "me" => caller.user.clone(),
        name => UserId::try_from(name.to_owned()).ok()?,
    };
    users::may_read(caller, &id).then_some(id)
}
