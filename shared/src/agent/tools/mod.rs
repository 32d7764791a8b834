//! What a model may do before it assesses a complaint: look things up, look back, or ask.
//!
//! A tool's arguments are typed, and its schema is that of the type. None of them names a tenant or
//! a person: those are the consultation's own, whatever a text asks the model to do.
//!
//! | file | tool |
//! |---|---|
//! | `search_knowledge` | finds further passages |
//! | `past_consultations` | the patient's earlier complaints |
//! | `ask_patient` | ends the turn with a question |
//!
//! `assess`, the answer itself, has the fields of [`ModelAnswer`].

mod ask_patient;
mod past_consultations;
mod search_knowledge;

use std::borrow::Cow;
use std::fmt::Display;
use std::sync::LazyLock;
use std::time::Instant;

use garde::Validate;
use parking_lot::Mutex;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::answer::{self, ModelAnswer};
use super::citations::{Cited, GivenPassages};
use super::live_summary::Writer;
use super::note::Told;
use super::schema::schema_of;
use super::{Agent, tracer};
use crate::ai::{ChatRequest, Completion, InvalidAnswer, Step, ToolCall, ToolReply, Toolbox};
use crate::consultations::TraceStep;
use crate::deadline::Deadline;
use crate::identity::TenantId;
use crate::triage::Urgency;
use ask_patient::AskPatient;
use past_consultations::PastConsultations;
use search_knowledge::SearchKnowledge;

/// Why a call is a mistake, for logs and metrics.
const BAD_ARGUMENTS: &str = "bad arguments";

/// The tool whose arguments are the assessment.
const ASSESS: &str = "assess";

/// The last turn of a consultation that may end with a question of the model: by then a patient
/// wants an answer.
const LAST_ASKING_TURN: i16 = 3;

/// A tool that a model may call.
trait Tool: JsonSchema + DeserializeOwned + Validate<Context = ()> {
    /// What models call it.
    const NAME: &'static str;
    /// What it is for, and when to call it.
    const PURPOSE: &'static str;

    /// Its arguments, or what is wrong with them, for the model to read.
    fn read(arguments: &str) -> Result<Self, String> {
        // Some models send nothing where nothing has to be said, or write the object as a text.
        let encoded: Option<String> = serde_json::from_str(arguments).ok();
        let arguments = encoded.as_deref().unwrap_or(arguments).trim();
        let is_nothing = matches!(arguments, "" | "null");
        let arguments = if is_nothing { "{}" } else { arguments };
        let mut json = serde_json::Deserializer::from_str(arguments);
        let read: Self = serde_path_to_error::deserialize(&mut json).map_err(bad_arguments)?;
        json.end().map_err(bad_arguments)?;
        read.validate().map_err(bad_arguments)?;
        Ok(read)
    }

    /// The tool in `OpenAI`'s form.
    fn definition() -> Value {
        definition(Self::NAME, Self::PURPOSE, &schema_of::<Self>())
    }
}

fn bad_arguments(problem: impl Display) -> String {
    format!("The arguments do not fit the tool's schema: {problem}")
}

fn definition(name: &str, purpose: &str, schema: &Value) -> Value {
    let function = json!({ "name": name, "description": purpose, "parameters": schema });
    json!({ "type": "function", "function": function })
}

/// All tools, in the order in which a model is shown them.
static DEFINITIONS: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let purpose = "Gives the assessment. Call it once, when you know enough; it ends your work.";
    vec![
        SearchKnowledge::definition(),
        PastConsultations::definition(),
        definition(ASSESS, purpose, &schema_of::<ModelAnswer>()),
        AskPatient::definition(),
    ]
});

/// Whether a model may call this tool for what was told. Who may be in danger is not asked first,
/// and nobody is asked for ever; what a clinician enters is no patient's history.
fn is_offered(tool: &str, told: &Told<'_>) -> bool {
    match tool {
        AskPatient::NAME => {
            let is_early = told.consultation.turns <= LAST_ASKING_TURN;
            is_early && told.least_urgency() < Urgency::Emergency
        }
        PastConsultations::NAME => told.consultation.by_patient,
        _ => true,
    }
}

/// The tools for one answer to one consultation.
pub(super) struct AgentTools<'t> {
    agent: &'t Agent<'t>,
    tenant: &'t TenantId,
    told: Told<'t>,
    request: ChatRequest,
    definitions: Vec<Value>,
    passages: GivenPassages,
    /// What has been done, by all tiers.
    steps: Mutex<Vec<TraceStep>>,
}

/// What one model has been given.
pub(super) struct Session<'t> {
    tier: String,
    writer: Writer<'t>,
    passages: GivenPassages,
    /// The highest urgency that its calls have named, also in those that were not accepted.
    named_urgency: Option<Urgency>,
}

/// An answer with what it cites, or a question.
pub(super) struct AgentAnswer {
    pub(super) answer: ModelAnswer,
    pub(super) cited: Cited,
    /// Whether the answer is a question to the patient.
    pub(super) awaits_answer: bool,
}

impl<'t> AgentTools<'t> {
    /// The tools for a consultation whose complaint these passages were found for.
    pub(super) fn new(
        agent: &'t Agent<'t>,
        tenant: &'t TenantId,
        told: Told<'t>,
        request: ChatRequest,
        passages: GivenPassages,
    ) -> Self {
        let is_offered = |definition: &&Value| {
            let name = definition.pointer("/function/name").and_then(Value::as_str);
            name.is_some_and(|name| is_offered(name, &told))
        };
        let definitions = DEFINITIONS.iter().filter(is_offered).cloned().collect();
        Self {
            agent,
            tenant,
            told,
            request,
            definitions,
            passages,
            steps: Mutex::new(Vec::new()),
        }
    }

