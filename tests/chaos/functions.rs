//! The deployed functions, and what a test does to them.

use std::collections::HashMap;
use std::process::Command;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{Environment, FunctionCode, FunctionResponseType, InvocationType};

use super::{STACK, eventually, pause};

/// A function as the emulator knows it.
pub struct Function {
    client: Client,
    pub name: String,
    mapping: Option<String>,
}

impl Function {
    /// The function of this logical name in template.yaml.
    pub async fn of(logical: &str) -> Self {
        let client = Client::new(&STACK.aws().await);
        let mut names = Vec::new();
        let mut pages = client.list_functions().into_paginator().send();
        while let Some(page) = pages.next().await {
            let functions = page.unwrap().functions.unwrap_or_default();
            let page_names = functions.into_iter().filter_map(|one| one.function_name);
            names.extend(page_names);
        }

        let prefix = format!("{}-{logical}-", xtask::stack::NAME);
        let name = names.iter().find(|name| name.starts_with(&prefix));
        let name = name.unwrap_or_else(|| panic!("{prefix} in {names:?}"));
        Self {
            client,
            name: name.clone(),
            mapping: None,
        }
    }

    async fn variables(&self) -> HashMap<String, String> {
        let request = self.client.get_function_configuration();
        let found = request.function_name(&self.name).send().await.unwrap();

        let variables = found.environment.and_then(|found| found.variables);
        variables.unwrap_or_default()
    }

    /// Its ARN.
    pub async fn arn(&self) -> String {
        let request = self.client.get_function_configuration();
        let found = request.function_name(&self.name).send().await.unwrap();
        found.function_arn.unwrap()
    }

    /// The value of a variable.
    pub async fn variable(&self, name: &str) -> String {
        let mut variables = self.variables().await;
        variables.remove(name).unwrap_or_default()
    }

    /// Sets or removes a variable; environments that are made from now on have it.
    pub async fn set(&self, variable: &str, value: Option<&str>) {
        let mut variables = self.variables().await;
        let before = match value {
            Some(value) => variables.insert(variable.to_owned(), value.to_owned()),
            None => variables.remove(variable),
        };
        if before.as_deref() == value {
            return; // environments live on
        }

        let environment = Environment::builder().set_variables(Some(variables));
        let update = self
            .client
            .update_function_configuration()
            .function_name(&self.name)
            .environment(environment.build());
        update.send().await.unwrap();
    }

    /// Runs it once, as its schedule would.
    pub async fn invoke(&self) {
        let request = self.client.invoke().function_name(&self.name);
        let response = request.payload(Blob::new("{}")).send().await.unwrap();

        let error = response.function_error;
        let payload = response.payload.unwrap_or_else(|| Blob::new(""));
        let payload = String::from_utf8_lossy(payload.as_ref()).into_owned();
        assert!(error.is_none(), "{}: {payload}", self.name);
    }

    /// Begins a run, and does not wait for it.
    pub async fn begin(&self) {
        let request = self.client.invoke().function_name(&self.name);
        let request = request.invocation_type(InvocationType::Event);
        request.payload(Blob::new("{}")).send().await.unwrap();
    }

    /// A second worker on the same queue whose clock is so many seconds off. Both take from it.
    pub async fn skewed_worker(offset: i32) -> Self {
        let worker = Self::of("Worker").await;
        let suffix = offset.unsigned_abs() + u32::from(offset < 0);
        let name = format!("skewed-worker-{suffix}");
        worker.create_skewed(&name, offset).await;
        let mapping = worker.map_queue_to(&name).await;

        Self {
            client: worker.client,
            name,
            mapping,
        }
    }

    /// Creates a function like this one, with a wrong clock.
    async fn create_skewed(&self, name: &str, offset: i32) {
        let found = self
            .client
            .get_function_configuration()
            .function_name(&self.name)
            .send()
            .await
            .unwrap();
        let mut variables = self.variables().await;
        variables.insert("LD_PRELOAD".to_owned(), build_clock_library());
        variables.insert("CLOCK_OFFSET".to_owned(), offset.to_string());
        let environment = Environment::builder().set_variables(Some(variables));

        let package = xtask::functions::package(&STACK).unwrap();
        let code = FunctionCode::builder().zip_file(Blob::new(package.zip));
        let create = self
            .client
            .create_function()
            .function_name(name)
            .role(found.role.unwrap())
            .runtime(found.runtime.unwrap())
            .handler("worker")
            .timeout(300)
            .memory_size(512)
            .environment(environment.build())
            .code(code.build());
        create.send().await.unwrap();
    }

    /// Has another function take from this one's queue, too. Returns the mapping's id.
    async fn map_queue_to(&self, name: &str) -> Option<String> {
        let mappings = self
            .client
            .list_event_source_mappings()
            .function_name(&self.name)
            .send()
            .await
            .unwrap();
        let queue = mappings.event_source_mappings()[0].event_source_arn();

        let map = self
            .client
            .create_event_source_mapping()
            .function_name(name)
            .event_source_arn(queue.unwrap())
            .batch_size(10)
            .function_response_types(FunctionResponseType::ReportBatchItemFailures);
        map.send().await.unwrap().uuid
    }

    /// How many lines of its log have this text, once there are any.
    pub async fn count_logged(&self, text: &str) -> usize {
        let client = aws_sdk_cloudwatchlogs::Client::new(&STACK.aws().await);
        let group = format!("/aws/lambda/{}", self.name);
        eventually("it has logged", async || {
            let request = client.filter_log_events().log_group_name(&group);
            let events = request.send().await.ok()?.events.unwrap_or_default();

            let lines = events.iter().filter_map(|event| event.message());
            let count = lines.filter(|line| line.contains(text)).count();
            (count > 0).then_some(count)
        })
        .await
    }

    pub async fn delete(self) {
        if let Some(mapping) = &self.mapping {
            let delete = self.client.delete_event_source_mapping().uuid(mapping);
            delete.send().await.unwrap();
        }
        pause(500).await;

        let delete = self.client.delete_function().function_name(&self.name);
        delete.send().await.unwrap();
    }
}

/// Builds a library that moves the wall clock of the process that loads it, and not the monotonic
/// one. Returns its path.
fn build_clock_library() -> String {
    let home = STACK.home.canonicalize().unwrap();
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/chaos/clock.c");
    let library = home.join("clock.so");

    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-o"]);
    let built = compiler.arg(&library).arg(source).status();
    let is_built = built.is_ok_and(|status| status.success());
    assert!(is_built, "a C compiler is needed, as the README says");
    library.to_str().unwrap().to_owned()
}
