//! What every scheduled function shares: its time, and one log line when it fails.

use std::sync::Arc;
use std::time::Duration;

use lambda_runtime::{LambdaEvent, service_fn};
use serde::Serialize;
use serde_json::Value;

use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind, error_chain};

/// Kept from the invocation's time for saying how it went.
const RESERVE: Duration = Duration::from_secs(2);

/// Does a function's work whenever its schedule says so, until the environment ends. What the event says does not matter.
/// `timeout` is the function's.
pub async fn serve<App, Handler, Answer, Done>(
    timeout: Duration,
    app: App,
    handler: Handler,
) -> Result<(), lambda_runtime::Error>
where
    Handler: Fn(Arc<App>, Deadline) -> Answer,
    Answer: Future<Output = Result<Done, Error>>,
    Done: Serialize,
{
    let app = Arc::new(app);
    let handler = &handler;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| {
        let app = Arc::clone(&app);
        async move {
            let deadline = Deadline::of_timeout(event.context.deadline(), RESERVE, timeout);
            let late =
                |elapsed| Error::new(ErrorKind::TimedOut, "It took too long.").with_source(elapsed);
            let done = deadline
                .run(handler(app, deadline))
                .await
                .map_err(late)
                .flatten();
            done.map_err(|error| {
                tracing::error!(error = %error, causes = error_chain(&error), "failed");
                // Said to Lambda, so that it counts as failed.
                lambda_runtime::Error::from(error.to_string())
            })
        }
    }))
    .await
}
