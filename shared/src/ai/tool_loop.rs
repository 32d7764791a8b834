//! One tier asked in steps: its model calls tools, is told what they found, and answers in the end.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::attempt::AttemptContext;
use super::completion::Completion;
use super::fault::{Fault, InvalidAnswer};
use super::request::ChatRequest;
use super::tier::{CheckOutcome, CheckedCompletion, MIN_ATTEMPT_TIME, Tier};
use super::tool_call::{ToolCall, reply_message};
use super::tools::{Step, ToolReply, Toolbox};
use super::usage::UsageLedger;
use crate::deadline::Deadline;
use crate::telemetry::metrics;

/// Times that a model is asked, the answer included.
const MAX_STEPS: u32 = 6;

/// Calls of one step that are carried out.
const MAX_CALLS_OF_STEP: usize = 4;

/// With less time left than this, a model is asked for its answer at once.
const LAST_STEP_TIME: Duration = Duration::from_secs(10);

/// The longest that the tools of one step may take.
const TOOLS_TIMEOUT: Duration = Duration::from_secs(8);

/// Why a model that calls tools in its last step gives no answer.
const TOO_MANY_STEPS: &str = "more steps than there may be";

/// What a model is told in its last step.
const LAST_STEP_NOTE: &str = "There is no time for more calls: give your answer now.";

/// What a model has answered in one step.
enum StepAnswer<T> {
    Calls,
    Final(T),
}

impl Tier {
    /// The answer of a tier that may call tools, or of one that is asked once since it knows none.
    pub(super) async fn converse<T: Toolbox>(
        &self,
        context: AttemptContext<'_>,
        toolbox: &T,
    ) -> Result<CheckedCompletion<T::Answer>, Fault> {
        let mut session = toolbox.new_session(self.name());
        if !self.client.settings.tools {
            let note_part = |part: &Completion| toolbox.note_part(&session, part);
            let check = |completion: &Completion| toolbox.check(&session, completion);
            return self.complete(context, &note_part, &check).await;
        }

        let mut talk = ToolSession {
            tier: self,
            toolbox,
            messages: Vec::new(),
            known_calls: HashSet::new(),
            known_ids: HashSet::new(),
            has_erred: false,
        };
        let mut spent = SpentTokens::new(&context);
        let answer = Box::pin(talk.run(&mut session, context, &mut spent)).await;
        let outcome = match &answer {
            Ok(_) => "answered",
            Err(Fault::CircuitRefused(_) | Fault::CoolingDown(_)) => "not_asked",
            Err(_) => "failed",
        };
        let tags = [("tier", self.name()), ("outcome", outcome)];
        metrics::count("ToolSession", &tags);

        let mut answer = answer?;
        answer.used_tokens = answer.used_tokens.plus(spent.take());
        Ok(answer)
    }
}

/// The tokens of steps that are no answer. If none comes of them, they have been wasted, also when
/// another tier is faster and this one is dropped.
struct SpentTokens<'r> {
    tokens: u64,
    ledger: &'r UsageLedger,
}

/// A model that is asked in steps.
struct ToolSession<'t, T> {
    tier: &'t Tier,
    toolbox: &'t T,
    /// What has been said behind the prompt.
    messages: Vec<Value>,
    /// Calls that have found something: the same again finds the same.
    known_calls: HashSet<(String, String)>,
    /// The ids of all calls: some providers want each of them once.
    known_ids: HashSet<String>,
    /// Whether the model has been told of a mistake.
    has_erred: bool,
}

impl<'r> SpentTokens<'r> {
    fn new(context: &AttemptContext<'r>) -> Self {
        Self {
            tokens: 0,
            ledger: &context.request.ledger,
        }
    }

    fn take(&mut self) -> u64 {
        std::mem::take(&mut self.tokens)
    }
}

impl Drop for SpentTokens<'_> {
    fn drop(&mut self) {
        if self.tokens > 0 {
            self.ledger.add(self.tokens);
        }
    }
}

