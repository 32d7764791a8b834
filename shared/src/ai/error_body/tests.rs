//! Errors as providers have them: each with its status and body, and the fault that it is.

mod contexts;
mod filters;

use http::{HeaderMap, HeaderName};
use serde_json::{Value, json};

use super::super::fault::BreakerOutcome;
use super::*;

/// The status of an error that comes as the body of a 200, or as an event of a stream.
const OK: u16 = 200;

/// An error of a provider.
struct ProviderCase {
    provider: String,
    status: u16,
    body: Value,
}

/// The lines of a table: a provider, a status, and a body or the message of one.
fn cases_of(table: &'static str) -> impl Iterator<Item = ProviderCase> {
    table.lines().filter(|line| !line.is_empty()).map(|line| {
        let mut columns = line.splitn(3, " | ");
        let mut next_column = || columns.next().unwrap().trim();

        ProviderCase {
            provider: next_column().to_owned(),
            status: next_column().parse().unwrap(),
            body: body_of(next_column()),
        }
    })
}

fn body_of(text: &str) -> Value {
    if text.starts_with(['{', '[', '"']) {
        return serde_json::from_str(text).unwrap();
    }

    json!({ "error": { "message": text, "type": "invalid_request_error", "code": null } })
}

fn case_of(status: u16, body: Value) -> ProviderCase {
    ProviderCase {
        provider: "any".to_owned(),
        status,
        body,
    }
}

fn fault_of(case: &ProviderCase) -> Option<Fault> {
    if case.status == OK {
        return fault_in_body(&case.body);
    }

    let body = case.body.to_string();
    let headers = HeaderMap::new();
    Some(fault_of_status(case.status, &headers, body.as_bytes()))
}

/// The fault's word, or `none`.
fn word_of(case: &ProviderCase) -> String {
    fault_of(case).map_or_else(|| "none".to_owned(), |fault| fault.to_string())
}

fn assert_table(table: &'static str, expected: &str) {
    for case in cases_of(table) {
        let ProviderCase {
            provider,
            status,
            body,
        } = &case;
        assert_eq!(word_of(&case), expected, "{provider} {status} {body}");
    }
}

/// Each line: the fault's word, a status, and the body or its message.
fn assert_words(table: &'static str) {
    for case in cases_of(table) {
        let (status, body) = (case.status, &case.body);
        assert_eq!(word_of(&case), case.provider, "{status} {body}");
    }
}

