//! `POST /v1/users/{id}/sign-out`: ends all that a person is signed in with.

use std::sync::Arc;

use wenzhen::access;
use wenzhen::config::ConfigError;
use wenzhen::error::{Error, ErrorKind};
use wenzhen::http::{Call, Endpoint, Response, reply};
use wenzhen::identity::{Role, UserId};
use wenzhen::postgres::Database;
use wenzhen::setup::Setup;
use wenzhen::users;
use wenzhen::valkey::Valkey;

/// The route.
pub struct SignOutUser {
    /// Holds the changes of access.
    pub database: Database,
    /// Lets them count at once.
    pub valkey: Option<Arc<Valkey>>,
}

impl Endpoint for SignOutUser {
    const ROUTE: &'static str = "POST /v1/users/{id}/sign-out";

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
            valkey: setup.valkey()?,
        })
    }

    /// 204 once it counts, for oneself (`me`) and for admins, whoever of the tenant is meant: who may sign in is
    /// the user pool's to know. Tokens that were given before are refused from now on, also when
    /// they are refreshed. 503 if it does not count yet.
    async fn handle(&self, call: Call) -> Result<Response, Error> {
        let user = signed_out_user(&call)?;
        let valkey = self.valkey.as_ref().ok_or_else(|| {
            let detail = "Nobody can be signed out: this installation has no Valkey.";
            Error::new(ErrorKind::Unavailable, detail)
        })?;

        let caller = &call.caller;
        let sign_out = async |connection: &mut _| users::sign_out(connection, caller, &user).await;
        let change = self.database.run(sign_out).await?;
        if !access::publish(valkey, &[change], call.deadline).await {
            let detail = "The sign-out is noted, and counts as soon as Valkey answers again: then \
                          within a minute. Try again to see.";
            return Err(Error::new(ErrorKind::Unavailable, detail));
        }
        reply::no_content()
    }
}

/// Oneself, or for an admin anybody of the tenant.
fn signed_out_user(call: &Call) -> Result<UserId, Error> {
    let unknown = || Error::not_found("user");
    let id = call.path_text("id").ok_or_else(unknown)?;
    let user = match id.as_str() {
        "me" => call.caller.user.clone(),
        _ => UserId::try_from(id).map_err(|_| unknown())?,
    };

    if user != call.caller.user {
        call.require_role(Role::Admin, "Only admins may sign others out.")?;
    }
    Ok(user)
}
