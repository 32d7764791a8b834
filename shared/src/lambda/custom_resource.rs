//! A custom resource of `CloudFormation` as a type.
//!
//! `CloudFormation` calls the function while it deploys, does not look at its answer, and waits
//! until somebody writes to the URL of the request how it went. So errors, panics and work that
//! takes too long are written there: a deployment that is told nothing waits for its time-out.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use aws_lambda_events::cloudformation::{
    CloudFormationCustomResourceRequest, CloudFormationCustomResourceResponse,
    CloudFormationCustomResourceResponseStatus,
};
use futures::FutureExt;
use futures::future::LocalBoxFuture;
use lambda_runtime::Context;
use serde_json::value::RawValue;
use tracing::Instrument;

use super::{Answer, Invoke, buffered, read};
use crate::config::ConfigError;
use crate::deadline::Deadline;
use crate::error::{BoxError, Error, ErrorKind, error_chain};
use crate::setup::Setup;

/// Kept from the invocation's time for telling `CloudFormation`.
const REPORT_RESERVE: Duration = Duration::from_secs(20);

/// For one try to tell it.
const REPORT_TIMEOUT: Duration = Duration::from_secs(8);

/// What `CloudFormation` names a resource that could not be made.
const NOT_MADE: &str = "not-made";

/// A function that makes and changes something that `CloudFormation` does not know. There is no
/// removing: what was made stays when the stack is deleted.
pub trait CustomResource: Sized + 'static {
    /// The function's time-out, as the template has it.
    const TIMEOUT: Duration;

    /// Makes the function, once for each execution environment. What of it may fail belongs to
    /// [`Self::apply`], whose errors the operator reads.
    fn from_env(setup: &Setup) -> impl Future<Output = Result<Self, ConfigError>>;

    /// Makes the thing, or brings it to what this version wants; may be called twice for one
    /// deployment. `present` is the id that it had before. The error's public message is shown in
    /// the stack's events.
    fn apply(&self, present: Option<&str>) -> impl Future<Output = Result<Resource, Error>>;
}

/// The thing as it is now.
pub struct Resource {
    /// Its id for `CloudFormation`, up to 1 KB.
    pub id: String,
    /// What `!GetAtt` gives.
    pub attributes: HashMap<String, String>,
}

/// A custom resource in service.
pub(super) struct Provider<R> {
    pub(super) name: &'static str,
    pub(super) resource: R,
}

/// The parts that all kinds of requests have.
struct Request {
    report_url: String,
    stack_id: String,
    id: String,
    logical_id: String,
    /// None before it is made.
    present: Option<String>,
    is_deletion: bool,
}

impl<R: CustomResource> Invoke for Provider<R> {
    fn invoke<'a>(
        &'a self,
        event: &'a RawValue,
        context: &'a Context,
    ) -> LocalBoxFuture<'a, Result<Answer, lambda_runtime::Error>> {
        let span = tracing::info_span!(
            "custom_resource",
            function = self.name,
            request_id = context.request_id
        );
        let work = async {
            let request = Request::from(read::<CloudFormationCustomResourceRequest>(event)?);
            let deadline = Deadline::of_timeout(context.deadline(), REPORT_RESERVE, R::TIMEOUT);
            let applied = self.apply(&request, deadline).await;
            if let Err(error) = &applied {
                tracing::error!(error = %error, causes = error_chain(error), "failed");
            }
            report(&request, applied).await?;
            buffered(&())
        };

        Box::pin(work.instrument(span))
    }
}

impl<R: CustomResource> Provider<R> {
    async fn apply(&self, request: &Request, deadline: Deadline) -> Result<Resource, Error> {
        let present = request.present.as_deref();
        if request.is_deletion {
            return Ok(Resource {
                id: present.unwrap_or(NOT_MADE).to_owned(),
                attributes: HashMap::new(),
            });
        }

        let applying = AssertUnwindSafe(self.resource.apply(present)).catch_unwind();
        match deadline.run(Box::pin(applying)).await {
            Ok(Ok(applied)) => applied,
            // The panic's place is in the log.
            Ok(Err(_)) => Err(Error::new(ErrorKind::Internal, "It panicked.")),
            Err(elapsed) => {
                let detail = "It took longer than the function may run, and was broken off.";
                Err(Error::new(ErrorKind::TimedOut, detail).with_source(elapsed))
            }
        }
    }
}

impl From<CloudFormationCustomResourceRequest> for Request {
    fn from(request: CloudFormationCustomResourceRequest) -> Self {
        match request {
            CloudFormationCustomResourceRequest::Create(request) => Self {
                report_url: request.response_url,
                stack_id: request.stack_id,
                id: request.request_id,
                logical_id: request.logical_resource_id,
                present: None,
                is_deletion: false,
            },
            CloudFormationCustomResourceRequest::Update(request) => Self {
                report_url: request.response_url,
                stack_id: request.stack_id,
                id: request.request_id,
                logical_id: request.logical_resource_id,
                present: Some(request.physical_resource_id),
                is_deletion: false,
            },
            CloudFormationCustomResourceRequest::Delete(request) => Self {
                report_url: request.response_url,
                stack_id: request.stack_id,
                id: request.request_id,
                logical_id: request.logical_resource_id,
                present: Some(request.physical_resource_id),
                is_deletion: true,
            },
            // The enum may grow; what it does not know is no request of ours.
            _ => Self {
                report_url: String::new(),
                stack_id: String::new(),
                id: String::new(),
                logical_id: String::new(),
                present: None,
                is_deletion: true,
            },
        }
    }
}

/// Tells `CloudFormation` how it went. An error makes Lambda call the function again, twice.
async fn report(request: &Request, applied: Result<Resource, Error>) -> Result<(), BoxError> {
    let mut response = CloudFormationCustomResourceResponse::default();
    response.stack_id.clone_from(&request.stack_id);
    response.request_id.clone_from(&request.id);
    response.logical_resource_id.clone_from(&request.logical_id);
    match applied {
        Ok(resource) => {
            response.status = CloudFormationCustomResourceResponseStatus::Success;
            // It may be left out, which its type does not do: a null is no string.
            response.reason = Some("done".to_owned());
            response.physical_resource_id = resource.id;
            response.data = resource.attributes;
        }
        Err(error) => {
            response.status = CloudFormationCustomResourceResponseStatus::Failed;
            response.reason = Some(error.to_string());
            // Another id would be another resource, and the present one deleted.
            let present = request.present.as_deref();
            response.physical_resource_id = present.unwrap_or(NOT_MADE).to_owned();
        }
    }

    // The URL is signed for a body without a type, and is no text for a log.
    let body = serde_json::to_vec(&response)?;
    let client = reqwest::Client::builder().timeout(REPORT_TIMEOUT).build()?;
    let sent = client.put(&request.report_url).body(body).send().await;
    let answer = sent.map_err(reqwest::Error::without_url)?;
    answer
        .error_for_status()
        .map_err(reqwest::Error::without_url)?;
    Ok(())
}
