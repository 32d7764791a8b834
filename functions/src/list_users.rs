//! `GET /v1/users`: the tenant's people, page by page, with their latest consultations on request.

use wenzhen::audit::{self, AuditAction, AuditedRecord};
use wenzhen::config::ConfigError;
use wenzhen::error::Error;
use wenzhen::http::{Call, Endpoint, Response, reply};
use wenzhen::identity::{Caller, Role, TenantId, UserId};
use wenzhen::page::Page;
use wenzhen::postgres::{Database, PgConnection};
use wenzhen::setup::Setup;
use wenzhen::users::{ListedUser, User, store};

/// The route.
pub struct ListUsers {
    /// Holds the tenant's people.
    pub database: Database,
}

impl Endpoint for ListUsers {
    const ROUTE: &'static str = "GET /v1/users";

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
        })
    }

    /// 200 with one page, for clinicians and admins. One statement, and with
    /// `include=consultations` three, however many rows the page holds.
    async fn handle(&self, call: Call) -> Result<Response, Error> {
        call.require_role(
            Role::Clinician,
            "Only clinicians and admins may list people.",
        )?;

        call.refuse_other_queries(&["limit", "cursor", "include"])?;
        let page: Page<UserId> = call.page()?;
        let tenant = &call.caller.tenant;
        let includes_consultations = includes_consultations(&call)?;
        let listed = self
            .database
            .run(async |connection| {
                let users = store::list(connection, tenant, &page).await?;
                if includes_consultations {
                    let listed = add_consultations(connection, tenant, users, page.limit).await?;
                    record_read(connection, &call.caller, &listed).await?;
                    Ok(listed)
                } else {
                    Ok(users.into_iter().map(without_consultations).collect())
                }
            })
            .await?;

        let items = page.items(listed, |listed| listed.user.id.clone());
        reply::revalidated(call.headers(), &items)
    }
}

/// Whether the query's `include` asks for consultations.
fn includes_consultations(call: &Call) -> Result<bool, Error> {
    match call.query("include").as_deref() {
        None => Ok(false),
        Some("consultations") => Ok(true),
        Some(_) => Err(Error::field("include", "must be `consultations`")),
    }
}

/// The users of a page with their consultations. The row behind the page, which only says that
/// another page follows, needs none.
async fn add_consultations(
    connection: &mut PgConnection,
    tenant: &TenantId,
    mut users: Vec<User>,
    limit: u16,
) -> Result<Vec<ListedUser>, Error> {
    let next = users.split_off(usize::from(limit).min(users.len()));

    let mut listed = store::with_consultations(connection, tenant, users).await?;
    listed.extend(next.into_iter().map(without_consultations));
    Ok(listed)
}

/// What is shown of consultations is written to the audit trail.
async fn record_read(
    connection: &mut PgConnection,
    caller: &Caller,
    listed: &[ListedUser],
) -> Result<(), Error> {
    let shown = listed.iter().filter_map(|it| it.consultations.as_ref());
    let records = shown.flatten();
    let records = records.map(|it| AuditedRecord::consultation(&it.user_id, it.id));
    let records: Vec<_> = records.collect();
    audit::record_reads(connection, caller, AuditAction::ListConsultation, &records).await
}

fn without_consultations(user: User) -> ListedUser {
    ListedUser {
        user,
        consultations: None,
    }
}
