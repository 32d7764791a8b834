//! The deployed functions, and what a test does to them.

use std::collections::HashMap;
use std::process::Command;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{Environment, FunctionCode, FunctionResponseType};

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
            names.extend(
                page.unwrap()
                    .functions
                    .unwrap_or_default()
                    .into_iter()
                    .filter_map(|function| function.function_name),
            );
        }
        let prefix = format!("{}-{logical}-", xtask::stack::NAME);
        let name = names
            .iter()
            .find(|name| name.starts_with(&prefix))
            .unwrap_or_else(|| panic!("{prefix} in {names:?}"));
        Self {
            client,
            name: name.clone(),
            mapping: None,
        }
    }

    async fn variables(&self) -> HashMap<String, String> {
        let found = self
            .client
            .get_function_configuration()
            .function_name(&self.name)
            .send()
            .await
            .unwrap();
        found
            .environment
            .and_then(|environment| environment.variables)
            .unwrap_or_default()
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
        let environment = Environment::builder()
            .set_variables(Some(variables))
            .build();
        let update = self
            .client
            .update_function_configuration()
            .function_name(&self.name)
            .environment(environment);
        update.send().await.unwrap();
    }

    /// Runs it once, as its schedule would.
    pub async fn invoke(&self) {
        let invoked = self
            .client
            .invoke()
            .function_name(&self.name)
            .payload(Blob::new("{}"))
            .send()
            .await
            .unwrap();
        let said = invoked
            .payload
            .map(|payload| String::from_utf8_lossy(payload.as_ref()).into_owned());
        assert!(invoked.function_error.is_none(), "{}: {said:?}", self.name);
    }

    /// A second worker on the same queue whose clock is so many seconds off. Both take from it.
    pub async fn skewed_worker(offset: i32) -> Self {
        let worker = Self::of("Worker").await;
        let found = worker
            .client
            .get_function_configuration()
            .function_name(&worker.name)
            .send()
            .await
            .unwrap();
        let mut variables = worker.variables().await;
        variables.insert("LD_PRELOAD".to_owned(), library());
        variables.insert("CLOCK_OFFSET".to_owned(), offset.to_string());
        let name = format!(
            "skewed-worker-{}",
            offset.unsigned_abs() + u32::from(offset < 0)
        );
        let package = xtask::functions::package(&STACK).unwrap();
        let create = worker
            .client
            .create_function()
            .function_name(&name)
            .role(found.role.unwrap());
        let create = create
            .runtime(found.runtime.unwrap())
            .handler("worker")
            .timeout(300)
            .memory_size(512);
        let create = create.environment(
            Environment::builder()
                .set_variables(Some(variables))
                .build(),
        );
        create
            .code(
                FunctionCode::builder()
                    .zip_file(Blob::new(package.zip))
                    .build(),
            )
            .send()
            .await
            .unwrap();
        let mappings = worker
            .client
            .list_event_source_mappings()
            .function_name(&worker.name)
            .send()
            .await
            .unwrap();
        let queue = mappings.event_source_mappings()[0]
            .event_source_arn()
            .unwrap()
            .to_owned();
        let map = worker
            .client
            .create_event_source_mapping()
            .function_name(&name)
            .event_source_arn(queue)
            .batch_size(10);
        let map = map
            .function_response_types(FunctionResponseType::ReportBatchItemFailures)
            .send()
            .await
            .unwrap();
        Self {
            client: worker.client,
            name,
            mapping: map.uuid,
        }
    }

    /// Lines of its log that say this, once there are any.
    pub async fn logged(&self, what: &str) -> usize {
        let client = aws_sdk_cloudwatchlogs::Client::new(&STACK.aws().await);
        let group = format!("/aws/lambda/{}", self.name);
        eventually("it has logged", async || {
            let events = client
                .filter_log_events()
                .log_group_name(&group)
                .send()
                .await
                .ok()?
                .events
                .unwrap_or_default();
            let lines = events
                .iter()
                .filter(|event| event.message().is_some_and(|line| line.contains(what)))
                .count();
            (lines > 0).then_some(lines)
        })
        .await
    }

    pub async fn delete(self) {
        if let Some(mapping) = &self.mapping {
            self.client
                .delete_event_source_mapping()
                .uuid(mapping)
                .send()
                .await
                .unwrap();
        }
        pause(500).await;
        self.client
            .delete_function()
            .function_name(&self.name)
            .send()
            .await
            .unwrap();
    }
}

/// A library that moves the wall clock of the process that it is loaded into, and not the monotonic one.
fn library() -> String {
    let home = STACK.home.canonicalize().unwrap();
    let (source, library) = (
        concat!(env!("CARGO_MANIFEST_DIR"), "/chaos/clock.c"),
        home.join("clock.so"),
    );
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&library)
        .arg(source)
        .status();
    assert!(
        built.is_ok_and(|status| status.success()),
        "a C compiler is needed, as the README says"
    );
    library.to_str().unwrap().to_owned()
}