    /// What models have done, in order.
    pub(super) fn into_steps(self) -> Vec<TraceStep> {
        self.steps.into_inner()
    }

    async fn reply_to(
        &self,
        session: &mut Session<'_>,
        call: &ToolCall,
        deadline: Deadline,
    ) -> Result<ToolReply, String> {
        match call.name.as_str() {
            SearchKnowledge::NAME => {
                let search = SearchKnowledge::read(&call.arguments)?;
                Ok(search.run(self, session, deadline).await)
            }
            PastConsultations::NAME => {
                PastConsultations::read(&call.arguments)?;
                Ok(PastConsultations::run(self, deadline).await)
            }
            _ => Err(bad_arguments("no such tool")),
        }
    }

    /// What a model's last step says: an assessment, or else questions.
    fn read_answer(&self, completion: &Completion) -> Result<(ModelAnswer, bool), InvalidAnswer> {
        let calls = completion.tool_calls();
        let questions: Vec<_> = calls
            .iter()
            .filter(|call| call.name == AskPatient::NAME && self.ends_with(&call.name))
            .collect();
        let assesses = calls.iter().any(|call| call.name == ASSESS);
        if assesses || questions.is_empty() {
            return Ok((answer::check_completion(completion)?, false));
        }

        self.check_ending(completion)?;
        let asked = ask_patient::read_questions(completion, &questions)
            .map_err(|feedback| InvalidAnswer::mendable(BAD_ARGUMENTS, feedback))?;
        Ok((asked, true))
    }
}

impl<'t> Toolbox for AgentTools<'t> {
    type Session = Session<'t>;
    type Answer = AgentAnswer;

    fn request(&self) -> &ChatRequest {
        &self.request
    }

    fn definitions(&self) -> &[Value] {
        &self.definitions
    }

    fn ends_with(&self, tool: &str) -> bool {
        matches!(tool, ASSESS | AskPatient::NAME) && is_offered(tool, &self.told)
    }

    fn new_session(&self, tier: &str) -> Session<'t> {
        Session {
            tier: tier.to_owned(),
            writer: self.agent.live.new_writer(self.told.least_urgency()),
            passages: self.passages.clone(),
            named_urgency: None,
        }
    }

    fn note_part(&self, session: &Session<'t>, part: &Completion) {
        session.writer.note_part(|| {
            let calls = part.tool_calls();
            if calls.is_empty() {
                return part.text().map(Cow::into_owned);
            }
            let answer = calls.into_iter().find(|call| call.name == ASSESS)?;
            Some(answer.arguments)
        });
    }

    fn note_step(&self, session: &mut Session<'_>, step: &Step<'_>) {
        let calls = step.completion.tool_calls();
        let urgency = calls.iter().filter_map(ask_patient::urgency_of).max();
        session.named_urgency = session.named_urgency.max(urgency);

        let names = calls.iter().map(|call| known_name(&call.name)).collect();
        let noted = tracer::model_step(&session.tier, step, names);
        self.steps.lock().push(noted);
    }

    fn note_mistake(&self, session: &mut Session<'_>, reason: &'static str) {
        self.steps.lock().push(TraceStep::Mistake {
            tier: session.tier.clone(),
            reason: reason.to_owned(),
        });
    }

    async fn call(
        &self,
        session: &mut Session<'_>,
        call: &ToolCall,
        deadline: Deadline,
    ) -> ToolReply {
        // An answer that stood beside the call is a draft.
        session.writer.withdraw();

        let began = Instant::now();
        let known = session.passages.len();
        let reply = self.reply_to(session, call, deadline).await;

        let reply = reply.unwrap_or_else(|feedback| ToolReply::Mistake {
            reason: BAD_ARGUMENTS,
            feedback,
        });
        let passages = session.passages.since(known);
        self.steps.lock().push(TraceStep::ToolCall {
            tier: session.tier.clone(),
            tool: known_name(&call.name),
            milliseconds: tracer::milliseconds_since(began),
            passages: passages.iter().map(tracer::traced).collect(),
        });
        reply
    }

    fn check_ending(&self, completion: &Completion) -> Result<(), InvalidAnswer> {
        answer::check_ending(completion.finish_reason())
    }

    /// A model that has named a higher urgency before does not lower it either.
    fn check(
        &self,
        session: &Session<'t>,
        completion: &Completion,
    ) -> Result<AgentAnswer, InvalidAnswer> {
        let read = self.read_answer(completion);
        let (mut answer, awaits_answer) = read.inspect_err(|_| session.writer.withdraw())?;
        session.writer.keep();
        answer.urgency = answer
            .urgency
            .max(session.named_urgency.unwrap_or(answer.urgency));

        let cited = session.passages.cite(&mut answer);
        Ok(AgentAnswer {
            answer,
            cited,
            awaits_answer,
        })
    }
}

/// The tool's name, if there is such a tool: a trace holds no words of a model.
fn known_name(name: &str) -> String {
    let known = [
        SearchKnowledge::NAME,
        PastConsultations::NAME,
        AskPatient::NAME,
        ASSESS,
    ];
    let is_known = known.contains(&name);
    if is_known { name } else { "unknown" }.to_owned()
}

#[cfg(test)]
mod tests;
