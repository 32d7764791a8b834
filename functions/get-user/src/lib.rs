//! `GET /v1/users/{id}`: one person, or with `me` the caller.

use std::sync::Arc;

use wenzhen::cache::{Cache, Plan};
use wenzhen::error::Error;
use wenzhen::http::{Call, Prefetch, Request, Response, path_parameter, reply};
use wenzhen::identity::{Caller, UserId};
use wenzhen::limits::{self, Limit};
use wenzhen::postgres::Database;
use wenzhen::users::{self, Me, store};

/// How often the route may be called.
pub const LIMITS: &[Limit] = limits::DEFAULT;

/// What the route needs, made once for each environment.
pub struct App {
    /// Where people are known.
    pub database: Database,
    /// Where they are kept for five minutes.
    pub cache: Cache,
}

impl Prefetch for App {
    fn plan(&self, caller: &Caller, request: &Request) -> Option<Plan> {
        let id = wanted(caller, &path_parameter(request, "id")?)?;
        self.cache
            .plan(&users::key(&caller.tenant, &id), &users::POLICY)
    }
}

/// 200 with an `ETag`, or 304.
pub async fn handle(app: Arc<App>, mut call: Call) -> Result<Response, Error> {
    let name = call.path("id").unwrap_or_default();
    let id = wanted(&call.caller, &name).ok_or_else(|| Error::not_found("user"))?;
    let (tenant, looked) = (call.caller.tenant.clone(), call.looked.take());
    let load = || async {
        let mut session = app.database.session().await?;
        let found = store::get(&mut session, &tenant, &id).await;
        session.finish(found)
    };
    let key = users::key(&tenant, &id);
    let cached = app
        .cache
        .get_or_load_after(looked, &key, &users::POLICY, call.deadline, load)
        .await?;
    if name == "me" {
        return reply::revalidated(call.headers(), &Me::new(call.caller.clone(), cached.value));
    }
    reply::revalidated(
        call.headers(),
        &cached.value.ok_or_else(|| Error::not_found("user"))?,
    )
}

/// The person whom the path names, if the caller may know of them.
fn wanted(caller: &Caller, name: &str) -> Option<UserId> {
    let id = if name == "me" {
        caller.user.clone()
    } else {
        UserId::try_from(name.to_owned()).ok()?
    };
    users::may_read(caller, &id).then_some(id)
}
