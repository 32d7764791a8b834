use std::sync::LazyLock;

use time::OffsetDateTime;
use uuid::Uuid;

use super::attachments::Attachments;
use super::*;
use crate::ai::{Completion, Degraded, UsedTokens};
use crate::consultations::ConsultationStatus;
use crate::identity::UserId;
use crate::knowledge;
use crate::locale::Locale;
use crate::triage::{Answers, Complaint, Urgency};

pub(super) fn consultation_of(symptoms: &str, locale: Locale) -> Consultation {
    let triage = triage::assess(&Complaint {
        symptoms,
        history: None,
        age: None,
        sex: None,
    });

    Consultation {
        id: Uuid::nil(),
        user_id: UserId::try_from("u".to_owned()).unwrap(),
        job_id: Uuid::nil(),
        status: ConsultationStatus::Processing,
        urgency: triage.urgency,
        locale,
        symptoms: symptoms.to_owned(),
        age: None,
        sex: None,
        history: None,
        triage,
        turns: 1,
        assessment: None,
        requires_model: false,
        by_patient: true,
        attachments: Vec::new(),
        failure: None,
        report: None,
        reviewed_at: None,
        reviewed_by: None,
        created_at: OffsetDateTime::UNIX_EPOCH,
        updated_at: OffsetDateTime::UNIX_EPOCH,
    }
}

/// The answer of the first tier with this urgency.
pub(super) fn model_source(urgency: Urgency) -> AssessmentSource {
    let actions = vec!["rest".to_owned()];
    let answer = ModelAnswer {
        possible_causes: vec!["cause".to_owned()],
        red_flags: vec!["found by the model".to_owned()],
        ..ModelAnswer::of_texts("summary".to_owned(), urgency, actions)
    };

    AssessmentSource {
        citations: Vec::new(),
        answer,
        awaits_answer: false,
        served_by: ServedBy {
            tier: "primary".to_owned(),
            model: Some("m-1".to_owned()),
        },
        degraded_reason: None,
        grounding: None,
    }
}

/// No files came with the complaint.
pub(super) static NO_FILES: LazyLock<Attachments> = LazyLock::new(Attachments::default);

/// A consultation without further messages.
pub(super) fn told_of(consultation: &Consultation) -> Told<'_> {
    static NO_MESSAGES: LazyLock<Conversation> = LazyLock::new(Conversation::default);
    Told {
        consultation,
        conversation: &NO_MESSAGES,
        rules: &consultation.triage,
        attachments: &NO_FILES,
    }
}

pub(super) fn assess_with(consultation: &Consultation, source: AssessmentSource) -> Assessment {
    assess_with_rules(consultation, &consultation.triage, source)
}

fn assess_with_rules(
    consultation: &Consultation,
    rules: &Triage,
    source: AssessmentSource,
) -> Assessment {
    let told = Told {
        rules,
        ..told_of(consultation)
    };
    assemble_assessment(&told, source)
}

#[test]
fn a_model_cannot_lower_the_urgency() {
    let symptoms = "crushing chest pain radiating to my left arm, sweating";
    let chest_pain = consultation_of(symptoms, Locale::En);
    assert_eq!(chest_pain.triage.urgency, Urgency::Emergency);

    let assessment = assess_with(&chest_pain, model_source(Urgency::SelfCare));
    assert_eq!(assessment.urgency, Urgency::Emergency);
    assert!(!assessment.citations.is_empty());
    let advice = triage::advice(Urgency::Emergency, Locale::En);
    assert_eq!(assessment.recommended_actions[0], advice);
}

#[test]
fn a_model_can_raise_the_urgency() {
    let rash = consultation_of("an itchy rash on my elbow for a week", Locale::En);
    assert!(rash.triage.urgency < Urgency::Urgent);

    let assessment = assess_with(&rash, model_source(Urgency::Urgent));
    assert_eq!(assessment.urgency, Urgency::Urgent);
    let found = "found by the model".to_owned();
    assert!(assessment.red_flags.contains(&found));

    assert!(!assessment.degraded);
    assert_eq!(assessment.served_by.model.as_deref(), Some("m-1"));
}

/// The urgency that the caller was told stands, also when the rules have changed since.
#[test]
fn changed_rules_cannot_lower_what_was_said() {
    let mut earlier = consultation_of("an itchy rash on my elbow for a week", Locale::En);
    let rules_now = earlier.triage.clone();
    earlier.triage.urgency = Urgency::Emergency;

    let source = model_source(Urgency::Routine);
    let assessment = assess_with_rules(&earlier, &rules_now, source);
    assert_eq!(assessment.urgency, Urgency::Emergency);
}