/// What only sounds like a refusal, and the fault that it is.
const SOUNDS_LIKE_A_REFUSAL: &str = r#"
status_500     | 500 | The safety service is unavailable.
status_500     | 500 | A filter in the pipeline crashed.
status_503     | 503 | Failed to load the moderation model.
status_500     | 500 | context deadline exceeded
status_500     | 500 | Failed to allocate the context.
status_500     | 500 | {"error":{"code":"ContentSecurityDetectionError"}}
status_500     | 500 | {"error":{"code":"content_filter_unavailable"}}
status_500     | 500 | {"error":{"message":"m","flagged_input":"Content Exists Risk"}}
status_500     | 500 | {"error":{"message":"m","metadata":{"reasons":["timeout"]}}}
status_500     | 500 | {"error":{"metadata":{"reasons":[],"flagged_input":""}}}
refused_400    | 400 | max_tokens is too large: 100000. This model supports at most 16384.
refused_400    | 400 | Invalid 'messages[0].content': string too long.
refused_413    | 413 | Request too large on tokens per minute: please reduce your message size
rate_limited   | 429 | too many tokens: size limit exceeded
not_usable_401 | 401 | Your key was blocked by content filtering policy
not_usable_403 | 403 | You have no access to this model.
not_usable_403 | 403 | Your account was flagged as potentially violating our usage policies.
not_usable_403 | 403 | Your request was flagged as potentially violating our usage policies.
not_usable_403 | 403 | {"code":"No permission.","error":"Content violates usage guidelines."}
not_usable_403 | 403 | Access denied under our content management policy.
not_usable_403 | 200 | {"error":{"code":403,"message":"Content Exists Risk"}}
refused_400    | 400 | Your organization was suspended for violating our usage policies.
status_500     | 500 | {"error":{"message":"m","code":"1301"}}
refused_400    | 400 | {"error":{"message":"Unknown parameter","code":1261}}
status_500     | 500 | {"status_code":1026,"message":"m"}
status_500     | 200 | {"error":{"message":"The safety service is down."}}
none           | 200 | {"message":"HTTP request timeout","code":1124}
none           | 200 | {"type":"ping"}
none           | 200 | {"choices":[{"delta":{"content":"Content Exists Risk"}}]}
none           | 200 | {"type":"safety","status":"passed"}
none           | 200 | {"type":"content_filter","status":"passed"}
none           | 200 | {"type":"content_filter"}
none           | 200 | {"code":"content_filter","status":"OK"}
none           | 200 | {"status":"processing","message":"maximum context length is checked"}
none           | 200 | {"status":200,"message":"content exists risk: no"}
none           | 200 | {"message":"The data may contain inappropriate content, says the patient."}
status_500     | 500 | {"error":{"message":"failed on input: 'is it content exists risk'"}}
status_500     | 500 | {"error":{"message":"Refused: content exists risk"}}
status_500     | 500 | {"error":{"message":"failed on input content exists risk"}}
status_500     | 500 | {"error":{"message":"failed on input\nContent exists risk"}}
status_500     | 500 | {"error":{"message":"敏感词服务超时"}}
status_503     | 503 | prompt is too long to be queued right now
refused_400    | 400 | prompt is too long to be queued right now
status_500     | 500 | maximum context length cache not initialised
status_500     | 200 | {"error":{"message":"failed on input: 'content exists risk'"}}
status_502     | 200 | {"error":{"code":502,"message":"Upstream: 'content exists risk'"}}
"#;

#[test]
fn a_failure_that_only_sounds_like_a_refusal_is_none() {
    assert_words(SOUNDS_LIKE_A_REFUSAL);
}

/// What a status and its body say went wrong.
const FAULTS: &str = r#"
refused_422    | 422 | {"error":{"code":"bad"}}
not_usable_429 | 429 | {"error":{"code":"insufficient_quota"}}
rate_limited   | 429 | {"error":{"code":"rate_limit_exceeded"}}
not_usable_404 | 404 | {"error":{"code":"model_not_found"}}
not_usable_402 | 402 | {"error":{"code":"insufficient_balance"}}
not_usable_301 | 301 | Content Exists Risk
status_503     | 503 | "not even an object"
rate_limited   | 200 | {"error":{"code":429}}
rate_limited   | 200 | {"error":{"code":"Throttling.RateQuota"}}
rate_limited   | 200 | {"error":{"status":"RESOURCE_EXHAUSTED"}}
rate_limited   | 200 | {"base_resp":{"status_code":1002,"status_msg":"m"}}
status_503     | 200 | {"error":{"type":"overloaded_error"}}
refused_400    | 200 | {"error":"something"}
refused_400    | 200 | {"error":true,"message":"m"}
status_500     | 200 | {"error":true}
not_usable_404 | 200 | {"object":"error","code":404}
status_502     | 200 | {"error":{"code":502,"message":"m"},"choices":[{"delta":{}}]}
"#;

#[test]
fn a_status_and_its_body_say_what_went_wrong() {
    assert_words(FAULTS);

    let page = b"<html>Content Exists Risk</html>";
    let fault = fault_of_status(502, &HeaderMap::new(), page);
    assert_eq!(fault.to_string(), "status_502", "a page says nothing");
}

