//! `cargo xtask logs`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Result;
use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;
use serde_json::{Map, Value};

use crate::functions;
use crate::report;
use crate::stack::{NAME, Stack};

/// What stands at the front of a line, or says nothing to a reader.
const SHOWN_FIRST: &[&str] = &["timestamp", "level", "message", "target", "span"];

/// Prints what the functions logged, in the order in which they did.
pub async fn run(stack: &Stack, function: Option<&str>, follow: bool) -> Result<()> {
    let names = functions::names(stack)?;
    if let Some(wanted) = function
        && !names.iter().any(|name| name == wanted)
    {
        anyhow::bail!(
            "there is no function {wanted}; there are {}",
            names.join(", ")
        );
    }
    let client = Client::new(&stack.aws().await);
    let mut since = BTreeMap::new();
    let mut seen = BTreeSet::new();
    loop {
        let mut lines = Vec::new();
        for name in names
            .iter()
            .filter(|name| function.is_none_or(|wanted| wanted == name.as_str()))
        {
            lines.extend(new_lines(&client, name, &mut since, &mut seen).await);
        }
        lines.sort();
        for (_, line) in lines {
            report::say(line);
        }
        if !follow {
            return Ok(());
        }
        #[expect(clippy::disallowed_methods, reason = "following goes on until Ctrl-C")]
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
}

/// Everything that the functions have logged, as it stands in the logs.
pub async fn all(stack: &Stack) -> Result<Vec<String>> {
    let client = Client::new(&stack.aws().await);
    let mut lines = Vec::new();
    for name in functions::names(stack)? {
        lines.extend(
            events(&client, &name, 0)
                .await
                .into_iter()
                .filter_map(|event| event.message),
        );
    }
    Ok(lines)
}

/// What one function has logged since a time, in milliseconds since 1970.
pub async fn since(stack: &Stack, function: &str, start: i64) -> Vec<String> {
    let client = Client::new(&stack.aws().await);
    events(&client, function, start)
        .await
        .into_iter()
        .filter_map(|event| event.message)
        .collect()
}

/// The events of one function that were not printed yet. A group without a first event does not exist.
async fn new_lines(
    client: &Client,
    name: &str,
    since: &mut BTreeMap<String, i64>,
    seen: &mut BTreeSet<String>,
) -> Vec<(i64, String)> {
    let start = since.entry(name.to_owned()).or_insert(0);
    let mut lines = Vec::new();
    for event in events(client, name, *start).await {
        let at = event.timestamp().unwrap_or_default();
        let id = format!(
            "{name} {at} {}",
            event.event_id().or(event.message()).unwrap_or_default()
        );
        if seen.insert(id) {
            *start = at.max(*start);
            lines
                .extend(readable(name, event.message().unwrap_or_default()).map(|line| (at, line)));
        }
    }
    lines
}

async fn events(client: &Client, name: &str, since: i64) -> Vec<FilteredLogEvent> {
    let group = format!("/aws/lambda/{NAME}/{name}");
    let mut pages = client
        .filter_log_events()
        .log_group_name(group)
        .start_time(since)
        .into_paginator()
        .send();
    let mut events = Vec::new();
    while let Some(Ok(page)) = pages.next().await {
        events.extend(page.events.unwrap_or_default());
    }
    events
}

/// A JSON line as a person reads it; anything else as it is. The platform's own words of each call, and metrics, which are for
/// `CloudWatch`, are left out.
fn readable(name: &str, line: &str) -> Option<String> {
    let line = line.trim_end();
    let is_platforms = ["START RequestId:", "END RequestId:", "REPORT RequestId:"]
        .iter()
        .any(|what| line.starts_with(what));
    let Ok(fields) = serde_json::from_str::<Map<String, Value>>(line) else {
        return (!is_platforms).then(|| format!("{:12} {name:<20} {line}", ""));
    };
    if fields.contains_key("_aws") {
        return None;
    }
    let text = |key: &str| fields.get(key).and_then(Value::as_str).unwrap_or_default();
    let time = text("timestamp")
        .split('T')
        .nth(1)
        .unwrap_or_default()
        .chars()
        .take(12)
        .collect::<String>();
    let span = fields
        .get("span")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    let rest: Vec<_> = fields
        .iter()
        .filter(|(key, _)| !SHOWN_FIRST.contains(&key.as_str()))
        .chain(span.filter(|(key, _)| *key != "name"))
        .map(|(key, value)| {
            format!(
                "{key}={}",
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned)
            )
        })
        .collect();
    Some(format!(
        "{time} {name:<20} {:<5} {} {}",
        text("level"),
        text("message"),
        rest.join(" ")
    ))
}