#[test]
fn a_sign_that_the_patient_is_not_sure_of_is_marked() {
    let symptoms = "I am not sure whether it is chest pain";
    let unsure = consultation_of(symptoms, Locale::En);
    let assessment = assess_with(&unsure, model_source(Urgency::Routine));
    assert_eq!(assessment.urgency, Urgency::Urgent);

    let flags = &assessment.red_flags;
    let marked = "Chest pain (uncertain)".to_owned();
    assert!(flags.contains(&marked), "{flags:?}");
}

/// A consultation whose patient has given this answer to the first question.
fn answered(symptoms: &str, answer: triage::Answer) -> Consultation {
    let mut consultation = consultation_of(symptoms, Locale::En);
    let question = triage::checklist(None, None).next().unwrap();
    let answers = Answers::from([(question.code.into(), answer)]);

    consultation.triage = consultation.triage.answered(&answers).unwrap();
    consultation.urgency = consultation.urgency.raised_to(consultation.triage.urgency);
    consultation
}

#[test]
fn answers_count_when_the_rules_decide_again() {
    let confirmed = answered("I feel unwell", triage::Answer::Yes);
    let rules = decide_again(&confirmed, &Conversation::default());
    assert_eq!(rules.urgency, Urgency::Emergency);
    assert_eq!(rules.answers, confirmed.triage.answers);

    // A question that has gone leaves the others as they are.
    let mut older = confirmed;
    let gone = ("no_longer_asked".into(), triage::Answer::Yes);
    older.triage.answers.extend([gone]);
    assert_eq!(decide_again(&older, &Conversation::default()), rules);
}

/// The doubt about a sign, and what a lesser urgency demanded, do not stand beside what is known
/// now.
#[test]
fn an_answer_after_the_assessment_replaces_what_it_said() {
    let mut doubted = answered("I feel unwell", triage::Answer::Unsure);
    let assessment = assess_with(&doubted, model_source(Urgency::Routine));
    assert_eq!(assessment.urgency, Urgency::Urgent);
    let doubt = assessment.red_flags[0].clone();
    assert!(doubt.ends_with("(uncertain)"), "{doubt}");

    doubted.assessment = Some(assessment);
    let confirmed = answered("I feel unwell", triage::Answer::Yes);
    let current = Consultation {
        assessment: doubted.assessment,
        ..confirmed
    };
    let current = current.current_assessment().unwrap();

    assert_eq!(current.urgency, Urgency::Emergency);
    assert!(!current.red_flags.contains(&doubt));
    assert!(current.red_flags.contains(&"found by the model".to_owned()));
    let advice = |urgency| triage::advice(urgency, Locale::En).to_owned();
    let actions = &current.recommended_actions;
    assert!(
        actions[0].starts_with(&advice(Urgency::Emergency)),
        "{actions:?}"
    );
    assert_eq!(actions.last().unwrap(), "rest");
}

#[test]
fn an_answer_of_a_later_tier_says_so() {
    let headache = consultation_of("头痛三天", Locale::Zh);
    let answered_by = |degraded| {
        let answer = answer_of_model("a".repeat(1_000).as_str(), degraded);
        let source = source_of(answer, Locale::Zh, &mut Tracer::default());
        assess_with(&headache, source)
    };

    let fallback = answered_by(Some(Degraded::ServedByFallbackTier));
    assert!(fallback.degraded);
    let reason = Some(DegradedReason::ServedByFallbackTier);
    assert_eq!(fallback.degraded_reason, reason);
    let model = fallback.served_by.model.unwrap();
    assert_eq!(model.len(), MAX_MODEL_NAME_CHARS, "a model's name is cut");

    let first = answered_by(None);
    assert!(!first.degraded);
    assert_eq!(first.degraded_reason, None);
}

/// A model's answer as the chain gives it.
fn answer_of_model(
    model: &str,
    degraded: Option<Degraded>,
) -> Answer<CheckedCompletion<AgentAnswer>> {
    let message = serde_json::json!({ "role": "assistant", "content": "{}" });
    let choice = serde_json::json!({ "index": 0, "message": message, "finish_reason": "stop" });
    let body = serde_json::json!({ "model": model, "choices": [choice] });
    Answer {
        content: CheckedCompletion {
            checked: AgentAnswer {
                answer: model_source(Urgency::Routine).answer,
                cited: Cited {
                    citations: Vec::new(),
                    dropped: 0,
                },
                awaits_answer: false,
            },
            completion: Completion::from_body(body).unwrap(),
            chunks: Vec::new(),
            used_tokens: UsedTokens::Estimated(0),
        },
        tier: "secondary".to_owned(),
        degraded,
    }
}

