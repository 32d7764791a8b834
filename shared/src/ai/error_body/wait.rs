//! How long an error asks to be waited for: in its headers, in fields of its body, or in its words.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use serde_json::Value;

use super::report::{ErrorReport, RetryField};
use crate::resilience::retry;

/// What stands before a wait in words: `OpenAI`, Groq, Azure, Gemini.
const WAIT_PHRASES: [&str; 5] = [
    "try again in",
    "try again after",
    "retry after",
    "retry in",
    "please wait",
];

/// Units of a wait in words, in seconds.
const UNITS: [(&str, f64); 21] = [
    ("ms", 0.001),
    ("millisecond", 0.001),
    ("milliseconds", 0.001),
    ("s", 1.0),
    ("sec", 1.0),
    ("secs", 1.0),
    ("second", 1.0),
    ("seconds", 1.0),
    ("m", 60.0),
    ("min", 60.0),
    ("mins", 60.0),
    ("minute", 60.0),
    ("minutes", 60.0),
    ("h", 3_600.0),
    ("hr", 3_600.0),
    ("hrs", 3_600.0),
    ("hour", 3_600.0),
    ("hours", 3_600.0),
    ("d", 86_400.0),
    ("day", 86_400.0),
    ("days", 86_400.0),
];

/// The longest wait that is believed of `x-ratelimit-reset-*`. These headers say when a bucket is
/// full again, not when it has the next token: of a minute's bucket that is about the same, a day's
/// has one far sooner. Source: "Rate limits", `OpenAI` API guide and Groq's documentation.
const MAX_RESET: Duration = Duration::from_mins(1);

/// Larger numbers of seconds are points in time, or nonsense.
const MAX_SECONDS: f64 = 1e8;

/// The wait that an answer with this status asks for: `Retry-After`, `OpenAI`'s `retry-after-ms`,
/// its body, or what `OpenAI` and Groq say of a limit that is used up.
pub(super) fn asked_in(headers: &HeaderMap, status: u16, report: &ErrorReport) -> Option<Duration> {
    let resets = || (status == 429).then(|| reset_of(headers)).flatten();

    retry_after(headers)
        .or_else(|| asked_by(status, report))
        .or_else(resets)
}

/// The wait that only an error's body asks for, if its status is one that asks to wait.
pub(super) fn asked_by(status: u16, report: &ErrorReport) -> Option<Duration> {
    if !matches!(status, 429 | 503 | 529) {
        return None;
    }

    let in_fields = report.retry_fields().filter_map(wait_of_field).max();
    in_fields.or_else(|| wait_in_words(report.text()))
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let millis = text_of(headers, "retry-after-ms").and_then(|text| text.parse::<f64>().ok());
    let exact = millis.and_then(|millis| Duration::try_from_secs_f64(millis / 1_000.0).ok());
    if exact.is_some() {
        return exact;
    }

    let value = text_of(headers, "retry-after")?;

    retry::retry_after(value, SystemTime::now())
}

/// When the limit that is used up is as new; the later time, if both are.
fn reset_of(headers: &HeaderMap) -> Option<Duration> {
    let resets = ["requests", "tokens"].into_iter().filter_map(|what| {
        let remaining = text_of(headers, &format!("x-ratelimit-remaining-{what}"))?;
        let is_used_up = remaining.trim().parse::<f64>().ok()? <= 0.0;
        let reset = text_of(headers, &format!("x-ratelimit-reset-{what}"))?;
        is_used_up.then(|| seconds_or_span(reset)).flatten()
    });

    resets.max().filter(|reset| *reset <= MAX_RESET)
}

fn text_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Gemini's `retryDelay` (`google.rpc.RetryInfo`), such as `"17s"`, and what others call it.
fn wait_of_field(field: &RetryField) -> Option<Duration> {
    let per_second = match field.name.as_str() {
        "retryafter" | "retryafterseconds" | "retrydelay" | "retryin" => 1.0,
        "retryafterms" | "retrydelayms" => 1_000.0,
        _ => return None,
    };

    match &field.value {
        Value::Number(number) => from_seconds(number.as_f64()? / per_second),
        Value::String(text) => match text.trim().parse::<f64>() {
            Ok(number) => from_seconds(number / per_second),
            Err(_) => span_at(text),
        },
        Value::Object(span) => from_seconds(span.get("seconds")?.as_f64()?),
        _ => None,
    }
}

/// The wait that a text in small letters asks for, such as "please try again in 7m30.5s".
fn wait_in_words(text: &str) -> Option<Duration> {
    let waits = WAIT_PHRASES.into_iter().filter_map(|phrase| {
        let (_, rest) = text.split_once(phrase)?;
        span_at(rest)
    });
    waits.max()
}

fn seconds_or_span(text: &str) -> Option<Duration> {
    match text.trim().parse::<f64>() {
        Ok(seconds) => from_seconds(seconds),
        Err(_) => span_at(text),
    }
}

