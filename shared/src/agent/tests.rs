use time::OffsetDateTime;
use uuid::Uuid;

use super::*;
use crate::consultations::ConsultationStatus;
use crate::triage::{Complaint, Urgency};

fn consultation(symptoms: &str, locale: Locale) -> Consultation {
    let triage = triage::assess(&Complaint {
        symptoms,
        history: None,
        age: None,
        sex: None,
    });
    Consultation {
        id: Uuid::nil(),
        user_id: crate::identity::UserId::try_from("u".to_owned()).unwrap(),
        job_id: Uuid::nil(),
        status: ConsultationStatus::Processing,
        urgency: triage.urgency,
        locale,
        symptoms: symptoms.to_owned(),
        age: None,
        sex: None,
        history: None,
        triage,
        assessment: None,
        requires_model: false,
        failure: None,
        report: None,
        created_at: OffsetDateTime::UNIX_EPOCH,
        updated_at: OffsetDateTime::UNIX_EPOCH,
    }
}

fn said(urgency: Urgency, by_fallback: bool) -> Asked {
    let answer = ModelAnswer {
        summary: "summary".to_owned(),
        possible_causes: vec!["cause".to_owned()],
        urgency,
        red_flags: vec!["found by the model".to_owned()],
        recommended_actions: vec!["rest".to_owned()],
        questions: Vec::new(),
    };
    let served_by = ServedBy {
        tier: "primary".to_owned(),
        model: Some("m-1".to_owned()),
    };
    Asked::Answered {
        answer,
        served_by,
        by_fallback,
    }
}

fn made(consultation: &Consultation, asked: Asked) -> Assessment {
    assemble(consultation, &consultation.triage, asked)
}

#[test]
fn a_model_cannot_lower_the_urgency() {
    let chest_pain = consultation(
        "crushing chest pain radiating to my left arm, sweating",
        Locale::En,
    );
    assert_eq!(chest_pain.triage.urgency, Urgency::Emergency);
    let assessment = made(&chest_pain, said(Urgency::SelfCare, false));
    assert_eq!(assessment.urgency, Urgency::Emergency);
    assert_eq!(
        assessment.recommended_actions[0],
        triage::advice(Urgency::Emergency, Locale::En)
    );
    assert!(!assessment.citations.is_empty());
}

#[test]
fn a_model_can_raise_the_urgency() {
    let rash = consultation("an itchy rash on my elbow for a week", Locale::En);
    assert!(rash.triage.urgency < Urgency::Urgent);
    let assessment = made(&rash, said(Urgency::Urgent, false));
    assert_eq!(assessment.urgency, Urgency::Urgent);
    assert!(
        assessment
            .red_flags
            .contains(&"found by the model".to_owned())
    );
    assert!(!assessment.degraded);
    assert_eq!(assessment.served_by.model.as_deref(), Some("m-1"));
}

#[test]
fn rules_that_have_changed_since_cannot_lower_what_was_said() {
    let mut earlier = consultation("an itchy rash on my elbow for a week", Locale::En);
    let now = earlier.triage.clone();
    earlier.triage.urgency = Urgency::Emergency;
    assert_eq!(
        assemble(&earlier, &now, said(Urgency::Routine, false)).urgency,
        Urgency::Emergency
    );
}

#[test]
fn a_sign_that_the_patient_is_not_sure_of_is_marked() {
    let unsure = consultation("I am not sure whether it is chest pain", Locale::En);
    let assessment = made(&unsure, said(Urgency::Routine, false));
    assert_eq!(assessment.urgency, Urgency::Urgent);
    assert!(
        assessment
            .red_flags
            .contains(&"Chest pain (uncertain)".to_owned()),
        "{:?}",
        assessment.red_flags
    );
}

#[test]
fn an_answer_of_a_later_tier_says_so() {
    let assessment = made(
        &consultation("头痛三天", Locale::Zh),
        said(Urgency::Routine, true),
    );
    assert!(assessment.degraded);
    assert_eq!(
        assessment.degraded_reason,
        Some(DegradedReason::ServedByFallbackTier)
    );
}

#[test]
fn without_any_model_the_rules_answer_in_the_callers_language() {
    let assessment = made(
        &consultation("胸痛，放射到左臂，出冷汗", Locale::Zh),
        Asked::AllFailed,
    );
    assert_eq!(assessment.urgency, Urgency::Emergency);
    assert!(assessment.summary.starts_with("抱歉"));
    assert_eq!(
        assessment.recommended_actions,
        [triage::advice(Urgency::Emergency, Locale::Zh)]
    );
    assert_eq!(
        assessment.degraded_reason,
        Some(DegradedReason::AllAiTiersFailed)
    );
    assert_eq!(
        assessment.served_by,
        ServedBy {
            tier: "fixed_text".to_owned(),
            model: None
        }
    );
}