#[test]
fn without_any_model_the_rules_answer_in_the_callers_language() {
    let chest_pain = consultation_of("胸痛，放射到左臂，出冷汗", Locale::Zh);
    let no_model = NoModel::AllFailed { retry_in: None };
    let source = source_without_model(&told_of(&chest_pain), no_model, None);
    let assessment = assess_with(&chest_pain, source);

    assert_eq!(assessment.urgency, Urgency::Emergency);
    assert!(assessment.summary.starts_with("抱歉"));
    let advice = triage::advice(Urgency::Emergency, Locale::Zh);
    let first = &assessment.recommended_actions[0];
    assert!(first.starts_with(advice), "{first}");

    let all_failed = Some(DegradedReason::AllAiTiersFailed);
    assert_eq!(assessment.degraded_reason, all_failed);
    let fixed_text = ServedBy {
        tier: "fixed_text".to_owned(),
        model: None,
    };
    assert_eq!(assessment.served_by, fixed_text);
}

fn guidance_on_throats() -> Guidance {
    Guidance {
        document_id: Uuid::nil(),
        title: "Sore throat".to_owned(),
        source: knowledge::Source {
            title: "NHS: Sore throat".to_owned(),
            url: "https://www.nhs.uk/conditions/sore-throat/".to_owned(),
        },
        overview: "A sore throat is most often caused by a virus.".to_owned(),
        home: vec!["Drink plenty.".to_owned()],
        care: vec!["Call an ambulance if you cannot breathe.".to_owned()],
    }
}

#[test]
fn without_any_model_the_knowledge_base_is_quoted_and_cited() {
    let throat = consultation_of("my throat hurts since yesterday", Locale::En);
    let guidance = Some(guidance_on_throats());
    let source = source_without_model(&told_of(&throat), NoModel::NotConfigured, guidance);
    let assessment = assess_with(&throat, source);

    assert_eq!(assessment.served_by.tier, "extractive");
    assert_eq!(assessment.served_by.model, None);
    let reason = Some(DegradedReason::NoAiTierConfigured);
    assert_eq!(assessment.degraded_reason, reason);

    assert!(assessment.summary.starts_with("No AI model could answer."));
    assert!(assessment.summary.ends_with("caused by a virus."));
    let told = &assessment.recommended_actions;
    assert_eq!(
        told[1..],
        ["Drink plenty.", "Call an ambulance if you cannot breathe."]
    );
    let cited = &assessment.citations[0].url;
    assert_eq!(cited, "https://www.nhs.uk/conditions/sore-throat/");
}

#[test]
fn who_needs_help_today_is_not_told_what_to_do_at_home() {
    let chest = consultation_of("crushing chest pain, sweating", Locale::En);
    let guidance = Some(guidance_on_throats());
    let source = source_without_model(&told_of(&chest), NoModel::NotConfigured, guidance);
    let assessment = assess_with(&chest, source);

    assert_eq!(assessment.urgency, Urgency::Emergency);
    let told = &assessment.recommended_actions;
    assert!(!told.contains(&"Drink plenty.".to_owned()), "{told:?}");
    assert!(told.contains(&"Call an ambulance if you cannot breathe.".to_owned()));
}

#[test]
fn the_note_for_the_doctor_is_there_without_a_model_too() {
    let mut throat = consultation_of("嗓子疼两天。吞咽时加重", Locale::Zh);
    throat.history = Some("青霉素过敏".to_owned());
    let source = source_without_model(&told_of(&throat), NoModel::NotConfigured, None);
    let assessment = assess_with(&throat, source);

    let note = assessment.doctor_note.unwrap();
    assert_eq!(note.chief_complaint, "嗓子疼两天");
    assert_eq!(note.present_illness, "嗓子疼两天。吞咽时加重");
    assert_eq!(note.history, "青霉素过敏");
    assert!(!note.open_questions.is_empty());
    assert!(!assessment.recommended_department.is_empty());
}

#[test]
fn an_emergency_goes_to_the_emergency_department_whatever_a_model_says() {
    let chest = consultation_of("crushing chest pain, sweating", Locale::En);
    let mut source = model_source(Urgency::Routine);
    source.answer.recommended_department = "Dermatology".to_owned();
    let assessment = assess_with(&chest, source);

    assert_eq!(assessment.recommended_department, "Emergency department");
}
