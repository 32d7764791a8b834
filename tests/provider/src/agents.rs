//! Models that call tools. What a script does depends on what has been said since the prompt.

use serde_json::{Value, json};

use crate::messages::{assessment, ordered_assessment};
use crate::wire::Request;

/// The message of a script that calls tools; `None` for any other script, and where the request
/// has no tools.
pub(crate) fn message_of(script: &str, request: &Request) -> Option<Value> {
    let script = script.strip_prefix("agent-")?;
    let tools = request.body["tools"].as_array()?;
    let seen = Seen::new(request);
    let is_offered = |name: &str| tools.iter().any(|tool| tool["function"]["name"] == name);
    let answer = call("assess", &assessment("urgent"));

    let calls = match script {
        "looks-up" => match seen.steps {
            0 => vec![search("what to do at home")],
            1 => vec![call("past_consultations", &json!({ "limit": 2 }))],
            _ => vec![call("assess", &seen.citing_last())],
        },
        "paced" => vec![call("assess", &ordered_assessment())],
        "asks" if seen.steps == 0 && seen.is_first_turn => vec![question()],
        "asks-again" => vec![question()],
        "mends" => match seen.steps {
            0 => vec![call("search_knowledge", &json!({ "q": 1 }))],
            1 => vec![search("fever")],
            _ => vec![answer],
        },
        "mends-answer" if seen.steps == 0 => vec![call("assess", &json!({ "summary": "?" }))],
        "escapes" if seen.steps == 0 => {
            let arguments = json!({ "limit": 5, "tenant_id": "other", "user_id": "other" });
            vec![call("past_consultations", &arguments)]
        }
        "unknown" => vec![call("prescribe", &json!({ "medicine": seen.steps }))],
        "unknown-once" if seen.steps == 0 => vec![call("prescribe", &json!({}))],
        "repeats" | "cut-off" | "breaks" => vec![search("fever")],
        "endless" => vec![search(&format!("question {}", seen.steps))],
        "long" if is_offered("search_knowledge") => {
            vec![search(&format!("question {}", seen.steps))]
        }
        "many-calls" if seen.steps == 0 => {
            let questions = (0..6).map(|number| search(&format!("question {number}")));
            questions.collect()
        }
        "both" => vec![search("fever"), answer],
        "words" => {
            let content = assessment("urgent").to_string();
            return Some(json!({ "role": "assistant", "content": content }));
        }
        "no-ids" if seen.steps < 2 => {
            let mut call = search(&format!("question {}", seen.steps));
            call["id"].take();
            vec![call]
        }
        "broken-json" if seen.steps == 0 => {
            let mut call = search("fever");
            call["function"]["arguments"] = json!("{\"query\": \"fev");
            let thoughts = "Let me see.";
            call["id"] = json!("call_broken");
            return Some(json!({
                "role": "assistant", "content": null, "reasoning_content": thoughts,
                "tool_calls": [call],
            }));
        }
        "feared" if seen.steps == 0 => vec![question_of("emergency", 4)],
        "feared" => vec![question_of("routine", 1)],
        "fears" => vec![question_of("emergency", 1)],
        "asks-twice" => vec![question_of("routine", 1), question_of("urgent", 1)],
        _ => vec![answer],
    };

    let numbered = calls.into_iter().enumerate().map(|(index, mut call)| {
        if call["id"] == "" {
            call["id"] = json!(format!("call_{}_{index}", seen.steps));
        }
        call
    });
    let calls: Value = numbered.collect();
    Some(json!({ "role": "assistant", "content": null, "tool_calls": calls }))
}

fn call(name: &str, arguments: &Value) -> Value {
    let function = json!({ "name": name, "arguments": arguments.to_string() });
    json!({ "id": "", "type": "function", "function": function })
}

fn search(query: &str) -> Value {
    call("search_knowledge", &json!({ "query": query }))
}

fn question() -> Value {
    question_of("routine", 1)
}

/// So many questions; more than three are a mistake.
fn question_of(urgency: &str, number: usize) -> Value {
    let arguments = json!({
        "so_far": "It may be several things.",
        "questions": vec!["Does it hurt when you press there?"; number],
        "urgency": urgency,
    });
    call("ask_patient", &arguments)
}

/// Whether the script breaks the connection's side of things in this step.
pub(crate) fn breaks_now(script: &str, request: &Request) -> bool {
    script == "agent-breaks" && Seen::new(request).steps > 0
}

/// What has been said since the prompt.
struct Seen {
    /// Answers of the model.
    steps: usize,
    /// Whether the patient has said nothing but the complaint.
    is_first_turn: bool,
    /// The last passage that a tool gave, by its id.
    last_passage: Option<String>,
}

impl Seen {
    fn new(request: &Request) -> Self {
        let messages = request.body["messages"].as_array();
        let messages = messages.map_or(&[][..], Vec::as_slice);
        let steps = messages.iter().filter(|it| it["role"] == "assistant");
        let replies = messages.iter().filter(|it| it["role"] == "tool");

        let mut passages = replies.filter_map(|reply| {
            let content: Value = serde_json::from_str(reply["content"].as_str()?).ok()?;
            let last = content["passages"].as_array()?.last()?;
            last["id"].as_str().map(str::to_owned)
        });
        let facts = messages.get(1).and_then(|it| it["content"].as_str());
        let facts = facts.and_then(|facts| serde_json::from_str::<Value>(facts).ok());
        let facts = facts.unwrap_or_default();
        Self {
            is_first_turn: facts["conversation"].as_array().is_none_or(Vec::is_empty),
            steps: steps.count(),
            last_passage: passages.next_back(),
        }
    }

    /// An assessment that rests on that passage.
    fn citing_last(&self) -> Value {
        let mut answer = assessment("urgent");
        let passage = self.last_passage.as_deref().unwrap_or("p99");
        answer["summary"] = json!(format!("So the passage says [{passage}]."));
        answer
    }
}
