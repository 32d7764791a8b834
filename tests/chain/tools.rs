//! A tier that calls tools is asked in steps; one mistake may be mended.

use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};
use wenzhen::ai::{
    ChainOutcome, ChainRequest, ChatRequest, CheckedCompletion, Completion, InvalidAnswer, Step,
    ToolCall, ToolReply, Toolbox,
};
use wenzhen::deadline::Deadline;

use super::{ScriptedChain, faults};

/// More than a session of all steps needs.
const SESSION_TIMEOUT: Duration = Duration::from_mins(2);

/// A search that repeats its question, and an answer with an urgency.
struct TestTools {
    request: ChatRequest,
    definitions: Vec<Value>,
    /// The tiers and the calls of each step.
    steps: Mutex<Vec<(String, Vec<String>)>>,
}

impl TestTools {
    fn new() -> Self {
        let names = ["search_knowledge", "past_consultations", "assess"];
        let definition = |name| {
            let function = json!({ "name": name, "parameters": { "type": "object" } });
            json!({ "type": "function", "function": function })
        };
        Self {
            request: ChatRequest::with_tool_prompt("Call a tool.", "{}"),
            definitions: names.map(definition).to_vec(),
            steps: Mutex::default(),
        }
    }

    /// The calls of each step.
    fn steps(&self) -> Vec<Vec<String>> {
        let steps = self.steps.lock().unwrap();
        steps.iter().map(|(_, calls)| calls.clone()).collect()
    }
}

impl Toolbox for TestTools {
    type Session = String;
    type Answer = String;

    fn request(&self) -> &ChatRequest {
        &self.request
    }

    fn definitions(&self) -> &[Value] {
        &self.definitions
    }

    fn ends_with(&self, tool: &str) -> bool {
        tool == "assess"
    }

    fn new_session(&self, tier: &str) -> String {
        tier.to_owned()
    }

    fn note_step(&self, session: &mut String, step: &Step<'_>) {
        let calls = step.completion.tool_calls().into_iter();
        let calls = calls.map(|call| call.name).collect();
        self.steps.lock().unwrap().push((session.clone(), calls));
    }

    fn note_mistake(&self, session: &mut String, reason: &'static str) {
        let noted = (session.clone(), vec![format!("mistake: {reason}")]);
        self.steps.lock().unwrap().push(noted);
    }

    fn check_ending(&self, completion: &Completion) -> Result<(), InvalidAnswer> {
        match completion.finish_reason() {
            Some("length") => Err("stopped early: length".into()),
            _ => Ok(()),
        }
    }

    async fn call(&self, _: &mut String, call: &ToolCall, _: Deadline) -> ToolReply {
        let arguments: Value = serde_json::from_str(&call.arguments).unwrap_or_default();
        if call.name == "search_knowledge" && arguments["query"].is_null() {
            let feedback = "There is no query.".to_owned();
            let reason = "bad arguments";
            return ToolReply::Mistake { reason, feedback };
        }
        ToolReply::Found(json!({ "passages": [{ "id": "p7", "about": arguments }] }))
    }

    fn check(&self, session: &String, completion: &Completion) -> Result<String, InvalidAnswer> {
        let mut texts = completion.tool_arguments().map(str::to_owned);
        let text = texts.by_ref().last();
        let text = text.or_else(|| completion.text().map(std::borrow::Cow::into_owned));
        let answer: Value = serde_json::from_str(&text.unwrap_or_default()).unwrap_or_default();
        if answer["urgency"].is_null() {
            let feedback = "There is no urgency.".to_owned();
            return Err(InvalidAnswer::mendable("no urgency", feedback));
        }
        Ok(format!("{session} {}", answer["summary"]))
    }
}

type Outcome = ChainOutcome<CheckedCompletion<String>>;

async fn converse(played: &ScriptedChain, tools: &TestTools) -> Outcome {
    let one_call = ChatRequest::structured(
        "Answer with JSON that has recommended_actions.",
        "{}",
        "assessment",
        &json!({}),
    );
    let request = ChainRequest::new(&one_call, Deadline::after(SESSION_TIMEOUT));
    played
        .chain()
        .converse(&request.with_repair_turn(), tools)
        .await
}

/// The scripts as tiers that call tools, and then one that does not.
async fn played(scripts: &[&str]) -> ScriptedChain {
    let scripts = [scripts, &["good"]].concat();
    let last = scripts.len() - 1;
    ScriptedChain::with(&scripts, |at| json!({ "tools": at != last }), None).await
}