/// Errors within a 200 that no table knows, and the faults that they are. What speaks of no failure
/// may come of the patient's words.
const UNLISTED: &str = r#"
refused_400 | 200 | {"error":{"message":"This cannot be discussed here.","code":"topic_denied"}}
refused_400 | 200 | {"error":{"message":"Please change your prompt and try again.","code":70013}}
refused_400 | 200 | {"error":{"message":"It violates our terms of service.","type":"api_error"}}
refused_400 | 200 | {"error":{"message":"ValidationException: this topic is denied"}}
refused_400 | 200 | {"error":{"message":"Denied: lung capacity after a car crash, aborted"}}
refused_400 | 200 | {"error":{"message":"This content is unavailable, failed policy 50013."}}
refused_400 | 200 | {"error":{"message":"This service is for adults. Retry with other words."}}
refused_400 | 200 | {"error":{"message":"m","code":"internal_policy_violation"}}
refused_400 | 200 | {"object":"error","message":"这个问题无法回答"}
refused_400 | 200 | {"Response":{"Error":{"Code":"OperationDenied","Message":"m"}}}
status_500  | 200 | {"error":{"message":"Internal server error"}}
status_500  | 200 | {"error":{"message":"m","type":"server_error"}}
status_500  | 200 | {"error":{"message":"m","status":"INTERNAL"}}
status_500  | 200 | {"error":{"message":"The service is temporarily unavailable"}}
status_500  | 200 | {"error":{"message":"m","code":"InternalError.Algo"}}
status_500  | 200 | {"error":{"message":"The engine is currently overloaded"}}
status_500  | 200 | {"error":{"message":"Request timed out."}}
status_500  | 200 | {"error":{"message":"The model is at capacity."}}
status_500  | 200 | {"error":{"message":"Something broke, please try again later."}}
status_500  | 200 | {"error":{"message":"HTTP 503 from upstream"}}
status_500  | 200 | {"error":{"message":"系统繁忙","code":1}}
status_500  | 200 | {"error":{"message":"当前请求过多，请稍后重试"}}
status_500  | 200 | {"object":"error"}
"#;

#[test]
fn an_unlisted_error_is_a_fault_if_it_speaks_of_one() {
    assert_words(UNLISTED);
}

/// An error whose fields are all empty is none, beside an answer and without one.
#[test]
fn an_error_that_says_nothing_is_none() {
    let empty = [
        Value::Null,
        json!({}),
        json!([]),
        json!(""),
        json!(false),
        json!(0),
        json!({ "code": "", "message": "" }),
        json!({ "code": 0, "message": null, "details": [], "innererror": { "code": "" } }),
    ];
    let message = json!({ "role": "assistant", "content": "yes" });
    let choice = json!({ "index": 0, "message": message, "finish_reason": "stop" });
    for error in empty {
        let beside_an_answer = json!({ "choices": [choice], "error": error });
        assert!(fault_in_body(&beside_an_answer).is_none(), "{error}");
        let alone = json!({ "error": error });
        assert!(fault_in_body(&alone).is_none(), "{error}");
    }

    let success = json!({ "status_code": 0, "status_msg": "" });
    let body = json!({ "choices": [choice], "base_resp": success, "error_code": 0 });
    assert!(fault_in_body(&body).is_none());
}

#[test]
fn an_event_that_is_an_error_by_name_is_one() {
    let word = |event: Value| fault_of_error_event(&event).to_string();
    assert_eq!(word(json!({})), "status_500", "it says nothing");
    assert_eq!(word(json!("")), "status_500", "it has no data");
    assert_eq!(word(json!({ "error": {} })), "status_500");
    assert_eq!(word(json!("This cannot be discussed.")), "refused_400");
    let throttled = json!({ "message": "m", "code": "Throttling" });
    assert_eq!(word(throttled), "rate_limited");
    let filtered = json!({ "code": "DataInspectionFailed" });
    assert_eq!(word(filtered), "content_filter");
}

/// Bodies of a 400 whose message is `m`; what an endpoint repeats of the request is left out.
const MESSAGES: &str = r#"
OpenAI  | 400 | {"error":{"message":"m"}}
Gemini  | 400 | [{"error":{"message":"m","status":"INVALID_ARGUMENT"}}]
xAI     | 400 | {"error":"m","code":"x"}
gateway | 400 | {"error":"{\"error\":{\"message\":\"m\"}}"}
vLLM    | 400 | {"object":"error","message":"m"}
FastAPI | 400 | {"detail":"m"}
FastAPI | 400 | {"detail":[{"loc":["body"],"msg":"m","input":"a patient's words"}]}
gateway | 400 | {"message":"m","code":"x"}
gateway | 400 | {"errors":[{"message":"m"}]}
Qianfan | 400 | {"error_code":2,"error_msg":"m"}
gateway | 400 | "m"
"#;

