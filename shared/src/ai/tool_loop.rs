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
use crate::deadline::Deadline;
use crate::telemetry::metrics;

/// Times that a model is asked, the answer included.
pub(super) const MAX_STEPS: u32 = 6;

/// Calls of one step that are carried out.
const MAX_CALLS_OF_STEP: usize = 4;

/// With less time left than this, a model is asked for its answer at once.
const LAST_STEP_TIME: Duration = Duration::from_secs(10);

/// The longest that the tools of one step may take.
const TOOLS_TIMEOUT: Duration = Duration::from_secs(8);

/// Why a model that calls tools in its last step gives no answer.
const TOO_MANY_STEPS: &str = "more steps than there may be";

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
            let check = |completion: &Completion| toolbox.check(&session, completion);
            return self.complete(context, &check).await;
        }

        let mut talk = Talk {
            tier: self,
            toolbox,
            messages: Vec::new(),
            known_calls: HashSet::new(),
            has_mistaken: false,
        };
        let answer = Box::pin(talk.run(&mut session, context)).await;
        let outcome = if answer.is_ok() { "answered" } else { "failed" };
        metrics::count(
            "ToolSession",
            &[("tier", self.name()), ("outcome", outcome)],
        );
        answer
    }
}

/// A model that is asked in steps.
struct Talk<'t, T> {
    tier: &'t Tier,
    toolbox: &'t T,
    /// What has been said behind the prompt.
    messages: Vec<Value>,
    /// Calls that were carried out: the same again finds the same.
    known_calls: HashSet<(String, String)>,
    /// Whether the model has been told of a mistake.
    has_mistaken: bool,
}

impl<T: Toolbox> Talk<'_, T> {
    async fn run(
        &mut self,
        session: &mut T::Session,
        mut context: AttemptContext<'_>,
    ) -> Result<CheckedCompletion<T::Answer>, Fault> {
        for number in 1..=MAX_STEPS {
            let is_last = number == MAX_STEPS
                || context.budget.complete.remaining() < LAST_STEP_TIME && number > 1;
            let chat = self.request_for(is_last);
            let toolbox = self.toolbox;
            let began = Instant::now();

            let check = |completion: &Completion| {
                let calls = completion.tool_calls();
                let has_answer = calls.iter().any(|call| toolbox.ends_with(&call.name));
                if !has_answer && calls.iter().any(|call| self.is_known(&call.name)) {
                    return calls_unless_last(is_last);
                }

                // A call of a tool that is not there may hold the answer all the same.
                match toolbox.check(session, completion) {
                    Ok(answer) => Ok(StepAnswer::Final(answer)),
                    Err(_) if !calls.is_empty() && !has_answer => calls_unless_last(is_last),
                    Err(invalid) => Err(invalid),
                }
            };
            let outcome = self.tier.complete_once(&chat, &context, &check).await?;

            let completion = outcome.completion();
            let milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            let step = Step {
                number,
                completion,
                milliseconds,
            };
            toolbox.note_step(session, &step);

            match outcome {
                CheckOutcome::Accepted(accepted) => {
                    let (step, rest) = accepted.split();
                    if let StepAnswer::Final(checked) = step {
                        return Ok(rest.with_checked(checked));
                    }
                    let deadline = context.budget.complete;
                    self.carry_out(session, &rest.completion, deadline).await?;
                }
                CheckOutcome::Rejected(rejected) => {
                    self.reject(&rejected.completion, rejected.invalid, is_last)?;
                }
            }
            context = context
                .for_repair(MIN_ATTEMPT_TIME)
                .ok_or(Fault::DeadlineExceeded)?;
        }
        Err(self.fail(TOO_MANY_STEPS.into()))
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
        if is_last {
            let instruction = "There is no time for more calls. Give your answer now.";
            messages.push(json!({ "role": "user", "content": instruction }));
        }
        let request = self.toolbox.request();
        request.with_messages(&messages).with_tools(tools)
    }

    /// Does what the model's calls ask for, and adds what they came to.
    async fn carry_out(
        &mut self,
        session: &mut T::Session,
        completion: &Completion,
        deadline: Deadline,
    ) -> Result<(), Fault> {
        let calls = completion.tool_calls();
        self.messages.push(completion.repeated_message());
        let deadline = deadline.less(MIN_ATTEMPT_TIME).at_most(TOOLS_TIMEOUT);
        let mut mistake = None;

        for (index, call) in calls.iter().enumerate() {
            let reply = if index < MAX_CALLS_OF_STEP {
                self.reply_to(session, call, deadline).await
            } else {
                let note = "Not carried out: too many calls in one step.";
                ToolReply::Found(json!({ "error": note }))
            };

            let content = match reply {
                ToolReply::Found(found) => found,
                ToolReply::Mistake { reason, feedback } => {
                    let tags = [("tier", self.tier.name()), ("reason", reason)];
                    metrics::count("ToolMistake", &tags);
                    mistake = Some(reason);
                    json!({ "error": feedback })
                }
            };
            self.messages.push(reply_message(call, &content));
        }

        match mistake {
            Some(reason) => self.note_mistake(reason.into()),
            None => Ok(()),
        }
    }

    async fn reply_to(
        &mut self,
        session: &mut T::Session,
        call: &ToolCall,
        deadline: Deadline,
    ) -> ToolReply {
        if !self.is_known(&call.name) {
            return ToolReply::Mistake {
                reason: "unknown tool",
                feedback: "There is no tool of this name.".to_owned(),
            };
        }
        if !self
            .known_calls
            .insert((call.name.clone(), canonical(&call.arguments)))
        {
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
        completion: &Completion,
        invalid: InvalidAnswer,
        is_last: bool,
    ) -> Result<(), Fault> {
        let Some(feedback) = invalid.feedback.clone().filter(|_| !is_last) else {
            return Err(self.fail(invalid));
        };

        let calls = completion.tool_calls();
        self.messages.push(completion.repeated_message());
        if calls.is_empty() {
            let content = format!("That answer cannot be used. {feedback}");
            self.messages
                .push(json!({ "role": "user", "content": content }));
        }
        let replies = calls
            .iter()
            .map(|call| reply_message(call, &json!({ "error": feedback })));
        self.messages.extend(replies);
        self.note_mistake(invalid)
    }

    /// One mistake may be mended.
    fn note_mistake(&mut self, mistake: InvalidAnswer) -> Result<(), Fault> {
        if self.has_mistaken {
            return Err(self.fail(mistake));
        }
        self.has_mistaken = true;
        Ok(())
    }

    fn fail(&self, invalid: InvalidAnswer) -> Fault {
        let fault = Fault::InvalidAnswer(invalid);
        self.tier.report_fault(&fault);
        fault
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

/// The same arguments in the same form, whatever their spaces.
fn canonical(arguments: &str) -> String {
    let parsed: Result<Value, _> = serde_json::from_str(arguments);
    parsed.map_or_else(|_| arguments.to_owned(), |value| value.to_string())
}
