//! Assessments in the forms in which local and odd models give them.

use futures::future::join_all;
use serde_json::Value;

use crate::support::User;

/// Scripts of the first tier, each with an urgent assessment in another form.
const FORMS: [&str; 19] = [
    "fenced",
    "think",
    "think-unopened",
    "caps-fence",
    "wrapped",
    "trailing-comma",
    "raw-newline",
    "bom",
    "chinese-urgency",
    "caps-urgency",
    "null-lists",
    "single-texts",
    "many-items",
    "long-summary",
    "tool-answer",
    "reasoning-only",
    "content-parts",
    "eos",
    "stop-sequence",
];

/// The assessment of a complaint that is routine by the rules.
async fn assessed_with(user: &User, script: &str) -> Value {
    let complaint = format!("an itchy rash on my elbow [primary:{script}]");
    let accepted = user.complain(&complaint).await;
    assert_eq!(accepted["urgency"], "routine", "{script}");

    let consultation = user.outcome(&accepted).await;
    consultation["assessment"].clone()
}

#[tokio::test]
async fn an_assessment_is_read_in_any_form_with_one_reading() {
    let user = User::new().await;
    let assessments = FORMS.map(|script| assessed_with(&user, script));

    for (script, assessment) in FORMS.into_iter().zip(join_all(assessments).await) {
        assert_eq!(assessment["served_by"]["tier"], "primary", "{script}");
        let urgency = if script == "fenced" {
            "routine"
        } else {
            "urgent"
        };
        assert_eq!(assessment["urgency"], urgency, "{script}");

        let lists = ["possible_causes", "recommended_actions", "questions"];
        let lengths = lists.map(|list| assessment[list].as_array().unwrap().len());
        assert!(lengths.iter().all(|length| *length <= 12), "{script}");
        let summary = assessment["summary"].as_str().unwrap();
        assert!(summary.chars().count() <= 4_000, "{script}");
    }
}

/// Neither of two answers, nor an urgency that is not known.
#[tokio::test]
async fn an_assessment_that_needs_a_guess_is_not_read() {
    let user = User::new().await;
    for script in ["two-answers", "unknown-urgency"] {
        let assessment = assessed_with(&user, script).await;
        assert_eq!(assessment["served_by"]["tier"], "secondary", "{script}");
    }
}