#[test]
fn the_words_of_every_form_are_passed_on() {
    for case in cases_of(MESSAGES) {
        let fault = fault_of(&case).unwrap();
        let error = &fault.provider_error().unwrap().error;
        assert_eq!(error["message"], "m", "{}", case.body);
        assert!(!error.contains_key("input"), "{}", case.body);
    }

    let fault = fault_of_status(400, &HeaderMap::new(), b"m");
    assert_eq!(fault.provider_error().unwrap().error["message"], "m");
}

/// Errors that ask for 17 seconds.
const WAITS: &str = r#"
Gemini  | 429 | [{"error":{"code":429,"details":[{"reason":"x"},{"retryDelay":"17s"}]}}]
Gemini  | 429 | {"error":{"code":429,"message":"Quota exceeded. Please retry in 17.0s."}}
Groq    | 429 | Rate limit reached. Please try again in 17s. Need more tokens? Upgrade.
Groq    | 200 | {"error":{"code":"rate_limit_exceeded","message":"Please try again in 17s."}}
Azure   | 429 | Please retry after 17 seconds.
gateway | 429 | {"error":{"message":"m","retry_after":17}}
gateway | 503 | {"message":"m","retry_after":"17"}
gateway | 529 | {"error":{"message":"m","metadata":{"retry_after_ms":17000}}}
"#;

#[test]
fn a_wait_that_stands_only_in_the_body_is_kept() {
    for case in cases_of(WAITS) {
        let wait = fault_of(&case).unwrap().retry_after();
        assert_eq!(wait, Some(Duration::from_secs(17)), "{}", case.body);
    }

    let failed = case_of(500, body_of("Please try again in 17s."));
    assert_eq!(fault_of(&failed).unwrap().retry_after(), None);
}

#[test]
fn a_header_says_more_than_the_body() {
    let name = HeaderName::from_static("retry-after");
    let headers = HeaderMap::from_iter([(name, "5".parse().unwrap())]);
    let body = body_of("Please try again in 17s.").to_string();
    let fault = fault_of_status(429, &headers, body.as_bytes());
    assert_eq!(fault.retry_after(), Some(Duration::from_secs(5)));
}

#[test]
fn only_the_providers_own_faults_count_against_it() {
    let outcome = |status, body: Value| {
        let fault = fault_of(&case_of(status, body)).unwrap();
        fault.breaker_outcome()
    };
    assert_eq!(outcome(500, json!({})), BreakerOutcome::Failure);
    assert_eq!(outcome(429, json!({})), BreakerOutcome::Unknown);
    assert_eq!(outcome(401, json!({})), BreakerOutcome::Unknown);
    let unlisted = json!({ "error": { "message": "This cannot be discussed." } });
    assert_eq!(outcome(OK, unlisted), BreakerOutcome::Success);

    let limited = outcome(429, body_of("Please try again in 17s."));
    let expected = BreakerOutcome::Throttled(Duration::from_secs(17));
    assert_eq!(limited, expected);

    let out_of_time = Fault::DeadlineExceeded.breaker_outcome();
    assert_eq!(out_of_time, BreakerOutcome::Unknown);
    let malformed = Fault::MalformedChunk.breaker_outcome();
    assert_eq!(malformed, BreakerOutcome::Success);
}

/// Whatever status and place they come with.
#[test]
fn a_refusal_says_that_the_provider_answers() {
    for refusal in filters::refusals().chain(contexts::refusals()) {
        let fault = fault_of(&refusal).unwrap();
        let outcome = fault.breaker_outcome();
        assert_eq!(outcome, BreakerOutcome::Success, "{}", refusal.body);
        assert!(fault.provider_error().is_some(), "{}", refusal.body);
    }
}
