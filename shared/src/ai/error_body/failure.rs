//! How an error says that its endpoint failed, and not that it will not answer.
//!
//! An error that repeats the request must not be mistaken for what it repeats: the words of a
//! failure are compounds that no patient writes, and of a failure only the first clause is read.

use super::report::ErrorReport;

/// Parts of codes, which have small letters and digits only.
const CODES: [&str; 10] = [
    "exhausted",
    "internalerror",
    "internalserver",
    "overload",
    "servererror",
    "systemerror",
    "timedout",
    "timeout",
    "unavailable",
    "unknownerror",
];

/// A code of `google.rpc`, a part of many others that tell no failure.
const INTERNAL: &str = "internal";

/// Words in small letters. "Unavailable", "failed", "service" or "try again" alone are said by
/// filters too.
const WORDS: [&str; 67] = [
    "internal error",
    "internal server",
    "internal_error",
    "server error",
    "server had",
    "server is",
    "servers are",
    "service error",
    "service is currently",
    "service is down",
    "service is unavailable",
    "service unavailable",
    "currently unavailable",
    "temporarily unavailable",
    "model is unavailable",
    "overloaded",
    "timeout",
    "timed out",
    "deadline exceeded",
    "at capacity",
    "over capacity",
    "no capacity",
    "enough capacity",
    "insufficient capacity",
    "capacity exceeded",
    "capacity limit",
    "try again later",
    "try again in a few",
    "try again in a minute",
    "try again in a moment",
    "try again shortly",
    "retry later",
    "retry your request",
    "an exception",
    "exception in",
    "exception occurred",
    "runtimeexception",
    "out of memory",
    "connection error",
    "connection reset",
    "connection refused",
    "connection closed",
    "network error",
    "bad gateway",
    "went wrong",
    "unexpected error",
    "unknown error",
    "failed on",
    "failed to allocate",
    "failed to connect",
    "failed to load",
    "failed to process",
    "engine is dead",
    "is not ready",
    "系统繁忙",
    "服务繁忙",
    "服务器",
    "服务异常",
    "服务不可用",
    "内部错误",
    "系统错误",
    "系统异常",
    "未知错误",
    "网络错误",
    "超时",
    "稍后重试",
    "稍后再试",
];

/// What stands before a status.
const STATUS_WORDS: [&str; 4] = ["code ", "code: ", "http ", "status "];

/// What proxies put before the words of the endpoint behind them.
const LABELS: [&str; 6] = [
    "cannot process new request",
    "error",
    "provider returned error",
    "upstream error",
    "upstream request failed",
    "错误",
];

/// How `OpenAI`'s library begins the words of a refusal, which some servers pass on with 500.
const REFUSED: &str = "error code: 400 ";

/// Marks that open what is repeated, unless they stand in a word.
const QUOTES: [char; 7] = ['\'', '"', '`', '‘', '“', '«', '「'];

/// Whether an error speaks of a failure, or says nothing at all.
pub(super) fn is_said_by(report: &ErrorReport) -> bool {
    let is_silent = report.text().trim().is_empty() && report.codes().next().is_none();
    let is_failure = |code: &str| {
        let mut parts = CODES.iter();
        code == INTERNAL || parts.any(|part| code.contains(part))
    };

    is_silent || report.codes().any(is_failure) || is_told_in(report.text())
}

fn is_told_in(text: &str) -> bool {
    let mut words = WORDS.iter();
    words.any(|words| text.contains(words)) || has_5xx(text)
}

/// Whether a text names a status of a failure, such as "http 503".
fn has_5xx(text: &str) -> bool {
    let mut behind = STATUS_WORDS
        .iter()
        .flat_map(|word| text.split(word).skip(1));

    behind.any(|rest| {
        let number = rest.split(|char: char| !char.is_ascii_digit()).next();
        number.is_some_and(|number| number.len() == 3 && number.starts_with('5'))
    })
}

/// What an error's messages say before they may repeat the request, one a line; none of one that
/// speaks of a failure, or of what failed.
pub(super) fn first_clauses(text: &str) -> String {
    let clauses = text.lines().map(first_clause);
    let mut lines = String::new();
    let tells_failure = |clause: &&str| clause.contains("failed ") || is_told_in(clause);
    for clause in clauses.filter(|clause| !tells_failure(clause)) {
        lines.push_str(clause);
        lines.push('\n');
    }

    lines
}

/// A message up to its first colon or quotation, with the labels before it; all of one that is
/// known to be a refusal.
fn first_clause(message: &str) -> &str {
    if message.starts_with(REFUSED) {
        return message;
    }

    let mut rest = message;
    while let Some((label, tail)) = rest.split_once(": ")
        && is_label(label)
    {
        rest = tail;
    }

    let start = message.len() - rest.len();
    message.get(..start + clause_end(rest)).unwrap_or(message)
}

/// Whether this is a class of errors, or a label of a proxy.
fn is_label(text: &str) -> bool {
    let is_class = !text.contains(' ') && (text.ends_with("error") || text.ends_with("exception"));
    is_class || LABELS.contains(&text)
}

fn clause_end(text: &str) -> usize {
    let mut before = ' ';
    for (at, char) in text.char_indices() {
        if matches!(char, ':' | '：') {
            return at + char.len_utf8();
        }
        if QUOTES.contains(&char) && !before.is_alphanumeric() {
            return at;
        }
        before = char;
    }

    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clause_ends_where_a_request_may_be_repeated() {
        let cases = [
            ("content exists risk", "content exists risk"),
            ("failed: my head", "failed:"),
            ("blocked 'my head'", "blocked "),
            ("the model's length", "the model's length"),
            ("错误：头痛", "错误："),
            (
                "a.someerror: error: refused: my head",
                "a.someerror: error: refused:",
            ),
            (
                "upstream request failed: [x] <4>",
                "upstream request failed: [x] <4>",
            ),
        ];
        for (message, clause) in cases {
            assert_eq!(first_clause(message), clause);
        }
    }

    #[test]
    fn what_speaks_of_a_failure_has_no_clause() {
        let clauses = first_clauses("failed on input content exists risk\noutput blocked\n");
        assert_eq!(clauses, "output blocked\n");
    }

    #[test]
    fn words_are_in_small_letters() {
        for words in WORDS.iter().chain(&LABELS) {
            assert_eq!(*words, words.to_lowercase());
        }
    }
}
