//! Why a job has no result, in words that the patient may read.
//!
//! The reasons of all kinds stand here; a kind brings its own in
//! [`super::JobPayload::REASONS`].

use serde::Serialize;

use crate::locale::Locale;

/// A reason's code with its words in each language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReasonText {
    /// A stable name, in rows, answers and logs.
    pub code: &'static str,
    /// In Chinese.
    pub zh: &'static str,
    /// In English.
    pub en: &'static str,
}

impl ReasonText {
    const fn words(&self, locale: Locale) -> &'static str {
        match locale {
            Locale::Zh => self.zh,
            Locale::En => self.en,
        }
    }
}

/// A stored code with its words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Reason {
    /// A stable name.
    pub code: String,
    /// The code in words, in the patient's language.
    pub message: &'static str,
}

impl Reason {
    /// The reason with this code, in the words of `texts`, or else in those of all kinds. A code
    /// that has no words is a fault of ours, and its words say so.
    pub fn new(code: &str, locale: Locale, texts: &[ReasonText]) -> Self {
        let mut known = texts.iter().chain(COMMON_REASONS);
        let text = known.find(|text| text.code == code).unwrap_or(&INTERNAL);

        Self {
            code: code.to_owned(),
            message: text.words(locale),
        }
    }
}

/// A fault of ours. Its words also stand for the codes that say more to an operator than to a
/// patient: `panic`, `took_too_long`, `payload_unreadable`, `unsupported_kind`, `outage`.
const INTERNAL: ReasonText = ReasonText {
    code: "internal",
    zh: "系统出现内部错误，未能完成。规则给出的建议仍然有效，请稍后重试或联系人工客服。",
    en: "Something failed on our side. What the rules advised still holds; please try again later \
         or contact our staff.",
};

/// The reasons that a job of any kind may have.
const COMMON_REASONS: &[ReasonText] = &[
    ReasonText {
        code: "attempts_exhausted",
        zh: "处理多次被中断，已停止尝试。规则给出的建议仍然有效，请稍后重试或联系人工客服。",
        en: "The work was interrupted again and again and was given up. What the rules advised \
             still holds; please try again later or contact our staff.",
    },
    ReasonText {
        code: "undeliverable",
        zh: "任务长时间无法送达处理程序。规则给出的建议仍然有效，请稍后重试或联系人工客服。",
        en: "The job could not be delivered for a long time. What the rules advised still holds; \
             please try again later or contact our staff.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    const OF_A_KIND: &[ReasonText] = &[ReasonText {
        code: "no_ink",
        zh: "没有墨水。",
        en: "There is no ink.",
    }];

    fn message(code: &str, locale: Locale) -> &'static str {
        Reason::new(code, locale, OF_A_KIND).message
    }

    #[test]
    fn a_kinds_own_words_come_before_those_of_all_kinds() {
        assert_eq!(message("no_ink", Locale::En), "There is no ink.");
        assert_eq!(message("no_ink", Locale::Zh), "没有墨水。");

        for common in COMMON_REASONS {
            assert_eq!(message(common.code, Locale::En), common.en);
        }
    }

    #[test]
    fn a_code_without_words_is_a_fault_of_ours() {
        for code in ["panic", "internal", "a code of tomorrow"] {
            assert_eq!(message(code, Locale::En), INTERNAL.en);
            assert_eq!(message(code, Locale::Zh), INTERNAL.zh);
        }
    }

    #[test]
    fn every_reason_has_words_in_both_languages() {
        for text in COMMON_REASONS.iter().chain([&INTERNAL]) {
            assert!(text.en.is_ascii() && !text.zh.is_ascii(), "{}", text.code);
        }
    }
}
