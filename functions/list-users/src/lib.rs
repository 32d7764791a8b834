//! `GET /v1/users`: the tenant's people, page by page, with their latest consultations if these are asked for.

use std::sync::Arc;

use wenzhen::error::{Error, ErrorKind};
use wenzhen::http::{Call, Response, reply};
use wenzhen::identity::{Role, UserId};
use wenzhen::limits::{self, Limit};
use wenzhen::page::Page;
use wenzhen::postgres::Database;
use wenzhen::users::{Listed, store};

/// How often the route may be called.
pub const LIMITS: &[Limit] = limits::DEFAULT;

/// What the route needs, made once for each environment.
pub struct App {
    /// Where people are known.
    pub database: Database,
}

/// 200 with one page, for clinicians and admins. One statement, and with `include=consultations` two, whatever the page holds.
pub async fn handle(app: Arc<App>, call: Call) -> Result<Response, Error> {
    if call.caller.role == Role::Patient {
        return Err(Error::new(
            ErrorKind::Forbidden,
            "Only clinicians and admins may list people.",
        ));
    }
    let page: Page<UserId> = call.page()?;
    let with_consultations = match call.query("include").as_deref() {
        None => false,
        Some("consultations") => true,
        Some(_) => return Err(Error::field("include", "must be `consultations`")),
    };
    let mut session = app.database.session().await?;
    let found = async {
        let mut users = store::list(&mut session, &call.caller.tenant, &page).await?;
        // The row that only says that there is another page needs no consultations.
        let next = (users.len() > usize::from(page.limit))
            .then(|| users.split_off(usize::from(page.limit)));
        let mut listed = if with_consultations {
            store::with_consultations(&mut session, &call.caller.tenant, users).await?
        } else {
            users.into_iter().map(plain).collect()
        };
        listed.extend(next.into_iter().flatten().map(plain));
        Ok(listed)
    };
    let found = found.await;
    let listed = session.finish(found)?;
    reply::revalidated(
        call.headers(),
        &page.items(listed, |listed| listed.user.id.clone()),
    )
}

fn plain(user: wenzhen::users::User) -> Listed {
    Listed {
        user,
        consultations: None,
    }
}
