//! `GET /v1/users/{id}`: one person, or with `me` the caller.

use wenzhen::cache::{Cache, Plan};
use wenzhen::config::ConfigError;
use wenzhen::error::Error;
use wenzhen::http::{Call, Endpoint, Request, Response, path_parameter, reply};
use wenzhen::identity::{Caller, UserId};
use wenzhen::postgres::Database;
use wenzhen::setup::Setup;
use wenzhen::users::{self, Me, store};

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

    fn prefetch(&self, caller: &Caller, request: &Request) -> Option<Plan> {
        let id = readable_id(caller, &path_parameter(request, "id")?)?;
        let key = users::key(&caller.tenant, &id);
        self.cache.plan(&key, &users::POLICY)
    }

    /// 200 with an `ETag`, or 304.
    async fn handle(&self, mut call: Call) -> Result<Response, Error> {
        let name = call.path_text("id").unwrap_or_default();
        let id = readable_id(&call.caller, &name).ok_or_else(|| Error::not_found("user"))?;
        let looked = call.looked.take();

        let tenant = &call.caller.tenant;
        let key = users::key(tenant, &id);
        let load = || {
            self.database
                .run(async |connection| store::get(connection, tenant, &id).await)
        };
        let cached = self
            .cache
            .get_or_load_after(looked, &key, &users::POLICY, call.deadline, load)
            .await?;

        if name == "me" {
            let me = Me::new(call.caller.clone(), cached.value);
            return reply::revalidated(call.headers(), &me);
        }
        let user = cached.value.ok_or_else(|| Error::not_found("user"))?;
        reply::revalidated(call.headers(), &user)
    }
}

/// The id of the person whom the path names, if the caller may read of them.
fn readable_id(caller: &Caller, name: &str) -> Option<UserId> {
    let id = match name {
        "me" => caller.user.clone(),
        name => UserId::try_from(name.to_owned()).ok()?,
    };
    users::may_read(caller, &id).then_some(id)
}
