//! `cargo xtask logs`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Result, bail};
use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;
use clap::Args;
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use crate::functions;
use crate::report;
use crate::stack::{NAME, Stack};

/// These fields stand at the front of a line, or tell a reader nothing.
const LEADING_FIELDS: [&str; 6] = [
    "function",
    "timestamp",
    "level",
    "message",
    "target",
    "span",
];

/// How the platform's own lines about each call begin.
const PLATFORM_PREFIXES: [&str; 3] = ["START RequestId:", "END RequestId:", "REPORT RequestId:"];

/// Between two looks at the logs that are followed.
const FOLLOW_INTERVAL: Duration = Duration::from_millis(700);

/// What the emulator gives of a group at once.
const MAX_EVENTS: usize = 10_000;

/// Milliseconds by which a line may come later than one that is newer.
const LATE_LINES: i64 = 60_000;

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
    if let Some(wanted) = &options.function {
        let names = functions::names(stack)?;
        if !names.contains(wanted) {
            let known = names.join(", ");
            bail!("there is no function {wanted}; name one of {known}");
        }
    }

    let mut reader = LogReader::new(stack, options.function.clone()).await;
    if options.follow {
        reader.follow().await
    } else {
        reader.print_new_lines().await;
        Ok(())
    }
}

/// Prints what all functions log, until the caller drops the future.
pub async fn follow_all(stack: &Stack) -> Result<()> {
    LogReader::new(stack, None).await.follow().await
}

/// Everything that the functions have logged, as it stands in the logs. What this process has read
/// before is not asked for again: the emulator looks through a whole group for each page.
pub async fn all(stack: &Stack) -> Result<Vec<String>> {
    static READ: Mutex<BTreeMap<String, ReadLines>> = Mutex::const_new(BTreeMap::new());

    let client = Client::new(&stack.aws().await);
    let mut read = READ.lock().await;
    let mut messages = Vec::new();
    for group in groups() {
        let known = read.entry(group.clone()).or_default();
        let start = known.newest.saturating_sub(LATE_LINES);
        for event in read_events(&client, &group, start).await {
            known.add(event);
        }
        messages.extend(known.messages.iter().cloned());
    }

    Ok(messages)
}

/// Lines of one group.
#[derive(Default)]
struct ReadLines {
    messages: Vec<String>,
    seen: BTreeSet<String>,
    /// Milliseconds since 1970.
    newest: i64,
}

impl ReadLines {
    fn add(&mut self, event: FilteredLogEvent) {
        let at = event.timestamp.unwrap_or_default();
        let stream = event.log_stream_name.unwrap_or_default();
        let message = event.message.unwrap_or_default();
        let id = event.event_id.unwrap_or_else(|| message.clone());

        if self.seen.insert(format!("{at} {stream} {id}")) {
            self.newest = at.max(self.newest);
            self.messages.push(message);
        }
    }
}

/// What one function has logged since a time, in milliseconds since 1970.
pub async fn since(stack: &Stack, function: &str, start: i64) -> Vec<String> {
    let client = Client::new(&stack.aws().await);
    let events = read_events(&client, &functions_group(), start).await;
    let messages = events.into_iter().filter_map(|event| event.message);
    let of_function =
        |line: &String| read_fields(line).is_some_and(|it| text_of(&it, "function") == function);
    messages.filter(of_function).collect()
}

/// The log group of all functions but one.
pub fn functions_group() -> String {
    format!("/aws/lambda/{NAME}")
}

/// That one is `forward-traces`, which is handed the lines of the others.
fn groups() -> [String; 2] {
    let functions = functions_group();
    let forward_traces = format!("{functions}/forward-traces");
    [functions, forward_traces]
}

/// One printed line. Lines are ordered by their time.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct LogLine {
    /// Milliseconds since 1970.
    at: i64,
    text: String,
}

/// Reads the logs, each event once.
struct LogReader {
    client: Client,
    /// The function whose lines are printed; None prints all.
    function: Option<String>,
    /// By the group: the time of its newest event, in milliseconds since 1970.
    newest: BTreeMap<String, i64>,
    /// Events that were printed: the newest are read again, since others may share their time.
    seen: BTreeSet<String>,
}

