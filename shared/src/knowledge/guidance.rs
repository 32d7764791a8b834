//! What a document tells a patient, taken from its parts as it stands.

use sqlx::FromRow;
use uuid::Uuid;

use super::document::Source;

/// Headings of what an illness is, in either language.
const OVERVIEW_HEADINGS: &[&str] = &["What it may be", "可能是什么"];
/// Headings of what one does oneself.
const HOME_HEADINGS: &[&str] = &["What to do at home", "在家怎么处理"];
/// Headings of when one needs help.
const CARE_HEADINGS: &[&str] = &["When to seek care", "何时就医"];

/// A passage of the document, in its order.
#[derive(Debug, FromRow)]
pub(super) struct QuotedPassage {
    document_id: Uuid,
    title: String,
    source_title: String,
    source_url: String,
    heading: String,
    content: String,
}

/// The parts of a document that a patient is told, word for word.
#[derive(Clone, PartialEq, Eq)]
pub struct Guidance {
    /// The document.
    pub document_id: Uuid,
    /// What the document is about.
    pub title: String,
    /// Where it comes from.
    pub source: Source,
    /// What this may be.
    pub overview: String,
    /// What to do at home, point by point.
    pub home: Vec<String>,
    /// When to seek care, point by point.
    pub care: Vec<String>,
}

impl Guidance {
    /// What the passages of one document tell; none if it is not written for patients.
    pub(super) fn of_passages(passages: Vec<QuotedPassage>) -> Option<Self> {
        let text_below = |headings: &[&str]| {
            let below = passages
                .iter()
                .filter(|passage| is_one_of(&passage.heading, headings));
            below
                .map(|passage| passage.content.as_str())
                .collect::<Vec<_>>()
                .join("\n")
        };
        let overview = text_below(OVERVIEW_HEADINGS);
        let (home, care) = (
            points(&text_below(HOME_HEADINGS)),
            points(&text_below(CARE_HEADINGS)),
        );
        if overview.is_empty() || care.is_empty() {
            return None;
        }

        let first = passages.into_iter().next()?;
        Some(Self {
            document_id: first.document_id,
            title: first.title,
            source: Source {
                title: first.source_title,
                url: first.source_url,
            },
            overview,
            home,
            care,
        })
    }
}

/// Whether a heading is one of these, in any case and with or without a colon.
fn is_one_of(heading: &str, headings: &[&str]) -> bool {
    let heading = heading.trim().trim_end_matches([':', '：']).trim_end();
    let mut headings = headings.iter();
    headings.any(|known| known.eq_ignore_ascii_case(heading))
}

/// The items of a list, each once: passages may overlap.
fn points(text: &str) -> Vec<String> {
    let mut points: Vec<String> = Vec::new();

    for line in text.lines() {
        let point = line.trim().trim_start_matches(['-', '*', '•']).trim();
        if !point.is_empty() && points.iter().all(|before| before != point) {
            points.push(point.to_owned());
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passage(heading: &str, content: &str) -> QuotedPassage {
        QuotedPassage {
            document_id: Uuid::nil(),
            title: "Sore throat".to_owned(),
            source_title: "NHS: Sore throat".to_owned(),
            source_url: "https://example.org/".to_owned(),
            heading: heading.to_owned(),
            content: content.to_owned(),
        }
    }

    #[test]
    fn the_parts_are_told_word_for_word_and_each_point_once() {
        let guidance = Guidance::of_passages(vec![
            passage("What it may be", "A sore throat is common."),
            passage("What to do at home", "- Drink water.\n- Rest."),
            passage("What to do at home", "- Rest.\n- Suck ice."),
            passage(
                "When to seek care",
                "- Call an ambulance if you cannot breathe.",
            ),
        ])
        .unwrap();

        assert_eq!(guidance.overview, "A sore throat is common.");
        assert_eq!(guidance.home, ["Drink water.", "Rest.", "Suck ice."]);
        assert_eq!(guidance.care, ["Call an ambulance if you cannot breathe."]);
    }

    #[test]
    fn a_document_that_does_not_say_when_to_seek_care_guides_nobody() {
        assert!(Guidance::of_passages(vec![passage("What it may be", "A cold.")]).is_none());
        assert!(Guidance::of_passages(Vec::new()).is_none());
    }
}