impl<T: Toolbox> ToolSession<'_, T> {
    async fn run(
        &mut self,
        session: &mut T::Session,
        mut context: AttemptContext<'_>,
        spent: &mut SpentTokens<'_>,
    ) -> Result<CheckedCompletion<T::Answer>, Fault> {
        for number in 1..=MAX_STEPS {
            let is_late = context.budget.complete.remaining() < LAST_STEP_TIME;
            let is_last = number == MAX_STEPS || number > 1 && is_late;
            let began = Instant::now();
            let asked = self.ask(session, &context, is_last).await;
            let outcome = asked.map_err(|fault| late_fault(fault, number))?;

            let step = Step {
                number,
                completion: outcome.completion(),
                milliseconds: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            };
            self.toolbox.note_step(session, &step);

            match outcome {
                CheckOutcome::Accepted(accepted) => {
                    let (step, rest) = accepted.split();
                    if let StepAnswer::Final(checked) = step {
                        return Ok(rest.with_checked(checked));
                    }
                    spent.tokens = spent.tokens.saturating_add(rest.used_tokens.number());
                    let deadline = context.budget.complete;
                    let calls = self.name_calls(number, &rest.completion);
                    self.execute_calls(session, &rest.completion, &calls, deadline)
                        .await?;
                }
                CheckOutcome::Rejected(rejected) => {
                    let calls = self.name_calls(number, &rejected.completion);
                    self.messages.push(rejected.completion.repeated(&calls));
                    self.reject(session, &calls, rejected.invalid, is_last)?;
                }
            }

            // A model that has begun is let go on while its circuit ramps.
            context = context
                .for_repair(MIN_ATTEMPT_TIME)
                .ok_or(Fault::DeadlineExceeded)?;
            context.is_urgent = true;
        }
        Err(self.fail(TOO_MANY_STEPS.into()))
    }

    /// One step.
    async fn ask(
        &self,
        session: &T::Session,
        context: &AttemptContext<'_>,
        is_last: bool,
    ) -> Result<CheckOutcome<StepAnswer<T::Answer>>, Fault> {
        let toolbox = self.toolbox;
        let check = |completion: &Completion| {
            let calls = completion.tool_calls();
            let has_answer = calls.iter().any(|call| toolbox.ends_with(&call.name));
            if !has_answer && calls.iter().any(|call| self.is_known(&call.name)) {
                toolbox.check_ending(completion)?;
                return calls_unless_last(is_last);
            }

            // A call of a tool that is not there may hold the answer all the same.
            match toolbox.check(session, completion) {
                Ok(answer) => Ok(StepAnswer::Final(answer)),
                Err(_) if !calls.is_empty() && !has_answer => calls_unless_last(is_last),
                Err(invalid) => Err(invalid),
            }
        };
        let note_part = |part: &Completion| toolbox.note_part(session, part);
        let chat = self.request_for(is_last);
        self.tier
            .complete_once(&chat, context, &note_part, &check)
            .await
    }

    /// Whether there is a tool of this name.
    fn is_known(&self, tool: &str) -> bool {
        let definitions = self.toolbox.definitions().iter();
        let mut names = definitions.filter_map(name_of);
        names.any(|name| name == tool)
    }

    /// The prompt with what has been said since; in the last step only the answer is left to give.
    fn request_for(&self, is_last: bool) -> ChatRequest {
        let definitions = self.toolbox.definitions().iter();
        let is_offered = |definition: &&Value| {
            !is_last || name_of(definition).is_some_and(|name| self.toolbox.ends_with(name))
        };
        let tools = definitions.filter(is_offered).cloned().collect();

        let mut messages = self.messages.clone();
        // Some providers take no message of a user behind one of a tool.
        if is_last && let Some(last) = messages.last_mut().and_then(Value::as_object_mut) {
            let content = last.get("content").and_then(Value::as_str);
            let noted = format!("{}\n{LAST_STEP_NOTE}", content.unwrap_or_default());
            last.insert("content".to_owned(), Value::String(noted));
        }
        let request = self.toolbox.request();
        request.with_messages(&messages).with_tools(tools)
    }

    /// The calls, each with an id that no other call of the session has.
    fn name_calls(&mut self, number: u32, completion: &Completion) -> Vec<ToolCall> {
        let calls = completion.tool_calls().into_iter().enumerate();
        calls
            .map(|(index, mut call)| {
                if call.id.is_empty() || self.known_ids.contains(&call.id) {
                    // Nine letters and digits: Mistral takes no others.
                    call.id = format!("call{number:02}{index:03}");
                }
                self.known_ids.insert(call.id.clone());
                call
            })
            .collect()
    }

    /// Does what the model's calls ask for, and adds what they came to.
    async fn execute_calls(
        &mut self,
        session: &mut T::Session,
        completion: &Completion,
        calls: &[ToolCall],
        deadline: Deadline,
    ) -> Result<(), Fault> {
        self.messages.push(completion.repeated(calls));
        let deadline = deadline.less(MIN_ATTEMPT_TIME).at_most(TOOLS_TIMEOUT);
        let mut mistake = None;
        let mut executed = HashSet::new();

        for (index, call) in calls.iter().enumerate() {
            let identity = identity_of(call);
            let reply = if index >= MAX_CALLS_OF_STEP {
                ToolReply::Unavailable("Not carried out: too many calls in one step.")
            } else if deadline.remaining().is_zero() {
                ToolReply::Unavailable("Not carried out: there was no time.")
            } else if !executed.insert(identity.clone()) {
                ToolReply::Unavailable("The same call as another one of this step.")
            } else {
                self.reply_to(session, call, &identity, deadline).await
            };

            let content = match reply {
                ToolReply::Found(found) => {
                    self.known_calls.insert(identity);
                    found
                }
                ToolReply::Unavailable(reason) => json!({ "error": reason }),
                ToolReply::Mistake { reason, feedback } => {
                    mistake = Some(reason);
                    json!({ "error": feedback })
                }
            };
            self.messages.push(reply_message(call, &content));
        }

        match mistake {
            Some(reason) => self.note_mistake(session, reason.into()),
            None => Ok(()),
        }
    }

    async fn reply_to(
        &self,
        session: &mut T::Session,
        call: &ToolCall,
        identity: &(String, String),
        deadline: Deadline,
    ) -> ToolReply {
        if !self.is_known(&call.name) {
            let definitions = self.toolbox.definitions().iter();
            let names: Vec<_> = definitions.filter_map(name_of).collect();
            return ToolReply::Mistake {
                reason: "unknown tool",
                feedback: format!(
                    "There is no such tool now. There are: {}.",
                    names.join(", ")
                ),
            };
        }
        if self.known_calls.contains(identity) {
            return ToolReply::Mistake {
                reason: "repeated call",
                feedback: "You made this call before, and its answer has not changed. Use that \
                           answer, or give yours."
                    .to_owned(),
            };
        }

        self.toolbox.call(session, call, deadline).await
    }

    /// Tells the model why its answer is not accepted, if it may mend that.
    fn reject(
        &mut self,
        session: &mut T::Session,
        calls: &[ToolCall],
        invalid: InvalidAnswer,
        is_last: bool,
    ) -> Result<(), Fault> {
        let Some(feedback) = invalid.feedback.clone().filter(|_| !is_last) else {
            return Err(self.fail(invalid));
        };

        if calls.is_empty() {
            let content =
                format!("That answer cannot be used. {feedback} Answer by calling a tool.");
            self.messages
                .push(json!({ "role": "user", "content": content }));
        }
        let replies = calls
            .iter()
            .map(|call| reply_message(call, &json!({ "error": feedback })));
        self.messages.extend(replies);
        self.note_mistake(session, invalid)
    }

    /// One mistake may be mended.
    fn note_mistake(
        &mut self,
        session: &mut T::Session,
        mistake: InvalidAnswer,
    ) -> Result<(), Fault> {
        let tags = [("tier", self.tier.name()), ("reason", mistake.reason)];
        metrics::count("ToolMistake", &tags);
        self.toolbox.note_mistake(session, mistake.reason);

        if self.has_erred {
            return Err(self.fail(mistake));
        }
        self.has_erred = true;
        Ok(())
    }

    fn fail(&self, invalid: InvalidAnswer) -> Fault {
        let fault = Fault::InvalidAnswer(invalid);
        self.tier.report_fault(&fault);
        fault
    }
}