impl LogReader {
    async fn new(stack: &Stack, function: Option<String>) -> Self {
        Self {
            client: Client::new(&stack.aws().await),
            function,
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
        for group in groups() {
            lines.extend(self.read_new_lines(&group).await);
        }

        lines.sort();
        for line in lines {
            report::say(line.text);
        }
    }

    /// The new events of one group, which does not exist before its first event.
    async fn read_new_lines(&mut self, group: &str) -> Vec<LogLine> {
        let newest = self.newest.entry(group.to_owned()).or_insert(0);
        let mut lines = Vec::new();
        for event in read_events(&self.client, group, *newest).await {
            let at = event.timestamp().unwrap_or_default();
            let message = event.message().unwrap_or_default();
            let id = event.event_id().unwrap_or(message);

            if self.seen.insert(format!("{group} {at} {id}")) {
                *newest = at.max(*newest);
                let text = format_line(message, self.function.as_deref());
                lines.extend(text.map(|text| LogLine { at, text }));
            }
        }

        lines
    }
}

/// The events of one group since a time, in milliseconds since 1970. The emulator gives no more
/// than the first 10,000 and no token for the next ones: they are asked for by the time of the
/// last.
async fn read_events(client: &Client, group: &str, start: i64) -> Vec<FilteredLogEvent> {
    let mut events = Vec::new();
    let mut start = start;
    loop {
        let read = read_pages(client, group, start).await;
        let last = read.last().and_then(|event| event.timestamp);
        match last {
            Some(last) if read.len() >= MAX_EVENTS && last > start => {
                let earlier = |event: &FilteredLogEvent| event.timestamp < Some(last);
                events.extend(read.into_iter().filter(earlier));
                start = last;
            }
            _ => {
                events.extend(read);
                return events;
            }
        }
    }
}

async fn read_pages(client: &Client, group: &str, start: i64) -> Vec<FilteredLogEvent> {
    let mut pages = client
        .filter_log_events()
        .log_group_name(group)
        .start_time(start)
        .into_paginator()
        .send();

    let mut events = Vec::new();
    while let Some(Ok(page)) = pages.next().await {
        events.extend(page.events.unwrap_or_default());
    }

    events
}

fn read_fields(line: &str) -> Option<Map<String, Value>> {
    serde_json::from_str(line.trim_end()).ok()
}

/// A JSON line as a person reads it; anything else as it is. The platform's lines about each call,
/// metrics, which are for `CloudWatch`, and spans, which `cargo xtask trace` draws, are left out,
/// and so are the lines of other functions than the wanted one.
fn format_line(line: &str, wanted: Option<&str>) -> Option<String> {
    let line = line.trim_end();
    let Some(fields) = read_fields(line) else {
        let is_platform = PLATFORM_PREFIXES
            .iter()
            .any(|prefix| line.starts_with(prefix));
        let is_printed = !is_platform && wanted.is_none();
        return is_printed.then(|| format!("{:12} {:<20} {line}", "", ""));
    };

    let name = text_of(&fields, "function");
    let is_wanted = wanted.is_none_or(|wanted| wanted == name);
    let is_for_people = !fields.contains_key("_aws") && !fields.contains_key("resourceSpans");
    (is_wanted && is_for_people).then(|| format_fields(name, &fields))
}

fn format_fields(name: &str, fields: &Map<String, Value>) -> String {
    let (_, time) = text_of(fields, "timestamp")
        .split_once('T')
        .unwrap_or_default();
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

    let (level, message) = (text_of(fields, "level"), text_of(fields, "message"));
    let rest = rest.join(" ");
    format!("{milliseconds} {name:<20} {level:<5} {message} {rest}")
}

/// A field's text; empty if there is none.
fn text_of<'f>(fields: &'f Map<String, Value>, key: &str) -> &'f str {
    fields.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// A text without its quotes; anything else as JSON.
fn format_value(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
