//! What a model cites: only passages that it was given, by their marks.
//!
//! A text that rests on a passage ends with the passage's mark, such as `[p2]`. Each mark of a
//! given passage becomes the number of its document among the assessment's citations, `[1]`. A mark
//! of anything else is taken away and counted, and so is any other number in square brackets: it
//! would be read as one of ours.

use serde_json::{Value, json};

use super::answer::ModelAnswer;
use crate::consultations::Citation;
use crate::knowledge::{FoundPassage, SearchResult};
use crate::locale::Locale;
use crate::telemetry::metrics;

/// The longest text in brackets that may be marks, in characters.
const MAX_MARK_CHARS: usize = 40;

/// A number in square brackets with more digits is no citation: a pressure, a telephone number.
const MAX_NUMBER_DIGITS: usize = 2;

/// The passages that a model is given, and may cite.
#[derive(Clone, Default)]
pub(super) struct GivenPassages {
    passages: Vec<FoundPassage>,
}

/// What an answer cites.
pub(super) struct Cited {
    /// The documents, by their numbers.
    pub(super) citations: Vec<Citation>,
    /// Marks of what was not given.
    pub(super) dropped: u64,
}

impl GivenPassages {
    /// Those that were found; none if nothing was.
    pub(super) fn new(found: Option<&SearchResult>) -> Self {
        let passages = found.map_or_else(Vec::new, |found| found.items.clone());
        Self { passages }
    }

    /// How many there are.
    pub(super) const fn len(&self) -> usize {
        self.passages.len()
    }

    /// Those behind the first `known`.
    pub(super) fn since(&self, known: usize) -> &[FoundPassage] {
        self.passages.get(known..).unwrap_or_default()
    }

    /// The passages as a prompt has them: data, each with its mark.
    pub(super) fn for_prompt(&self) -> Vec<Value> {
        let numbered = self.passages.iter().zip(1..);
        numbered
            .map(|(passage, number)| in_prompt(passage, number))
            .collect()
    }

    /// Adds those that are not there yet. Returns all of `found` as a prompt has them.
    pub(super) fn add(&mut self, found: Vec<FoundPassage>) -> Vec<Value> {
        let given = found.into_iter().map(|passage| {
            let place = |known: &FoundPassage| (known.document_id, known.position);
            let mut all = self.passages.iter();
            let known = all.position(|known| place(known) == place(&passage));
            let index = known.unwrap_or(self.passages.len());

            let shown = in_prompt(&passage, index + 1);
            if known.is_none() {
                self.passages.push(passage);
            }
            shown
        });
        given.collect()
    }

    /// Replaces the marks in the answer's texts.
    pub(super) fn cite(&self, answer: &mut ModelAnswer) -> Cited {
        let mut marks = MarkReader {
            passages: &self.passages,
            cited: Vec::new(),
            dropped: 0,
        };

        answer.summary = marks.replace(&answer.summary);
        let lists = [
            &mut answer.possible_causes,
            &mut answer.recommended_actions,
            &mut answer.red_flags,
            &mut answer.questions,
            &mut answer.findings,
        ];
        for text in lists.into_iter().flatten() {
            *text = marks.replace(text);
        }
        for text in [
            &mut answer.recommended_department,
            &mut answer.chief_complaint,
            &mut answer.present_illness,
            &mut answer.past_history,
        ] {
            *text = marks.replace(text);
        }

        let (cited, dropped) = (marks.cited.len(), marks.dropped);
        metrics::add(
            "CitationKept",
            &[],
            u64::try_from(cited).unwrap_or(u64::MAX),
        );
        metrics::add("CitationDropped", &[], dropped);
        Cited {
            citations: marks.cited,
            dropped,
        }
    }
}

/// A text without any marks.
pub(super) fn without_marks(text: &str) -> String {
    let mut marks = MarkReader {
        passages: &[],
        cited: Vec::new(),
        dropped: 0,
    };
    marks.replace(text)
}

