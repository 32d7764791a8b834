//! `POST /v1/users/import`: up to 1,000 people in one statement.

use std::sync::Arc;

use wenzhen::access;
use wenzhen::cache::Cache;
use wenzhen::config::ConfigError;
use wenzhen::error::{Error, ErrorKind, error_chain};
use wenzhen::http::{Call, Endpoint, Response, reply};
use wenzhen::identity::Role;
use wenzhen::postgres::Database;
use wenzhen::setup::Setup;
use wenzhen::users::{self, ImportRequest};
use wenzhen::valkey::Valkey;

/// The route.
pub struct ImportUsers {
    /// Holds the tenant's people.
    pub database: Database,
    /// Keeps older answers about them.
    pub cache: Cache,
    /// Lets changed roles count at once.
    pub valkey: Option<Arc<Valkey>>,
}

impl Endpoint for ImportUsers {
    const ROUTE: &'static str = "POST /v1/users/import";

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
            cache: setup.cache()?,
            valkey: setup.valkey()?,
        })
    }

    /// 200 with the outcome of each row, for admins.
    async fn handle(&self, call: Call) -> Result<Response, Error> {
        call.require_role(Role::Admin, "Only admins may bring people in.")?;

        let import: ImportRequest = call.bulk_json()?;
        if import.is_update() && self.valkey.is_none() {
            let detail = "Roles cannot be changed: this installation has no Valkey.";
            return Err(Error::new(ErrorKind::Unavailable, detail));
        }

        let imported = self
            .database
            .run(async |connection| import.run(connection, &call.caller).await)
            .await?;
        if let Some(valkey) = &self.valkey {
            access::publish(valkey, &imported.role_changes, call.deadline).await;
        }
        if imported.imported + imported.updated > 0 {
            self.forget_answers(&call).await;
        }

        tracing::info!(
            imported = imported.imported,
            updated = imported.updated,
            role_changes = imported.role_changes.len(),
            skipped = imported.skipped.len(),
            errors = imported.errors.len(),
            "imported"
        );
        reply::ok(&imported)
    }
}

impl ImportUsers {
    /// The cache may still say of imported people that they are unknown, or what they were.
    async fn forget_answers(&self, call: &Call) {
        let tags = [users::cache_tag(&call.caller.tenant)];
        if let Err(error) = self.cache.invalidate(&tags, call.deadline).await {
            let causes = error_chain(&error);
            tracing::warn!(
                causes,
                "until they expire, cached answers may tell of people as they were"
            );
        }
    }
}
