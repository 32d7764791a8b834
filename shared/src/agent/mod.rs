//! The consultation agent: asks the models for a structured assessment, checks it, and lets the
//! rules have the last word on urgency.
//!
//! What the knowledge base says of the complaint is looked up first. A model is given it to cite,
//! and what it cites beyond that is dropped. Where its tier lets it call tools, it may look further
//! (`tools`). It may raise the urgency, never lower it. Without a
//! model the rules answer, with what the knowledge base says of the complaint, word for word
//! (`extract`), or with a fixed text; and the answer says so.

mod answer;
mod attachments;
mod citations;
mod extract;
mod live_summary;
mod note;
mod prompt;
mod retrieval;
mod schema;
mod tools;
mod tracer;

use std::time::{Duration, Instant};

use crate::ai::{Answer, Chain, ChainOutcome, ChainRequest, CheckedCompletion, Fault};
use crate::consultations::{
    Assessment, Citation, Consultation, Conversation, DegradedReason, ServedBy,
};
use crate::deadline::Deadline;
use crate::identity::TenantId;
use crate::knowledge::{Guidance, VectorIndex};
use crate::locale::Locale;
use crate::postgres::{Database, Readers};
use crate::triage::{self, Triage};
use crate::uploads::UploadBucket;
use answer::ModelAnswer;
use attachments::AttachmentReader;
use citations::{Cited, GivenPassages};
use note::Told;
use prompt::Prompts;
use tools::{AgentAnswer, AgentTools};
use tracer::Tracer;

pub use live_summary::LiveSummary;

/// The longest name of a model that is repeated in an answer, in characters.
const MAX_MODEL_NAME_CHARS: usize = 200;

/// The tier that an assessment names when its texts are quoted from the knowledge base.
const EXTRACTIVE_TIER: &str = "extractive";

/// The tier that an assessment names when nothing but the rules made it.
const FIXED_TEXT_TIER: &str = "fixed_text";

/// What an assessment is made from, besides the rules: a model's answer, quoted passages, or the
/// fixed text.
struct AssessmentSource {
    answer: ModelAnswer,
    /// Whether the answer is a question to the patient.
    awaits_answer: bool,
    citations: Vec<Citation>,
    served_by: ServedBy,
    degraded_reason: Option<DegradedReason>,
    /// What its texts rest on, if that has to be said.
    grounding: Option<&'static str>,
}

/// Why there is no assessment of a consultation that requires a model's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoModel {
    /// There is none to ask.
    NotConfigured,
    /// No tier could be asked now: their circuits are open, or their keys cannot be fetched.
    AllUnavailable {
        /// When one may be asked again at the earliest, if that is known.
        retry_in: Option<Duration>,
    },
    /// Those that could be asked gave no valid answer.
    AllFailed {
        /// What the providers asked to be waited for.
        retry_in: Option<Duration>,
    },
}

/// What makes assessments.
pub struct Agent<'a> {
    /// The models; none if none is configured.
    pub chain: Option<&'a Chain>,
    /// Holds the knowledge base.
    pub database: &'a Database,
    /// Servers that follow it.
    pub readers: &'a Readers,
    /// Makes vectors of complaints, if there is a model for it.
    pub index: Option<&'a VectorIndex>,
    /// Holds the files that came with complaints.
    pub uploads: Option<&'a UploadBucket>,
    /// Shows the summary while a model writes it.
    pub live: &'a LiveSummary,
}

impl Agent<'_> {
    /// Makes the assessment of a tenant's consultation. It always makes one, unless the
    /// consultation requires a model's: it says in the assessment what failed on the way. Without a
    /// model the rules answer, with what the knowledge base has of guidance on the complaint.
    pub async fn analyze(
        &self,
        tenant: &TenantId,
        consultation: &Consultation,
        conversation: &Conversation,
        deadline: Deadline,
    ) -> Result<Assessment, NoModel> {
        let rules = decide_again(consultation, conversation);
        let mut tracer = Tracer::default();

        let began = Instant::now();
        let request = retrieval::request_of(consultation, conversation);
        let user = &consultation.user_id;
        let files = AttachmentReader {
            database: self.database,
            bucket: self.uploads.filter(|_| self.chain.is_some()),
            tenant,
            shows_pictures: self.chain.is_some_and(Chain::sees),
        };
        let (found, attachments) = futures::join!(
            retrieval::find_passages(self, tenant, user, request, deadline),
            files.read(consultation, deadline),
        );
        let told = Told {
            consultation,
            conversation,
            rules: &rules,
            attachments: &attachments,
        };
        tracer.note_search(began, found.as_ref());

        let passages = GivenPassages::new(found.as_ref());
        let answer = match self.chain {
            Some(chain) => {
                let models = Models {
                    agent: self,
                    chain,
                    tenant,
                };
                models.ask(told, passages, deadline, &mut tracer).await
            }
            None => Err(NoModel::NotConfigured),
        };

        let source = match answer {
            Ok(answer) => source_of(answer, consultation.locale, &mut tracer),
            Err(no_model) if consultation.requires_model => return Err(no_model),
            Err(no_model) => {
                let guidance = retrieval::find_guidance(self.database, tenant, found).await;
                tracer.note_guidance(guidance.as_ref().map(|it| it.document_id));
                source_without_model(&told, no_model, guidance)
            }
        };

        let assessment = assemble_assessment(&told, source);
        Ok(Assessment {
            trace: Some(tracer.finish()),
            ..assessment
        })
    }
}