/// What a fault behind the first step means to the chain: the tier was asked, and a conversation
/// that has grown too long says nothing of the request.
fn late_fault(fault: Fault, number: u32) -> Fault {
    match fault {
        fault if number == 1 => fault,
        Fault::ContextLengthExceeded(_) => {
            Fault::InvalidAnswer("a conversation that is too long".into())
        }
        Fault::CircuitRefused(_) | Fault::CoolingDown(_) => {
            Fault::InvalidAnswer("a circuit that opened midway".into())
        }
        fault => fault,
    }
}

/// The name of a tool in `OpenAI`'s form.
fn name_of(definition: &Value) -> Option<&str> {
    definition.pointer("/function/name")?.as_str()
}

/// Calls are carried out, but in the last step.
fn calls_unless_last<T>(is_last: bool) -> Result<StepAnswer<T>, InvalidAnswer> {
    if is_last {
        Err(TOO_MANY_STEPS.into())
    } else {
        Ok(StepAnswer::Calls)
    }
}

/// The tool and its arguments in one form, whatever their spaces.
fn identity_of(call: &ToolCall) -> (String, String) {
    let parsed: Result<Value, _> = serde_json::from_str(&call.arguments);
    let arguments = parsed.map_or_else(|_| call.arguments.clone(), |value| value.to_string());
    (call.name.clone(), arguments)
}
