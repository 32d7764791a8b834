//! All functions' spans on their way to a service, by the stack that hands them on in production.
//! It stands here since the emulator then starts a function for each line, and others would wait.

use std::fs;

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::types::{Parameter, StackStatus};

use crate::provider;
use crate::support::{STACK, User, eventually};

const NAME: &str = "wenzhen-traces";

#[tokio::test]
async fn spans_of_all_functions_reach_the_service() {
    let client = Client::new(&STACK.aws().await);
    deploy(&client).await;
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
    client.delete_stack().stack_name(NAME).send().await.unwrap();
}

/// `infra/traces.yaml` as it stands, with the outputs of the stack as its parent hands them on.
async fn deploy(client: &Client) {
    let application = client.describe_stacks().stack_name("wenzhen").send().await;
    let application = application.unwrap().stacks.unwrap().remove(0);
    let outputs = application.outputs.unwrap();
    let parameters = ["FunctionLogs", "ForwardTracesArn"].map(|name| {
        let output = outputs
            .iter()
            .find(|output| output.output_key() == Some(name));
        let value = output.unwrap().output_value().unwrap();
        Parameter::builder()
            .parameter_key(name)
            .parameter_value(value)
            .build()
    });

    let template = fs::read_to_string(STACK.root.join("infra/traces.yaml")).unwrap();
    let create = client
        .create_stack()
        .stack_name(NAME)
        .template_body(template);
    let create = create.set_parameters(Some(parameters.to_vec()));
    create.send().await.unwrap();
    eventually("the stack is there", async || {
        let stacks = client.describe_stacks().stack_name(NAME).send().await;
        let stack = stacks.unwrap().stacks.unwrap().remove(0);
        let status = stack.stack_status.unwrap();
        assert_ne!(
            status,
            StackStatus::RollbackComplete,
            "{:?}",
            stack.stack_status_reason
        );
        (status == StackStatus::CreateComplete).then_some(())
    })
    .await;
}
