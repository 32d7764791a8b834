//! `GET /v1/consultations/{id}`: one consultation, at once or when its assessment is there.

use std::sync::Arc;
use std::time::Duration;

use wenzhen::consultations::{Consultation, ConsultationView, Status, store};
use wenzhen::deadline::Deadline;
use wenzhen::error::Error;
use wenzhen::http::{Call, Response, reply};
use wenzhen::limits::{self, Limit};
use wenzhen::postgres::Database;

/// The longest wait, in seconds, that `?wait=` takes.
const LONGEST_WAIT: u64 = 20;

/// Pauses between two looks: short at first, since rules and a fast model are done within a second.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How often the route may be called.
pub const LIMITS: &[Limit] = limits::DEFAULT;

/// What the route needs, made once for each environment.
pub struct App {
    /// Where consultations are kept.
    pub database: Database,
}

/// 200 with an `ETag`, or 304. With `?wait=N` the answer is held back for up to N seconds while the consultation is still
/// being processed.
pub async fn handle(app: Arc<App>, call: Call) -> Result<Response, Error> {
    let id = call.path_id("id", "consultation")?;
    let until = Deadline::after(wait(&call)?).min(call.deadline.less(Duration::from_secs(1)));
    let mut pause = FIRST_PAUSE;
    loop {
        let found = get(&app, &call, id).await?;
        if found.status != Status::Processing || until.remaining().is_zero() {
            return reply::revalidated(call.headers(), &ConsultationView::from(found));
        }
        #[expect(clippy::disallowed_methods, reason = "a poll bounded by `until`, not a retry: every look succeeded")]
        tokio::time::sleep(pause.min(until.remaining())).await;
        pause = (pause * 3 / 2).min(LONGEST_PAUSE);
    }
}

/// The connection is given back between two looks.
async fn get(app: &App, call: &Call, id: wenzhen::Uuid) -> Result<Consultation, Error> {
    let mut session = app.database.session().await?;
    let found = store::get(&mut session, call.caller.scope(), id).await;
    session.finish(found)
}

fn wait(call: &Call) -> Result<Duration, Error> {
    match call.query("wait").map(|text| text.parse::<u64>()) {
        None => Ok(Duration::ZERO),
        Some(Ok(seconds)) if seconds <= LONGEST_WAIT => Ok(Duration::from_secs(seconds)),
        Some(_) => Err(Error::field("wait", "must be a whole number of seconds from 0 to 20")),
    }
}
