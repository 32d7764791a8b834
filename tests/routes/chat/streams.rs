//! Streams, through the HTTP API and through the REST API.

use serde_json::{Value, json};

use super::{
    LAST_WORDS, ask, events_in, header, post, post_to_rest_api, read_events, streamed, text_of,
    to_chain, with,
};
use crate::support::User;

#[tokio::test]
async fn a_stream_is_whole_wherever_it_comes_through() {
    let user = User::new().await;
    let body = streamed(ask("[primary:cut]"));
    let answers = [
        post(&user, &body).await,
        post_to_rest_api(Some(&user.token), &body).await,
    ];

    for answer in answers {
        assert_eq!(header(&answer, "x-served-by"), "secondary");
        let events = read_events(answer).await;
        let text = text_of(&events);
        assert!(text.ends_with(LAST_WORDS), "{events:?}");
        let shows_half = text.contains("scripted-primary");
        assert!(!shows_half, "a half answer is not shown");

        assert_eq!(events.last().unwrap(), "[DONE]");
        let has_usage = events.iter().any(|event| event.contains("usage"));
        assert!(!has_usage, "the usage was not asked for");
    }
}

#[tokio::test]
async fn the_usage_comes_last_if_it_is_asked_for() {
    let user = User::new().await;
    let options = json!({ "include_usage": true });
    let body = with(streamed(ask("hello")), "stream_options", options);

    let events = read_events(post(&user, &body).await).await;
    let [.., usage, done] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(done, "[DONE]");
    let usage: Value = serde_json::from_str(usage).unwrap();
    assert_eq!(usage["choices"], json!([]));
    assert_eq!(usage["usage"]["total_tokens"], json!(33));
}

#[tokio::test]
async fn a_live_stream_that_breaks_ends_with_an_error() {
    let user = User::new().await;
    let body = to_chain(streamed(ask("[primary:cut]")), "live");
    let answer = post_to_rest_api(Some(&user.token), &body).await;
    assert_eq!(header(&answer, "x-served-by"), "primary");

    // Its last event is the error, and not `[DONE]`.
    let events = read_events(answer).await;
    assert!(text_of(&events).starts_with("The scripted answer"));
    let last: Value = serde_json::from_str(events.last().unwrap()).unwrap();
    assert_eq!(last["error"]["code"], "stream_broken");

    let body = to_chain(streamed(ask("hello")), "live");
    let answer = post_to_rest_api(Some(&user.token), &body).await;
    let events = read_events(answer).await;
    assert!(text_of(&events).ends_with(LAST_WORDS));
    assert_eq!(events.last().unwrap(), "[DONE]");
}

/// Through the REST API and through the HTTP API: the seam stands in a comment and in the last
/// chunk.
#[tokio::test]
async fn a_resumed_stream_is_whole_and_declares_its_seam() {
    let user = User::new().await;
    let body = to_chain(
        streamed(ask("[primary:cut] [secondary:overlaps]")),
        "resume",
    );
    let answers = [
        post(&user, &body).await,
        post_to_rest_api(Some(&user.token), &body).await,
    ];

    for answer in answers {
        assert_eq!(header(&answer, "x-served-by"), "primary");
        let text = answer.text().await.unwrap();
        assert!(text.contains("\n\n: seam offset="), "{text}");

        let events = events_in(&text);
        let answer = text_of(&events);
        assert!(answer.starts_with("The scripted answer of"), "{answer}");
        assert!(answer.ends_with(" and so it went on, from the first word to the last."));
        assert_eq!(events.last().unwrap(), "[DONE]");
        let seams = events.iter().filter(|event| event.contains("\"seams\":"));
        let seams: Vec<Value> = seams
            .map(|event| serde_json::from_str::<Value>(event).unwrap()["seams"].clone())
            .collect();
        assert_eq!(seams[0][0]["from"], "primary", "{text}");
        assert_eq!(seams[0][0]["to"], "secondary", "{text}");
    }
}

/// JSON is never half joined: such an answer waits until it is whole.
#[tokio::test]
async fn json_in_resume_mode_waits_until_it_is_whole() {
    let user = User::new().await;
    let format = json!({ "type": "json_object" });
    let body = to_chain(streamed(ask("[primary:cut]")), "resume");
    let body = with(body, "response_format", format);

    let answer = post_to_rest_api(Some(&user.token), &body).await;
    assert_eq!(header(&answer, "x-served-by"), "secondary");
    let events = read_events(answer).await;
    assert!(text_of(&events).starts_with("The scripted answer of scripted-secondary"));
    assert_eq!(events.last().unwrap(), "[DONE]");
}