/// The span of time that a text begins with: numbers, each with its unit.
fn span_at(text: &str) -> Option<Duration> {
    let mut seconds = 0.0;
    let mut rest = text.trim_start();
    while let Some(part) = part_of_span(rest) {
        seconds += part.seconds;
        rest = part.rest;
    }

    let has_begun = rest.len() < text.trim_start().len();

    has_begun.then(|| from_seconds(seconds)).flatten()
}

/// One number of a span with its unit, and the text behind it.
struct SpanPart<'a> {
    seconds: f64,
    rest: &'a str,
}

fn part_of_span(text: &str) -> Option<SpanPart<'_>> {
    let is_number = |byte: char| byte.is_ascii_digit() || byte == '.';
    let (number, rest) = split_while(text, is_number);
    let (unit, rest) = split_while(rest.trim_start(), |byte| byte.is_ascii_alphabetic());

    let number: f64 = number.parse().ok()?;
    let (_, seconds) = UNITS.into_iter().find(|(name, _)| *name == unit)?;

    let rest = rest.trim_start();
    let rest = rest.strip_prefix("and ").unwrap_or(rest).trim_start();

    Some(SpanPart {
        seconds: number * seconds,
        rest,
    })
}

fn split_while(text: &str, is_part: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|char| !is_part(char)).unwrap_or(text.len());
    text.split_at(end)
}

fn from_seconds(seconds: f64) -> Option<Duration> {
    let is_span = (0.0..=MAX_SECONDS).contains(&seconds);
    is_span.then(|| Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use http::HeaderName;
    use serde_json::json;

    use super::*;

    fn headers_of(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            let name = HeaderName::from_static(name);
            (name, value.parse().unwrap())
        });
        pairs.collect()
    }

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn a_wait_in_the_headers_is_read() {
        let wait = |name, value| retry_after(&headers_of(&[(name, value)]));
        assert_eq!(wait("retry-after", "2"), Some(seconds(2.0)));
        assert_eq!(wait("retry-after-ms", "1500"), Some(seconds(1.5)));
        assert_eq!(wait("retry-after", "later"), None);
    }

    #[test]
    fn a_wait_in_words_is_read() {
        let texts = [
            ("rate limit reached. please try again in 1.2s.", 1.2),
            ("please try again in 6ms. visit the page", 0.006),
            ("tokens per day: please try again in 7m30.5s.", 450.5),
            ("try again in 1h2m3s", 3_723.0),
            ("please retry after 20 seconds. ", 20.0),
            ("please retry in 58.934310785s.", 58.934_310_785),
            ("try again in 1 minute and 30 seconds", 90.0),
            ("please wait 5 minutes", 300.0),
            ("please wait and try again in 3s", 3.0),
        ];
        for (text, expected) in texts {
            assert_eq!(wait_in_words(text), Some(seconds(expected)), "{text}");
        }

        let texts = [
            "please try again later",
            "retry after a while",
            "try again in 20",
            "try again in 3 parsecs",
            "try again in 99999999999 days",
            "20 seconds have passed",
        ];
        for text in texts {
            assert_eq!(wait_in_words(text), None, "{text}");
        }
    }

    #[test]
    fn a_wait_in_a_field_of_the_body_is_read() {
        let wait = |name: &str, value: Value| {
            let name = name.to_owned();
            wait_of_field(&RetryField { name, value })
        };
        assert_eq!(wait("retrydelay", json!("17s")), Some(seconds(17.0)));
        assert_eq!(
            wait("retrydelay", json!("45.837906927s")),
            Some(seconds(45.837_906_927))
        );
        assert_eq!(
            wait("retrydelay", json!({ "seconds": 17 })),
            Some(seconds(17.0))
        );
        assert_eq!(wait("retryafter", json!(30)), Some(seconds(30.0)));
        assert_eq!(wait("retryafter", json!("30")), Some(seconds(30.0)));
        assert_eq!(wait("retryafterms", json!(1_500)), Some(seconds(1.5)));

        assert_eq!(
            wait("retryafter", json!(1_790_000_000)),
            None,
            "a point in time"
        );
        assert_eq!(wait("retryafter", json!(-1)), None);
        assert_eq!(wait("retryable", json!(true)), None);
    }

    #[test]
    fn a_reset_counts_only_for_a_limit_that_is_used_up() {
        let used_up = [
            ("x-ratelimit-remaining-requests", "12"),
            ("x-ratelimit-reset-requests", "40s"),
            ("x-ratelimit-remaining-tokens", "0"),
            ("x-ratelimit-reset-tokens", "1.5s"),
        ];
        assert_eq!(reset_of(&headers_of(&used_up)), Some(seconds(1.5)));

        let not_used_up = &used_up[..2];
        assert_eq!(reset_of(&headers_of(not_used_up)), None);

        let of_a_day = [
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "7m12s"),
        ];
        assert_eq!(reset_of(&headers_of(&of_a_day)), None);
    }
}
