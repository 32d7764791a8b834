//! The jobs that a consultation gives rise to, and the reasons why they fail.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::jobs::{JobPayload, ReasonText};

/// Makes the assessment.
#[derive(Debug, Serialize, Deserialize)]
pub struct Analyze {
    /// The consultation that is assessed.
    pub consultation_id: Uuid,
}

/// Makes a new assessment, after a further message of the patient. A kind of its own: a worker from
/// before there were messages would answer the complaint alone.
#[derive(Debug, Serialize, Deserialize)]
pub struct AnswerMessage {
    /// The consultation that goes on.
    pub consultation_id: Uuid,
    /// The turn that is answered, from 2.
    pub turn: i16,
}

impl Analyze {
    /// A later message was answered before.
    pub const SUPERSEDED: &'static str = "superseded";

    /// No model can be asked now; the job is deferred.
    pub const MODELS_UNAVAILABLE: &'static str = "models_unavailable";

    /// The models that could be asked gave no valid answer.
    pub const MODELS_FAILED: &'static str = "models_failed";

    /// The consultation requires a model, and none is configured.
    pub const NO_MODEL_CONFIGURED: &'static str = "no_model_configured";
}

impl JobPayload for Analyze {
    const KIND: &'static str = "analyze";
    const ATTEMPT_TIMEOUT: Duration = Duration::from_mins(2);
    const REASONS: &'static [ReasonText] = ASSESSMENT_REASONS;
}

impl JobPayload for AnswerMessage {
    const KIND: &'static str = "answer_message";
    const ATTEMPT_TIMEOUT: Duration = Analyze::ATTEMPT_TIMEOUT;
    const REASONS: &'static [ReasonText] = ASSESSMENT_REASONS;
}

/// Why there is no assessment, or no new one.
pub(super) const ASSESSMENT_REASONS: &[ReasonText] = &[
    ReasonText {
        code: Analyze::MODELS_UNAVAILABLE,
        zh: "没有可用的AI模型。规则给出的建议仍然有效；如有不适加重，请尽快就医。",
        en: "No AI model was available. What the rules advised still holds; if it gets worse, \
             seek care soon.",
    },
    ReasonText {
        code: Analyze::MODELS_FAILED,
        zh: "AI模型未能给出有效的回答。规则给出的建议仍然有效；如有不适加重，请尽快就医。",
        en: "The AI models gave no valid answer. What the rules advised still holds; if it \
             gets worse, seek care soon.",
    },
    ReasonText {
        code: Analyze::SUPERSEDED,
        zh: "您之后又发送了消息，系统已改为回答最新的一条。",
        en: "You have sent another message since; that one was answered instead.",
    },
    ReasonText {
        code: Analyze::NO_MODEL_CONFIGURED,
        zh: "本系统没有配置AI模型，无法给出您要求的模型回答。规则给出的建议仍然有效；\
             如不要求模型回答，可重新提交问诊。",
        en: "No AI model is configured here, so none could answer as was asked. What the \
             rules advised still holds; to get an assessment by the rules, ask again without \
             requiring a model.",
    },
];

/// Writes the report.
#[derive(Debug, Serialize, Deserialize)]
pub struct GenerateReport {
    /// The consultation that is reported on.
    pub consultation_id: Uuid,
}

impl GenerateReport {
    /// The consultation has no assessment.
    pub const NO_ASSESSMENT: &'static str = "no_assessment";

    /// The bucket does not take the report.
    pub const REPORT_NOT_STORED: &'static str = "report_not_stored";
}

impl JobPayload for GenerateReport {
    const KIND: &'static str = "generate_report";
    const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
    const REASONS: &'static [ReasonText] = &[
        ReasonText {
            code: Self::NO_ASSESSMENT,
            zh: "该问诊没有评估结果，无法生成报告。",
            en: "The consultation has no assessment to report on.",
        },
        ReasonText {
            code: Self::REPORT_NOT_STORED,
            zh: "报告暂时无法保存，请稍后重新申请。",
            en: "The report could not be stored. Please ask for it again later.",
        },
    ];
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::Reason;
    use crate::locale::Locale;

    #[test]
    fn every_reason_has_words_of_its_own_in_both_languages() {
        for texts in [ASSESSMENT_REASONS, GenerateReport::REASONS] {
            for ReasonText { code, .. } in texts {
                for locale in [Locale::Zh, Locale::En] {
                    let words = Reason::new(code, locale, texts).message;
                    let unknown = Reason::new("no such code", locale, texts).message;
                    assert_eq!(words.is_ascii(), locale == Locale::En, "{code}: {words}");
                    assert_ne!(words, unknown, "{code}");
                }
            }
        }
    }
}
