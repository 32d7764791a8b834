//! The query of a search.

use crate::error::Error;
use crate::locale::Locale;
use crate::text::is_blank;

const DEFAULT_LIMIT: u16 = 5;
const MAX_LIMIT: u16 = 20;

/// A question is no longer than this, in characters: of Chinese, each is nine bytes of a URL, of
/// which `CloudFront` takes 8,192, and the gateway 10,240 with all headers.
const MAX_QUESTION_CHARS: usize = 500;

/// What is searched for. The question may be a patient's words: it has no `Debug`.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub struct SearchRequest {
    /// The question, in any words.
    pub question: String,
    /// The language of the documents; any if none.
    pub language: Option<Locale>,
    /// The most passages that are found: 1 to 20.
    pub limit: u16,
}

impl SearchRequest {
    /// Reads the query parameters `q`, `k` (5 by default) and `lang`. What breaks a rule is a 422.
    pub fn from_query(query: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let question = query("q").unwrap_or_default();
        let length = question.trim().chars().count();
        if !(1..=MAX_QUESTION_CHARS).contains(&length) || is_blank(&question) {
            let rule = "must have 1 to 500 characters";
            return Err(Error::field("q", rule));
        }

        let limit = query("k").map_or(Ok(DEFAULT_LIMIT), |text| {
            let limit = text
                .parse()
                .ok()
                .filter(|limit| (1..=MAX_LIMIT).contains(limit));
            limit.ok_or_else(|| Error::field("k", "must be a whole number from 1 to 20"))
        })?;
        let language = query("lang").map(|tag| {
            let known = Locale::of_tag(&tag);
            known.ok_or_else(|| Error::field("lang", "must be `zh` or `en`"))
        });
        Ok(Self {
            question,
            language: language.transpose()?,
            limit,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &[(&str, &str)]) -> Result<SearchRequest, Error> {
        SearchRequest::from_query(|name| {
            let found = query.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_question_alone_is_enough() {
        let request = read(&[("q", "嗓子疼")]).unwrap();

        assert_eq!((request.limit, request.language), (DEFAULT_LIMIT, None));
    }

    #[test]
    fn what_breaks_a_rule_is_refused() {
        let long = "疼".repeat(MAX_QUESTION_CHARS + 1);
        let wrong: [&[(&str, &str)]; 8] = [
            &[],
            &[("q", "  ")],
            &[("q", "\u{200b}")],
            &[("q", &long)],
            &[("q", "pain"), ("k", "0")],
            &[("q", "pain"), ("k", "21")],
            &[("q", "pain"), ("k", "many")],
            &[("q", "pain"), ("lang", "fr")],
        ];

        for query in wrong {
            assert!(read(query).is_err(), "{query:?}");
        }
    }
}
