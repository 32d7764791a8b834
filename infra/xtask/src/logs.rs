//! `cargo xtask logs`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Result, bail};
use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;
use clap::Args;
use serde_json::{Map, Value};

use crate::functions;
use crate::report;
use crate::stack::{NAME, Stack};

/// These fields stand at the front of a line, or tell a reader nothing.
const LEADING_FIELDS: [&str; 5] = ["timestamp", "level", "message", "target", "span"];

/// How the platform's own lines about each call begin.
const PLATFORM_PREFIXES: [&str; 3] = ["START RequestId:", "END RequestId:", "REPORT RequestId:"];

/// Between two looks at the logs that are followed.
const FOLLOW_INTERVAL: Duration = Duration::from_millis(700);

/// Which logs are printed.
#[derive(Args)]
pub struct Options {
    /// Such as `worker` or `create-consultation`
    function: Option<String>,
    /// Go on printing until Ctrl-C
    #[arg(long, short)]
    follow: bool,
}

/// Prints what the functions logged, in the order in which they did.
pub async fn print_logs(stack: &Stack, options: &Options) -> Result<()> {
    let mut names = functions::names(stack)?;
    if let Some(wanted) = &options.function {
        if !names.contains(wanted) {
            let known = names.join(", ");
            bail!("there is no function {wanted}; name one of {known}");
        }
        names = vec![wanted.clone()];
    }

    let mut reader = LogReader::new(stack, names).await;
    if options.follow {
        reader.follow().await
    } else {
        reader.print_new_lines().await;
        Ok(())
    }
}

/// Prints what all functions log, until the caller drops the future.
pub async fn follow_all(stack: &Stack) -> Result<()> {
    let names = functions::names(stack)?;
    LogReader::new(stack, names).await.follow().await
}

/// Everything that the functions have logged, as it stands in the logs.
pub async fn all(stack: &Stack) -> Result<Vec<String>> {
    let client = Client::new(&stack.aws().await);
    let mut messages = Vec::new();
    for name in functions::names(stack)? {
        let events = read_events(&client, &name, 0).await;
        messages.extend(events.into_iter().filter_map(|event| event.message));
    }

    Ok(messages)
}

/// What one function has logged since a time, in milliseconds since 1970.
pub async fn since(stack: &Stack, function: &str, start: i64) -> Vec<String> {
    let client = Client::new(&stack.aws().await);
    let events = read_events(&client, function, start).await;
    let messages = events.into_iter().filter_map(|event| event.message);
    messages.collect()
}

/// One printed line. Lines are ordered by their time.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct LogLine {
    /// Milliseconds since 1970.
    at: i64,
    text: String,
}

/// Reads the logs of some functions, each event once.
struct LogReader {
    client: Client,
    names: Vec<String>,
    /// By the function's name: the time of its newest event, in milliseconds since 1970.
    newest: BTreeMap<String, i64>,
    /// Events that were printed: the newest are read again, since others may share their time.
    seen: BTreeSet<String>,
}

impl LogReader {
    async fn new(stack: &Stack, names: Vec<String>) -> Self {
        Self {
            client: Client::new(&stack.aws().await),
            names,
            newest: BTreeMap::new(),
            seen: BTreeSet::new(),
        }
    }

    /// Prints until the caller drops the future.
    async fn follow(&mut self) -> Result<()> {
        loop {
            self.print_new_lines().await;
            #[expect(clippy::disallowed_methods, reason = "following goes on until Ctrl-C")]
            tokio::time::sleep(FOLLOW_INTERVAL).await;
        }
    }

    async fn print_new_lines(&mut self) {
        let mut lines = Vec::new();
        for name in self.names.clone() {
            lines.extend(self.read_new_lines(&name).await);
        }

        lines.sort();
        for line in lines {
            report::say(line.text);
        }
    }

    /// The events of one function that were not printed yet. A group without a first event does not
    /// exist.
    async fn read_new_lines(&mut self, name: &str) -> Vec<LogLine> {
        let newest = self.newest.entry(name.to_owned()).or_insert(0);
        let mut lines = Vec::new();
        for event in read_events(&self.client, name, *newest).await {
            let at = event.timestamp().unwrap_or_default();
            let message = event.message().unwrap_or_default();
            let id = event.event_id().unwrap_or(message);

            if self.seen.insert(format!("{name} {at} {id}")) {
                *newest = at.max(*newest);
                let text = format_line(name, message);
                lines.extend(text.map(|text| LogLine { at, text }));
            }
        }

        lines
    }
}

/// The events of one function since a time, in milliseconds since 1970.
async fn read_events(client: &Client, name: &str, start: i64) -> Vec<FilteredLogEvent> {
    let mut pages = client
        .filter_log_events()
        .log_group_name(format!("/aws/lambda/{NAME}/{name}"))
        .start_time(start)
        .into_paginator()
        .send();

    let mut events = Vec::new();
    while let Some(Ok(page)) = pages.next().await {
        events.extend(page.events.unwrap_or_default());
    }

    events
}

/// A JSON line as a person reads it; anything else as it is. The platform's lines about each call,
/// metrics, which are for `CloudWatch`, and spans, which `cargo xtask trace` draws, are left out.
fn format_line(name: &str, line: &str) -> Option<String> {
    let line = line.trim_end();
    let Ok(fields) = serde_json::from_str::<Map<String, Value>>(line) else {
        let is_platform = PLATFORM_PREFIXES
            .iter()
            .any(|prefix| line.starts_with(prefix));
        return (!is_platform).then(|| format!("{:12} {name:<20} {line}", ""));
    };

    let is_for_people = !fields.contains_key("_aws") && !fields.contains_key("resourceSpans");
    is_for_people.then(|| format_fields(name, &fields))
}

fn format_fields(name: &str, fields: &Map<String, Value>) -> String {
    let text = |key: &str| fields.get(key).and_then(Value::as_str).unwrap_or_default();
    let (_, time) = text("timestamp").split_once('T').unwrap_or_default();
    let milliseconds: String = time.chars().take(12).collect();

    let span = fields.get("span").and_then(Value::as_object);
    let span_fields = span.into_iter().flatten();
    let span_fields = span_fields.filter(|(key, _)| *key != "name");
    let own_fields = fields.iter();
    let own_fields = own_fields.filter(|(key, _)| !LEADING_FIELDS.contains(&key.as_str()));
    let rest: Vec<_> = own_fields
        .chain(span_fields)
        .map(|(key, value)| format!("{key}={}", format_value(value)))
        .collect();

    let (level, message) = (text("level"), text("message"));
    let rest = rest.join(" ");
    format!("{milliseconds} {name:<20} {level:<5} {message} {rest}")
}

/// A text without its quotes; anything else as JSON.
fn format_value(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