fn answer_of(outcome: &Outcome) -> &str {
    match &outcome.answer {
        Some(answer) => &answer.content.checked,
        None => panic!("no tier answered: {:?}", faults(outcome)),
    }
}

/// What the tier of this number was told last: its messages behind the prompt.
fn last_messages(played: &ScriptedChain, tier: usize) -> Vec<Value> {
    let attempts = played.attempts(tier);
    let messages = attempts.last().unwrap().body["messages"].as_array();
    messages.unwrap()[2..].to_vec()
}

#[tokio::test]
async fn a_model_looks_things_up_and_answers() {
    let played = played(&["agent-looks-up"]).await;
    let tools = TestTools::new();
    let outcome = converse(&played, &tools).await;

    assert_eq!(answer_of(&outcome), r#"t0 "So the passage says [p7].""#);
    let steps = [["search_knowledge"], ["past_consultations"], ["assess"]];
    assert_eq!(tools.steps(), steps);
    assert_eq!(outcome.attempts, 3);

    let said = last_messages(&played, 0);
    let roles: Vec<_> = said.iter().map(|it| it["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["assistant", "tool", "assistant", "tool"]);
    assert_eq!(said[1]["tool_call_id"], said[0]["tool_calls"][0]["id"]);
    assert!(
        said[1]["content"].as_str().unwrap().contains("p7"),
        "{said:?}"
    );

    // What is asked for stays the same in front, so that a provider may keep it.
    let attempts = played.attempts(0);
    assert_eq!(attempts[0].body["tools"], attempts[2].body["tools"]);
    assert_eq!(attempts[0].body["response_format"], Value::Null);
}

#[tokio::test]
async fn a_tier_without_tools_is_asked_once() {
    let played = ScriptedChain::new(&["agent-looks-up"]).await;
    let tools = TestTools::new();
    let outcome = converse(&played, &tools).await;

    assert_eq!(answer_of(&outcome), r#"t0 "The scripted summary.""#);
    let attempts = played.attempts(0);
    assert_eq!(attempts.len(), 1);
    assert_eq!(attempts[0].body["tools"], Value::Null);
    assert_eq!(attempts[0].body["response_format"]["type"], "json_schema");
}

#[tokio::test]
async fn one_mistake_is_mended() {
    for script in [
        "agent-mends",
        "agent-mends-answer",
        "agent-unknown-once",
        "agent-no-ids",
    ] {
        let played = played(&[script]).await;
        let outcome = converse(&played, &TestTools::new()).await;
        assert!(answer_of(&outcome).starts_with("t0 "), "{script}");
        assert_eq!(played.attempts(1).len(), 0, "{script}");
    }

    let played = played(&["agent-mends"]).await;
    converse(&played, &TestTools::new()).await;
    let told = &last_messages(&played, 0)[1]["content"];
    assert_eq!(told, r#"{"error":"There is no query."}"#);
}

#[tokio::test]
async fn with_the_second_mistake_the_next_tier_is_asked() {
    let cases = [
        ("agent-unknown", "unknown tool", 2),
        ("agent-cut-off", "stopped early: length", 1),
        ("agent-repeats", "repeated call", 3),
    ];
    for (script, reason, calls) in cases {
        let played = played(&[script]).await;
        let outcome = converse(&played, &TestTools::new()).await;
        assert!(answer_of(&outcome).starts_with("t1 "), "{script}");
        assert_eq!(faults(&outcome), [format!("t0 invalid: {reason}")]);
        assert_eq!(played.attempts(0).len(), calls, "{script}");
        assert_eq!(
            played.consecutive_faults("t0"),
            0,
            "the provider did answer"
        );
    }
}

#[tokio::test]
async fn a_model_that_goes_on_and_on_has_to_answer() {
    let played = played(&["agent-endless", "agent-long"]).await;
    let tools = TestTools::new();
    let outcome = converse(&played, &tools).await;

    assert!(answer_of(&outcome).starts_with("t1 "));
    assert_eq!(
        faults(&outcome),
        ["t0 invalid: more steps than there may be"]
    );
    assert_eq!(played.counts(), [6, 6, 0]);
    let offered = played.attempts(1)[5].body["tools"].clone();
    assert_eq!(offered.as_array().unwrap().len(), 1);
    assert_eq!(offered[0]["function"]["name"], "assess");
}

#[tokio::test]
async fn of_many_calls_at_once_some_are_left() {
    let played = played(&["agent-many-calls"]).await;
    let outcome = converse(&played, &TestTools::new()).await;
    assert!(answer_of(&outcome).starts_with("t0 "));

    let said = last_messages(&played, 0);
    let replies: Vec<_> = said.iter().filter(|it| it["role"] == "tool").collect();
    let is_left = |reply: &&&Value| {
        reply["content"]
            .as_str()
            .unwrap()
            .contains("too many calls")
    };
    assert_eq!(replies.len(), 6);
    assert_eq!(replies.iter().filter(is_left).count(), 2);
}

#[tokio::test]
async fn an_answer_counts_in_words_and_beside_other_calls() {
    for script in ["agent-words", "agent-both"] {
        let played = played(&[script]).await;
        let outcome = converse(&played, &TestTools::new()).await;
        assert_eq!(
            answer_of(&outcome),
            r#"t0 "The scripted summary.""#,
            "{script}"
        );
        assert_eq!(played.attempts(0).len(), 1, "{script}");
    }
}

/// What a tier was given, the next one does not know of: it begins anew.
#[tokio::test]
async fn the_next_tier_begins_anew() {
    let played = played(&["agent-unknown", "agent-looks-up"]).await;
    let outcome = converse(&played, &TestTools::new()).await;

    assert!(answer_of(&outcome).starts_with("t1 "));
    let first = played.attempts(1)[0].body["messages"].clone();
    assert_eq!(first.as_array().unwrap().len(), 2);
}

/// The provider's own fault counts as one in any step.
#[tokio::test]
async fn a_provider_that_breaks_in_the_middle_is_replaced() {
    let played = played(&["agent-breaks"]).await;
    let outcome = converse(&played, &TestTools::new()).await;

    assert!(answer_of(&outcome).starts_with("t1 "));
    assert_eq!(faults(&outcome), ["t0 status_500"]);
    assert_eq!(
        played.attempts(0).len(),
        3,
        "the second step was tried again"
    );
    assert!(played.consecutive_faults("t0") > 0);
}

/// Servers parse what a model is shown again: arguments that are no object would break them.
#[tokio::test]
async fn a_model_is_shown_its_calls_in_a_form_that_every_server_takes() {
    let played = played(&["agent-broken-json"]).await;
    let outcome = converse(&played, &TestTools::new()).await;
    assert!(
        answer_of(&outcome).starts_with("t0 "),
        "{:?}",
        faults(&outcome)
    );

    let said = last_messages(&played, 0);
    let message = &said[0];
    assert_eq!(message["tool_calls"][0]["function"]["arguments"], "{}");
    assert_eq!(message["tool_calls"][0]["index"], Value::Null);
    assert_eq!(message["reasoning_content"], "Let me see.");
}

#[tokio::test]
async fn every_call_has_an_id_of_its_own() {
    let played = played(&["agent-no-ids"]).await;
    converse(&played, &TestTools::new()).await;

    let said = last_messages(&played, 0);
    let ids: Vec<_> = said
        .iter()
        .filter(|it| it["role"] == "tool")
        .map(|it| it["tool_call_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["call01000", "call02000"]);
}

#[tokio::test]
async fn the_note_of_the_last_step_stands_in_the_last_message() {
    let played = played(&["agent-long"]).await;
    converse(&played, &TestTools::new()).await;

    let said = last_messages(&played, 0);
    let last = said.last().unwrap();
    assert_eq!(
        last["role"], "tool",
        "some providers take no user's message there"
    );
    assert!(
        last["content"]
            .as_str()
            .unwrap()
            .ends_with("give your answer now.")
    );
}

/// Each answer of the scripted provider has 33 tokens.
#[tokio::test]
async fn the_tokens_of_all_steps_are_counted() {
    let answered = played(&["agent-looks-up"]).await;
    let outcome = converse(&answered, &TestTools::new()).await;
    assert_eq!(outcome.wasted_tokens, 0);
    assert_eq!(outcome.answer.unwrap().content.used_tokens.number(), 99);

    let failed = played(&["agent-unknown"]).await;
    let outcome = converse(&failed, &TestTools::new()).await;
    assert_eq!(outcome.wasted_tokens, 66);
    assert_eq!(outcome.answer.unwrap().content.used_tokens.number(), 33);
}
