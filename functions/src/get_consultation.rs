//! `GET /v1/consultations/{id}`: one consultation, at once or when its assessment is there.

use std::time::Duration;

use wenzhen::Uuid;
use wenzhen::audit::{self, AuditAction, AuditedRecord};
use wenzhen::cache::{Cache, Fetched, LoadRequest, PrefetchPlan};
use wenzhen::config::{self, ConfigError};
use wenzhen::consultations::{
    self, CACHE_POLICY, Consultation, ConsultationStatus, ConsultationView, ReportLinks, store,
};
use wenzhen::deadline::Deadline;
use wenzhen::error::{Error, ErrorKind};
use wenzhen::http::{Call, Endpoint, LongPoll, Request, Response, path_parameter, reply};
use wenzhen::identity::{Caller, Role, Scope, TenantId};
use wenzhen::limits::{Limiter, TENANT_WAIT, WAIT};
use wenzhen::postgres::Database;
use wenzhen::reports::LinkSigner;
use wenzhen::setup::Setup;

/// The longest `?wait=`, in seconds.
const MAX_WAIT_SECONDS: u64 = 20;

/// Kept from the call's deadline for the answer to a `?wait=`.
const ANSWER_RESERVE: Duration = Duration::from_secs(1);

/// The route.
pub struct GetConsultation {
    /// Holds the consultations.
    pub database: Database,
    /// Keeps completed ones for a while.
    pub cache: Cache,
    /// Makes the links to reports.
    pub links: LinkSigner,
    /// Counts the seconds that each person's and each tenant's calls wait.
    pub waits: Limiter,
}

impl Endpoint for GetConsultation {
    const ROUTE: &'static str = "GET /v1/consultations/{id}";

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
            cache: setup.cache()?,
            links: LinkSigner::new(config::reports_bucket()?),
            waits: setup.limiter_of(&[WAIT, TENANT_WAIT]).await?,
        })
    }

    fn prefetch(&self, caller: &Caller, request: &Request) -> Option<PrefetchPlan> {
        let id = path_parameter(request, "id")?.parse().ok()?;
        let key = consultations::cache_key(&caller.tenant, id);
        self.cache.plan_prefetch(&key, &CACHE_POLICY)
    }

    /// 200 with an `ETag`, or 304. With `?wait=N` the answer is held back for up to N seconds while
    /// the consultation is being processed. A caller who has waited too long of late is answered at
    /// once, with `Retry-After`. What a clinician or an admin reads is written to the audit trail
    /// first.
    async fn handle(&self, mut call: Call) -> Result<Response, Error> {
        let id = call.path_id("id", "consultation")?;
        let until = Deadline::after(wait_time(&call)?).min(call.deadline.less(ANSWER_RESERVE));

        let mut found = Box::pin(self.cached(&mut call, id)).await?;
        let mut poll = LongPoll::new(&self.waits, &call.caller, until);
        while found.status == ConsultationStatus::Processing && poll.pause().await {
            let latest = self.load(&call.caller.tenant, id).await?;
            found = visible(latest, &call.caller)?;
        }

        let record = AuditedRecord::consultation(&found.user_id, id);
        let action = AuditAction::ReadConsultation;
        audit::record_read(&self.database, &call.caller, action, record).await?;

        let report = match &found.report {
            Some(stored) => self.links.sign(stored).await,
            None => None,
        };
        let view = self::view(found, report, &call.caller);
        let mut response = reply::revalidated(call.headers(), &view)?;
        poll.write_retry_after(&mut response);
        Ok(response)
    }
}

impl GetConsultation {
    /// The consultation from the cache, else from the database. Only a completed one is kept.
    async fn cached(&self, call: &mut Call, id: Uuid) -> Result<Consultation, Error> {
        let prefetched = call.prefetched.take();
        let tenant = &call.caller.tenant;

        let load = async || {
            let found = self.load(tenant, id).await?;
            let status = found.as_ref().map(|found| found.status);
            Ok(match status {
                Some(ConsultationStatus::Completed) => found.into(),
                _ => Fetched::uncached(found),
            })
        };
        let request = LoadRequest {
            key: &consultations::cache_key(tenant, id),
            policy: &CACHE_POLICY,
            deadline: call.deadline,
        };
        let cached = self.cache.get_or_load_prefetched(prefetched, request, load);
        let cached = Box::pin(cached).await?;

        visible(cached.value, &call.caller)
    }

    async fn load(&self, tenant: &TenantId, id: Uuid) -> Result<Option<Consultation>, Error> {
        let scope = Scope {
            tenant,
            owner: None,
        };
        let found = self
            .database
            .run(async |connection| store::get(connection, scope, id).await)
            .await;

        match found {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            found => found.map(Some),
        }
    }
}

/// What the caller is shown: a review is the clinic's own affair.
fn view(mut found: Consultation, report: Option<ReportLinks>, caller: &Caller) -> ConsultationView {
    let (at, by) = (found.reviewed_at, found.reviewed_by.take());
    let view = ConsultationView::new(found, report);
    match caller.role {
        Role::Patient => view,
        Role::Clinician | Role::Admin => view.with_review(at, by),
    }
}

/// The same 404 whether there is none or it is another person's.
fn visible(found: Option<Consultation>, caller: &Caller) -> Result<Consultation, Error> {
    found
        .filter(|found| found.is_for(caller))
        .ok_or_else(|| Error::not_found("consultation"))
}

/// The time that `?wait=` asks for.
fn wait_time(call: &Call) -> Result<Duration, Error> {
    match call.query("wait").map(|text| text.parse::<u64>()) {
        None => Ok(Duration::ZERO),
        Some(Ok(seconds)) if seconds <= MAX_WAIT_SECONDS => Ok(Duration::from_secs(seconds)),
        Some(_) => {
            let message = "must be a whole number of seconds from 0 to 20";
            Err(Error::field("wait", message))
        }
    }
}
