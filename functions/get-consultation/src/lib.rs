//! `GET /v1/consultations/{id}`: one consultation, at once or when its assessment is there.

use std::sync::Arc;
use std::time::Duration;

use wenzhen::Uuid;
use wenzhen::cache::{Cache, Fetched, Plan};
use wenzhen::consultations::{self, Consultation, ConsultationView, Status, store};
use wenzhen::deadline::Deadline;
use wenzhen::error::{Error, ErrorKind};
use wenzhen::http::{Call, Prefetch, Request, Response, path_parameter, reply};
use wenzhen::identity::{Caller, Scope, TenantId};
use wenzhen::limits::{self, Limit};
use wenzhen::postgres::Database;
use wenzhen::reports::Links;

/// How often the route may be called.
pub const LIMITS: &[Limit] = limits::DEFAULT;

/// The longest wait, in seconds, that `?wait=` takes.
const LONGEST_WAIT: u64 = 20;

/// Pauses between two looks: short at first, since rules and a fast model are done within a second.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What the route needs, made once for each environment.
pub struct App {
    /// Where consultations are kept.
    pub database: Database,
    /// Where completed ones are kept for a while.
    pub cache: Cache,
    /// Which makes the links to reports.
    pub links: Links,
}

impl Prefetch for App {
    fn plan(&self, caller: &Caller, request: &Request) -> Option<Plan> {
        let id = path_parameter(request, "id")?.parse().ok()?;
        self.cache.plan(
            &consultations::key(&caller.tenant, id),
            &consultations::POLICY,
        )
    }
}

/// 200 with an `ETag`, or 304. With `?wait=N` the answer is held back for up to N seconds while the consultation is still
/// being processed.
pub async fn handle(app: Arc<App>, mut call: Call) -> Result<Response, Error> {
    let id = call.path_id("id", "consultation")?;
    let until = Deadline::after(wait(&call)?).min(call.deadline.less(Duration::from_secs(1)));
    let looked = call.looked.take();
    let tenant = call.caller.tenant.clone();
    let load = || async {
        let found = get(&app, &tenant, id).await?;
        let is_done = found
            .as_ref()
            .is_some_and(|found| found.status == Status::Completed);
        Ok(if is_done {
            found.into()
        } else {
            Fetched::passing(found)
        })
    };
    let key = consultations::key(&tenant, id);
    let first = app
        .cache
        .get_or_load_after(looked, &key, &consultations::POLICY, call.deadline, load)
        .await?;
    let mut found = visible(first.value, &call.caller)?;
    let mut pause = FIRST_PAUSE;
    while found.status == Status::Processing && !until.remaining().is_zero() {
        #[expect(
            clippy::disallowed_methods,
            reason = "a poll bounded by `until`, not a retry: every look succeeded"
        )]
        tokio::time::sleep(pause.min(until.remaining())).await;
        pause = (pause * 3 / 2).min(LONGEST_PAUSE);
        found = visible(get(&app, &tenant, id).await?, &call.caller)?;
    }
    let report = match &found.report {
        Some(stored) => app.links.to(stored).await,
        None => None,
    };
    reply::revalidated(call.headers(), &ConsultationView::new(found, report))
}

/// The same 404 whether there is none or it is somebody else's.
fn visible(found: Option<Consultation>, caller: &Caller) -> Result<Consultation, Error> {
    found
        .filter(|found| found.is_for(caller))
        .ok_or_else(|| Error::not_found("consultation"))
}

/// The connection is given back between two looks.
async fn get(app: &App, tenant: &TenantId, id: Uuid) -> Result<Option<Consultation>, Error> {
    let mut session = app.database.session().await?;
    let found = store::get(
        &mut session,
        Scope {
            tenant,
            owner: None,
        },
        id,
    )
    .await;
    match session.finish(found) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        found => found.map(Some),
    }
}

fn wait(call: &Call) -> Result<Duration, Error> {
    match call.query("wait").map(|text| text.parse::<u64>()) {
        None => Ok(Duration::ZERO),
        Some(Ok(seconds)) if seconds <= LONGEST_WAIT => Ok(Duration::from_secs(seconds)),
        Some(_) => Err(Error::field(
            "wait",
            "must be a whole number of seconds from 0 to 20",
        )),
    }
}
