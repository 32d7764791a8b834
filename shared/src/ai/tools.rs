//! Tools that a model may call before it answers.

use serde_json::Value;

use super::completion::Completion;
use super::fault::InvalidAnswer;
use super::request::ChatRequest;
use super::tool_call::ToolCall;
use crate::deadline::Deadline;

/// What a call comes to.
pub enum ToolReply {
    /// What the tool found.
    Found(Value),
    /// It cannot be used now; that is no mistake of the model.
    Unavailable(&'static str),
    /// The call is wrong. A model may mend one mistake; with the second, its tier has failed.
    Mistake {
        /// For logs and metrics.
        reason: &'static str,
        /// What the model is told, in sentences.
        feedback: String,
    },
}

/// What a chain is asked for where tiers may call tools. One model asked by itself, from its first
/// call to its answer, is a session: what a tier was given, another one does not know of.
pub trait Toolbox: Sync {
    /// What one session has come to know.
    type Session: Send + Sync;
    /// What an accepted answer is read as.
    type Answer: Send;

    /// The prompt of tiers that call tools.
    fn request(&self) -> &ChatRequest;

    /// The tools in `OpenAI`'s form.
    fn definitions(&self) -> &[Value];

    /// Whether a call of this tool is the answer.
    fn ends_with(&self, tool: &str) -> bool;

    /// A tier is asked.
    fn new_session(&self, tier: &str) -> Self::Session;

    /// More of an answer has come: this is all that there is of it. It is called with every chunk,
    /// also of answers that will not be accepted.
    fn note_part(&self, session: &Self::Session, part: &Completion) {
        let _ = (session, part);
    }

    /// Its model has made one more step: an answer, or calls of tools.
    fn note_step(&self, session: &mut Self::Session, step: &Step<'_>);

    /// The model has made a mistake, of which it is told.
    fn note_mistake(&self, session: &mut Self::Session, reason: &'static str);

    /// Does what a call asks for. It takes no longer than until the deadline.
    fn call(
        &self,
        session: &mut Self::Session,
        call: &ToolCall,
        deadline: Deadline,
    ) -> impl Future<Output = ToolReply> + Send;

    /// Refuses what a filter or a limit has ended.
    fn check_ending(&self, completion: &Completion) -> Result<(), InvalidAnswer>;

    /// What the answer says, or what is wrong with it.
    fn check(
        &self,
        session: &Self::Session,
        completion: &Completion,
    ) -> Result<Self::Answer, InvalidAnswer>;
}

/// One step of a model.
pub struct Step<'s> {
    /// Its number in the session, from 1.
    pub number: u32,
    /// What the model answered.
    pub completion: &'s Completion,
    /// How long that took.
    pub milliseconds: u64,
}
