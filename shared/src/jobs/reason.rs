//! Why a job ended without its result, in words that its person may read.

use serde::Serialize;

use crate::locale::Locale;

/// A stored code and what it means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// A stable name.
    pub code: String,
    /// In the person's language.
    pub message: &'static str,
}

impl Reason {
    /// The reason behind a code that stands in a row. One that is not known here is our fault, and is said so.
    pub fn new(code: &str, locale: Locale) -> Self {
        let (zh, en) = in_words(code);
        let message = match locale {
            Locale::Zh => zh,
            Locale::En => en,
        };
        Self {
            code: code.to_owned(),
            message,
        }
    }
}

fn in_words(code: &str) -> (&'static str, &'static str) {
    match code {
        "models_unavailable" => (
            "没有可用的AI模型。规则给出的建议仍然有效；如有不适加重，请尽快就医。",
            "No AI model was available. What the rules advised still holds; if it gets worse, seek care soon.",
        ),
        "models_failed" => (
            "AI模型未能给出有效的回答。规则给出的建议仍然有效；如有不适加重，请尽快就医。",
            "The AI models gave no valid answer. What the rules advised still holds; if it gets worse, seek care soon.",
        ),
        "no_model_configured" => (
            "本系统没有配置AI模型，无法给出您要求的模型回答。规则给出的建议仍然有效；如不要求模型回答，可重新提交问诊。",
            "No AI model is configured here, so none could answer as was asked. What the rules advised still holds; to get an \
             assessment by the rules, ask again without requiring a model.",
        ),
        "no_assessment" => (
            "该问诊没有评估结果，无法生成报告。",
            "The consultation has no assessment to report on.",
        ),
        "report_not_stored" => (
            "报告暂时无法保存，请稍后重新申请。",
            "The report could not be stored. Please ask for it again later.",
        ),
        "attempts_exhausted" => (
            "处理多次被中断，已停止尝试。规则给出的建议仍然有效，请稍后重试或联系人工客服。",
            "The work was interrupted again and again and was given up. What the rules advised still holds; please try \
             again later or contact our staff.",
        ),
        "undeliverable" => (
            "任务长时间无法送达处理程序。规则给出的建议仍然有效，请稍后重试或联系人工客服。",
            "The job could not be delivered for a long time. What the rules advised still holds; please try again later \
             or contact our staff.",
        ),
        _ => (
            "系统出现内部错误，未能完成。规则给出的建议仍然有效，请稍后重试或联系人工客服。",
            "Something failed on our side. What the rules advised still holds; please try again later or contact our \
             staff.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_words_in_both_languages() {
        let codes = [
            "models_unavailable",
            "models_failed",
            "no_model_configured",
            "no_assessment",
            "report_not_stored",
            "attempts_exhausted",
            "undeliverable",
        ];
        for code in codes {
            assert_ne!(
                in_words(code),
                in_words("panic"),
                "{code} has words of its own"
            );
        }
        for code in codes.into_iter().chain(["panic", "a code of tomorrow"]) {
            assert!(Reason::new(code, Locale::En).message.is_ascii());
            assert!(!Reason::new(code, Locale::Zh).message.is_ascii());
        }
    }
}
