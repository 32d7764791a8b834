//! `GET /v1/audit-events`: who has read, exported or erased whose record.

use wenzhen::audit::{AuditFilter, store};
use wenzhen::config::ConfigError;
use wenzhen::error::Error;
use wenzhen::http::{Call, Endpoint, Response, reply};
use wenzhen::identity::{Role, UserId};
use wenzhen::page::Page;
use wenzhen::postgres::Database;
use wenzhen::setup::Setup;

/// What may be asked for.
const QUERIES: [&str; 5] = ["limit", "cursor", "actor_id", "user_id", "consultation_id"];

/// The route.
pub struct ListAuditEvents {
    /// Holds the trail.
    pub database: Database,
}

impl Endpoint for ListAuditEvents {
    const ROUTE: &'static str = "GET /v1/audit-events";

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
        })
    }

    /// 200 with one page of the tenant's trail, the latest first, for admins. `user_id` and
    /// `consultation_id` choose a person's or a consultation's, `actor_id` what one person did.
    async fn handle(&self, call: Call) -> Result<Response, Error> {
        call.require_role(Role::Admin, "Only admins may read the audit trail.")?;

        call.refuse_other_queries(&QUERIES)?;
        let page: Page = call.page()?;
        let filter = read_filter(&call)?;
        let tenant = &call.caller.tenant;
        let events = self
            .database
            .run(async |connection| store::list(connection, tenant, &filter, page).await)
            .await?;
        reply::ok(&page.items(events, |event| event.id))
    }
}

fn read_filter(call: &Call) -> Result<AuditFilter, Error> {
    let person = |name| {
        let id = call.query(name).map(UserId::try_from).transpose();
        id.map_err(|_| Error::field(name, "must be a person's id"))
    };
    let consultation = call.query("consultation_id").map(|text| text.parse());
    Ok(AuditFilter {
        actor: person("actor_id")?,
        user: person("user_id")?,
        consultation: consultation
            .transpose()
            .map_err(|_| Error::field("consultation_id", "must be a consultation's id"))?,
    })
}