fn in_prompt(passage: &FoundPassage, number: usize) -> Value {
    json!({
        "id": format!("p{number}"),
        "about": passage.title,
        "part": passage.heading,
        "text": passage.content,
    })
}

/// What a reader is told of the texts with numbers and of those without.
pub(super) const fn grounding(citations: &[Citation], locale: Locale) -> &'static str {
    match (citations.is_empty(), locale) {
        (false, Locale::Zh) => {
            "带方括号编号的内容依据相应编号的来源；没有编号的内容是模型给出的一般建议。"
        }
        (false, Locale::En) => {
            "Texts with a number in square brackets rest on the source of that number; those \
             without one are the model's general advice."
        }
        (true, Locale::Zh) => "以上内容是模型给出的一般建议，没有引用来源。",
        (true, Locale::En) => "The texts are the model's general advice and cite no source.",
    }
}

struct MarkReader<'r> {
    passages: &'r [FoundPassage],
    cited: Vec<Citation>,
    dropped: u64,
}

impl MarkReader<'_> {
    fn replace(&mut self, text: &str) -> String {
        let mut replaced = String::with_capacity(text.len());
        let mut rest = text;

        while let Some(begin) = rest.find(['[', '【', '［']) {
            let (before, from) = rest.split_at(begin);
            let inside_from = from.chars().next().map_or(0, char::len_utf8);
            let end = from.find([']', '】', '］']);
            let inside = end.and_then(|end| from.get(inside_from..end));
            let marks = inside.and_then(|inside| read_marks(inside, from.starts_with('[')));

            replaced.push_str(before);
            let Some((marks, end)) = marks.zip(end) else {
                let (bracket, after) = from.split_at(inside_from);
                replaced.push_str(bracket);
                rest = after;
                continue;
            };
            self.write_numbers(&marks, &mut replaced);
            let closing = from.get(end..).and_then(|text| text.chars().next());
            rest = from
                .get(end + closing.map_or(0, char::len_utf8)..)
                .unwrap_or_default();
        }

        replaced.push_str(rest);
        replaced.trim_end().to_owned()
    }

    fn write_numbers(&mut self, marks: &[Mark], text: &mut String) {
        let mut has_number = false;
        for mark in marks {
            let Some(number) = self.number_of(*mark) else {
                self.dropped += 1;
                continue;
            };
            let written = format!("[{number}]");
            if !text.ends_with(&written) {
                text.push_str(&written);
            }
            has_number = true;
        }

        // No space stays where a mark was.
        if !has_number {
            text.truncate(text.trim_end_matches(' ').len());
        }
    }

    /// The number of the passage's document among the citations, from 1.
    fn number_of(&mut self, mark: Mark) -> Option<u16> {
        let Mark::Passage(number) = mark else {
            return None;
        };
        let passage = self.passages.get(usize::from(number).checked_sub(1)?)?;

        let is_of_document =
            |citation: &Citation| citation.document_id == Some(passage.document_id);
        let known = self.cited.iter().find(|citation| is_of_document(citation));
        if let Some(known) = known {
            return known.number;
        }
        let number = u16::try_from(self.cited.len() + 1).ok()?;
        let (title, url) = (&passage.source_title, &passage.source_url);
        let citation = Citation::of_document(title, url, passage.document_id);
        self.cited.push(citation.numbered(number));
        Some(number)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// `p2`.
    Passage(u16),
    /// A number of the model's own.
    Other,
}

/// The marks in a pair of brackets; none if anything else is in it. A number alone is one only in
/// the brackets of ours, and if it is small: Chinese puts what matters in 【】.
fn read_marks(inside: &str, is_in_ours: bool) -> Option<Vec<Mark>> {
    if inside.chars().count() > MAX_MARK_CHARS {
        return None;
    }
    let parts = inside.split([',', '，', ';', '；', '、', ' ']);
    let marks: Option<Vec<_>> = parts
        .filter(|part| !part.is_empty())
        .map(|part| read_mark(part, is_in_ours))
        .collect();
    marks.filter(|marks| !marks.is_empty())
}

