//! `GET /v1/users`: the tenant's people, page by page, with their latest consultations on request.

use wenzhen::config::ConfigError;
use wenzhen::error::{Error, ErrorKind};
use wenzhen::http::{Call, Endpoint, Response, reply};
use wenzhen::identity::{Role, UserId};
use wenzhen::page::Page;
use wenzhen::postgres::Database;
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
    /// `include=consultations` two, however many rows the page holds.
    async fn handle(&self, call: Call) -> Result<Response, Error> {
        if call.caller.role == Role::Patient {
            let detail = "Only clinicians and admins may list people.";
            return Err(Error::new(ErrorKind::Forbidden, detail));
        }

        let page: Page<UserId> = call.page()?;
        let listed = if includes_consultations(&call)? {
            self.list_with_consultations(&call, &page).await?
        } else {
            let users = self.list(&call, &page).await?;
            users.into_iter().map(without_consultations).collect()
        };

        let items = page.items(listed, |listed| listed.user.id.clone());
        reply::revalidated(call.headers(), &items)
    }
}

impl ListUsers {
    async fn list(&self, call: &Call, page: &Page<UserId>) -> Result<Vec<User>, Error> {
        let tenant = &call.caller.tenant;
        self.database
            .run(async |connection| store::list(connection, tenant, page).await)
            .await
    }

    async fn list_with_consultations(
        &self,
        call: &Call,
        page: &Page<UserId>,
    ) -> Result<Vec<ListedUser>, Error> {
        let mut users = self.list(call, page).await?;
        // The row that only says that there is another page needs no consultations.
        let limit = usize::from(page.limit);
        let next = users.split_off(limit.min(users.len()));

        let tenant = &call.caller.tenant;
        let mut listed = self
            .database
            .run(async |connection| store::with_consultations(connection, tenant, users).await)
            .await?;
        listed.extend(next.into_iter().map(without_consultations));
        Ok(listed)
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

fn without_consultations(user: User) -> ListedUser {
    ListedUser {
        user,
        consultations: None,
    }
}
