//! The two languages that patients write in.

use serde::{Deserialize, Serialize};

use crate::text::{is_han, plain_text};

/// Language of a text, or of what is shown to the patient.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    sqlx::Encode,
    sqlx::Decode,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
#[sqlx(rename_all = "lowercase")]
pub enum Locale {
    /// Chinese (simplified when written, either script when read).
    Zh,
    /// English.
    En,
}

impl Locale {
    /// The language of a tag such as `zh`, `zh-Hant-TW` or `en_GB`; `None` if it is another.
    #[must_use]
    pub fn of_tag(tag: &str) -> Option<Self> {
        let language = tag.split(['-', '_']).next().unwrap_or_default();

        match language.to_ascii_lowercase().as_str() {
            "zh" => Some(Self::Zh),
            "en" => Some(Self::En),
            _ => None,
        }
    }

    /// Guesses the language from the share of Han characters.
    ///
    /// A Han character carries about as much as half an English word, so one Han character to four
    /// Latin letters already makes a text Chinese. A text without letters counts as Chinese, the
    /// service's first language. Tags, character references and styled letters do not count for
    /// what they are made of, but for what they show.
    #[must_use]
    pub fn detect(text: &str) -> Self {
        let (mut han, mut latin) = (0_usize, 0_usize);

        for c in plain_text(text).chars() {
            if is_han(c) {
                han += 1;
            } else if c.is_alphabetic() {
                latin += 1;
            }
        }

        if han.saturating_mul(4) >= latin {
            Self::Zh
        } else {
            Self::En
        }
    }

    /// The language's code: `zh` or `en`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Zh => "zh",
            Self::En => "en",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Locale;

    #[test]
    fn locale_follows_the_script() {
        assert_eq!(Locale::detect("胸痛 for 3 days"), Locale::Zh);
        assert_eq!(Locale::detect("chest pain"), Locale::En);
    }

    #[test]
    fn decoration_has_no_language() {
        let decorated = [
            ("&#x80F8;&#x75DB;", Locale::Zh),
            ("<strong class=\"important\">胸痛</strong>", Locale::Zh),
            ("[胸痛](https://example.org/some/page)", Locale::Zh),
            ("𝐜𝐡𝐞𝐬𝐭 𝐩𝐚𝐢𝐧", Locale::En),
            ("ⓒⓗⓔⓢⓣ ⓟⓐⓘⓝ", Locale::En),
            ("🇨🇭🇪🇸🇹 🇵🇦🇮🇳", Locale::En),
            ("&#99;&#104;&#101;&#115;&#116;", Locale::En),
        ];

        for (text, locale) in decorated {
            assert_eq!(Locale::detect(text), locale, "{text}");
        }
    }
}
