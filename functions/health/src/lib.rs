//! `GET /health`: whether the parts answer, and what the circuits of the models do.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::Mutex;
use wenzhen::ai::Chains;
use wenzhen::deadline::Deadline;
use wenzhen::error::Error;
use wenzhen::health;
use wenzhen::http::{Response, reply};
use wenzhen::postgres::Database;
use wenzhen::valkey::Valkey;

/// What the route needs, made once for each environment.
pub struct App {
    /// Asked whether it answers.
    pub database: Database,
    /// Asked whether it answers, if there is one.
    pub valkey: Option<Arc<Valkey>>,
    /// Whose circuits are shown.
    pub chains: Chains,
    /// The last answer: anybody may ask, and so often.
    pub last: Mutex<Option<(SystemTime, Arc<health::Report>)>>,
}

/// How long an answer is given again.
const FRESH: Duration = Duration::from_secs(1);

/// 200 when calls can be accepted, if need be degraded; 503 when they cannot.
pub async fn handle(app: Arc<App>, deadline: Deadline) -> Result<Response, Error> {
    let mut last = app.last.lock().await;
    let known = last
        .as_ref()
        .filter(|(at, _)| at.elapsed().is_ok_and(|age| age < FRESH));
    let report = if let Some((_, report)) = known {
        Arc::clone(report)
    } else {
        let report = health::check(
            &app.database,
            app.valkey.as_deref(),
            app.chains.breakers(),
            deadline,
        )
        .await;
        let report = Arc::new(report);
        *last = Some((SystemTime::now(), Arc::clone(&report)));
        report
    };
    drop(last);
    reply::health(report.is_serving(), &*report)
}
