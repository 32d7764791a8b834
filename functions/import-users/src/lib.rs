//! `POST /v1/users/import`: up to 1,000 people in one statement.

use std::sync::Arc;

use wenzhen::cache::Cache;
use wenzhen::error::{Error, ErrorKind, error_chain};
use wenzhen::http::{Call, Response, reply};
use wenzhen::identity::Role;
use wenzhen::limits::{self, Limit};
use wenzhen::postgres::Database;
use wenzhen::users::{self, Import};

/// How often the route may be called.
pub const LIMITS: &[Limit] = limits::DEFAULT;

/// What the route needs, made once for each environment.
pub struct App {
    /// Where people are known.
    pub database: Database,
    /// Where old answers about them are kept.
    pub cache: Cache,
}

/// 200 with what became of each row, for admins.
pub async fn handle(app: Arc<App>, call: Call) -> Result<Response, Error> {
    if call.caller.role != Role::Admin {
        return Err(Error::new(
            ErrorKind::Forbidden,
            "Only admins may bring people in.",
        ));
    }
    let import: Import = call.large_json()?;
    let tenant = &call.caller.tenant;
    let mut session = app.database.session().await?;
    let imported = import.run(&mut session, tenant).await;
    let imported = session.finish(imported)?;
    if imported.imported > 0
        && let Err(error) = app
            .cache
            .invalidate(&[users::everyone(tenant)], call.deadline)
            .await
    {
        tracing::warn!(
            causes = error_chain(&error),
            "until their time, old answers may say that somebody is not known"
        );
    }
    tracing::info!(
        imported = imported.imported,
        skipped = imported.skipped.len(),
        errors = imported.errors.len(),
        "imported"
    );
    reply::ok(&imported)
}
