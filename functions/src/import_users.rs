//! `POST /v1/users/import`: up to 1,000 people in one statement.

use wenzhen::cache::Cache;
use wenzhen::config::ConfigError;
use wenzhen::error::{Error, error_chain};
use wenzhen::http::{Call, Endpoint, Response, reply};
use wenzhen::identity::Role;
use wenzhen::postgres::Database;
use wenzhen::setup::Setup;
use wenzhen::users::{self, ImportRequest};

/// The route.
pub struct ImportUsers {
    /// Holds the tenant's people.
    pub database: Database,
    /// Keeps older answers about them.
    pub cache: Cache,
}

impl Endpoint for ImportUsers {
    const ROUTE: &'static str = "POST /v1/users/import";

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
            cache: setup.cache()?,
        })
    }

    /// 200 with the outcome of each row, for admins.
    async fn handle(&self, call: Call) -> Result<Response, Error> {
        call.require_role(Role::Admin, "Only admins may bring people in.")?;

        let import: ImportRequest = call.bulk_json()?;
        let tenant = &call.caller.tenant;
        let imported = self
            .database
            .run(async |connection| import.run(connection, tenant).await)
            .await?;
        if imported.imported > 0 {
            self.forget_absences(&call).await;
        }

        tracing::info!(
            imported = imported.imported,
            skipped = imported.skipped.len(),
            errors = imported.errors.len(),
            "imported"
        );
        reply::ok(&imported)
    }
}

impl ImportUsers {
    /// The cache may still say of imported people that they are unknown.
    async fn forget_absences(&self, call: &Call) {
        let tags = [users::cache_tag(&call.caller.tenant)];
        if let Err(error) = self.cache.invalidate(&tags, call.deadline).await {
            let causes = error_chain(&error);
            tracing::warn!(
                causes,
                "until they expire, cached answers may miss imported people"
            );
        }
    }
}
