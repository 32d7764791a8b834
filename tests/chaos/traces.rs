//! All functions' spans on their way to a service. It stands here since the emulator then starts a
//! function for each line, and others would wait.

use aws_sdk_cloudwatchlogs::Client;

use super::functions::Function;
use crate::provider;
use crate::support::{STACK, User, eventually};

/// What the template has on AWS (`ForwardedSpans`).
const FILTER: &str = "spans";

#[tokio::test]
async fn spans_of_all_functions_reach_the_service() {
    let client = Client::new(&STACK.aws().await);
    let group = xtask::logs::functions_group();
    let forwarder = Function::of("ForwardTraces").await;
    let put = client.put_subscription_filter().log_group_name(&group);
    let put = put.filter_name(FILTER).filter_pattern("\"resourceSpans\"");
    let put = put.destination_arn(forwarder.arn().await);
    put.send().await.unwrap();

    let user = User::new().await;
    let accepted = user.complain("喉咙痛两天了。").await;
    user.outcome(&accepted).await;

    let job = accepted["job_id"].as_str().unwrap();
    eventually("the spans of API and worker", async || {
        let requests = provider::start().attempts("otlp").into_iter();
        let bodies: Vec<_> = requests.map(|request| request.body.to_string()).collect();
        let worker = bodies.iter().find(|body| body.contains(job))?;
        let (_, id) = worker.split_once("\"traceId\":\"")?;
        let trace_id = id.get(..32)?;
        let is_of_api = |body: &&String| {
            body.contains(trace_id) && body.contains("\"name\":\"POST /v1/consultations\"")
        };
        bodies.iter().find(is_of_api).map(drop)
    })
    .await;

    let delete = client.delete_subscription_filter().log_group_name(&group);
    delete.filter_name(FILTER).send().await.unwrap();
}