fn read_mark(text: &str, may_be_number: bool) -> Option<Mark> {
    let number = text.strip_prefix(['p', 'P']);
    let digits = number.unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number {
        return None;
    }

    if number.is_none() && !(may_be_number && digits.len() <= MAX_NUMBER_DIGITS) {
        return None;
    }

    let passage = number.and_then(|number| number.parse().ok());
    Some(passage.map_or(Mark::Other, Mark::Passage))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::triage::Urgency;

    fn passage(document: u128, position: i32) -> FoundPassage {
        FoundPassage {
            document_id: Uuid::from_u128(document),
            title: format!("Document {document}"),
            language: Locale::En,
            source_title: format!("Source {document}"),
            source_url: format!("https://example.org/{document}"),
            position,
            heading: String::new(),
            content: "text".to_owned(),
            start_char: 0,
            end_char: 4,
            score: 0.0,
            text_score: 0.0,
            text_place: None,
            vector_place: None,
            rerank_score: None,
        }
    }

    /// Three passages: the first and the third of one document.
    fn found() -> SearchResult {
        SearchResult {
            items: vec![passage(7, 0), passage(8, 0), passage(7, 1)],
            searched_by: Vec::new(),
            degraded: false,
            degraded_reason: None,
            terms: 0,
            is_by_copy: false,
        }
    }

    fn cited(summary: &str) -> (String, Vec<String>) {
        let mut answer = ModelAnswer::of_texts(summary.to_owned(), Urgency::Routine, Vec::new());
        let found = found();
        let Cited { citations, .. } = GivenPassages::new(Some(&found)).cite(&mut answer);
        (
            answer.summary,
            citations.into_iter().map(|it| it.url).collect(),
        )
    }

    #[test]
    fn marks_become_numbers_of_documents_in_the_order_of_their_use() {
        let (text, urls) = cited("Rest [p2]. Drink [p1, p3]；多喝水【p3】。");

        assert_eq!(text, "Rest [1]. Drink [2]；多喝水[2]。");
        assert_eq!(urls, ["https://example.org/8", "https://example.org/7"]);
    }

    #[test]
    fn marks_of_what_was_not_given_and_numbers_of_the_models_own_are_gone() {
        for text in [
            "Rest [p9].",
            "Rest [1].",
            "Rest [p0].",
            "Rest [3, p77] .",
            "Rest [p99999999].",
        ] {
            let (text, urls) = cited(text);
            assert_eq!(text.replace(" .", "."), "Rest.");
            assert_eq!(urls, Vec::<String>::new());
        }
    }

    #[test]
    fn what_is_no_mark_stays() {
        for text in [
            "请立即拨打【120】",
            "血压【15】",
            "call [120]",
            "a [sic] b",
            "[x] done",
            "a [ b",
            "1] [",
            "【注意】多喝水",
            "[]",
            "[p]",
        ] {
            assert_eq!(cited(text), (text.to_owned(), Vec::new()));
        }
    }

    #[test]
    fn what_is_found_again_keeps_its_mark() {
        let mut given = GivenPassages::new(Some(&found()));
        let shown = given.add(vec![passage(7, 1), passage(9, 0)]);

        let ids: Vec<_> = shown.iter().map(|it| it["id"].clone()).collect();
        assert_eq!(ids, ["p3", "p4"]);
        let documents: Vec<_> = given.since(3).iter().map(|it| it.document_id).collect();
        assert_eq!(documents, [Uuid::from_u128(9)]);
    }

    #[test]
    fn without_passages_nothing_can_be_cited() {
        let none = GivenPassages::new(None);
        assert!(none.for_prompt().is_empty());
        assert_eq!(cited("").1, Vec::<String>::new());
    }
}