/// What the rules say today, with the patient's answers.
fn decide_again(consultation: &Consultation, conversation: &Conversation) -> Triage {
    let messages = conversation.messages();
    let rules = triage::assess_conversation(&consultation.complaint(), &messages);
    if !messages.is_empty() {
        return rules.with_earlier(&consultation.triage);
    }

    // A question may have gone with an earlier version of the rules; its flag has been kept.
    let mut answers = consultation.triage.answers.clone();
    answers.retain(|code, _| triage::question_by_code(code).is_some());
    rules.answered(&answers).unwrap_or(rules)
}

/// The models that a consultation's tenant may ask.
struct Models<'a> {
    agent: &'a Agent<'a>,
    chain: &'a Chain,
    tenant: &'a TenantId,
}

impl Models<'_> {
    async fn ask(
        &self,
        told: Told<'_>,
        passages: GivenPassages,
        deadline: Deadline,
        tracer: &mut Tracer,
    ) -> Result<Answer<CheckedCompletion<AgentAnswer>>, NoModel> {
        let Prompts {
            one_call,
            with_tools,
        } = prompt::prompts(&told, &passages);
        let user = &told.consultation.user_id;
        let request = ChainRequest::new(&one_call, deadline).of_user(self.tenant, user);
        let tools = AgentTools::new(self.agent, self.tenant, told, with_tools, passages);

        let began = Instant::now();
        let outcome = self
            .chain
            .converse(&request.with_repair_turn(), &tools)
            .await;
        tracer.note_models(began, tools.into_steps(), &outcome);

        let no_model = reason_for_none(&outcome);
        outcome.answer.ok_or(no_model)
    }
}

fn reason_for_none<T>(outcome: &ChainOutcome<T>) -> NoModel {
    let faults = || outcome.failures.iter().map(|failure| &failure.fault);
    let retry_after = faults().filter_map(Fault::retry_after).min();

    if faults().any(Fault::reached_tier) {
        let retry_in = retry_after;
        NoModel::AllFailed { retry_in }
    } else {
        let retry_in = retry_after.into_iter().chain(outcome.retry_in).min();
        NoModel::AllUnavailable { retry_in }
    }
}

fn source_of(
    answer: Answer<CheckedCompletion<AgentAnswer>>,
    locale: Locale,
    tracer: &mut Tracer,
) -> AssessmentSource {
    let is_fallback = answer.degraded.is_some();
    let model = answer.content.completion.model();
    let model = model.map(|name| name.chars().take(MAX_MODEL_NAME_CHARS).collect());

    let AgentAnswer {
        answer: checked,
        cited: Cited { citations, dropped },
        awaits_answer,
    } = answer.content.checked;
    tracer.note_citations(citations.len() as u64, dropped);

    AssessmentSource {
        // A question rests on nothing yet.
        grounding: (!awaits_answer).then(|| citations::grounding(&citations, locale)),
        answer: checked,
        awaits_answer,
        citations,
        served_by: ServedBy {
            tier: answer.tier,
            model,
        },
        degraded_reason: is_fallback.then_some(DegradedReason::ServedByFallbackTier),
    }
}

fn source_without_model(
    told: &Told<'_>,
    no_model: NoModel,
    guidance: Option<Guidance>,
) -> AssessmentSource {
    let degraded_reason = match no_model {
        NoModel::NotConfigured => DegradedReason::NoAiTierConfigured,
        NoModel::AllUnavailable { .. } | NoModel::AllFailed { .. } => {
            DegradedReason::AllAiTiersFailed
        }
    };
    let urgency = told.least_urgency();
    let locale = told.consultation.locale;

    let (tier, answer, citations) = match guidance {
        Some(guidance) => {
            let citation = extract::citation(&guidance);
            let mut answer = extract::quoted_answer(guidance, locale, urgency);
            // A number in brackets would be read as one of our citations.
            GivenPassages::new(None).cite(&mut answer);
            (EXTRACTIVE_TIER, answer, vec![citation])
        }
        None => (
            FIXED_TEXT_TIER,
            answer::fixed_answer(locale, urgency),
            Vec::new(),
        ),
    };
    AssessmentSource {
        answer,
        awaits_answer: false,
        citations,
        served_by: ServedBy {
            tier: tier.to_owned(),
            model: None,
        },
        degraded_reason: Some(degraded_reason),
        grounding: None,
    }
}

fn assemble_assessment(told: &Told<'_>, source: AssessmentSource) -> Assessment {
    let Told {
        consultation,
        rules,
        ..
    } = *told;
    let locale = consultation.locale;
    let AssessmentSource {
        answer,
        awaits_answer,
        citations,
        served_by,
        degraded_reason,
        grounding,
    } = source;
    let disclaimer = [triage::disclaimer(locale)].into_iter().chain(grounding);
    let separator = if locale == Locale::Zh { "" } else { " " };
    let note = note::write_note(&answer, told);
    let assessment = Assessment {
        summary: answer.summary,
        possible_causes: answer.possible_causes,
        urgency: answer.urgency,
        red_flags: answer.red_flags,
        recommended_actions: answer.recommended_actions,
        questions: answer.questions,
        awaits_answer,
        recommended_department: answer.recommended_department,
        doctor_note: Some(note),
        citations,
        served_by,
        degraded: degraded_reason.is_some(),
        degraded_reason,
        disclaimer: disclaimer.collect::<Vec<_>>().join(separator),
        trace: None,
    };
    assessment.with_rules(rules, told.least_urgency(), locale)
}

#[cfg(test)]
mod injection_tests;
#[cfg(test)]
mod tests;
