//! Makes the texts. What a patient or a model wrote is data in them: it is escaped for the form that it stands in.

use askama::Template;
use time::OffsetDateTime;
use time::macros::format_description;
use uuid::Uuid;

use crate::consultations::{Assessment, Citation, Consultation, DegradedReason};
use crate::error::Error;
use crate::locale::Locale;
use crate::triage::{self, Sex, Urgency};

/// A report in both forms.
pub struct Rendered {
    /// A whole page, without scripts and without anything from elsewhere.
    pub html: String,
    /// `CommonMark`.
    pub markdown: String,
}

/// Makes the report of a consultation that has an assessment; `None` if it has none.
pub fn render(consultation: &Consultation, now: OffsetDateTime) -> Result<Option<Rendered>, Error> {
    let Some(assessment) = &consultation.assessment else {
        return Ok(None);
    };
    let report = Report::new(consultation, assessment, now)?;
    let markdown = Markdown(&report).render().map_err(Error::internal)?;
    let html = Html(&report).render().map_err(Error::internal)?;
    Ok(Some(Rendered { html, markdown }))
}

struct Report<'a> {
    words: &'static Words,
    id: Uuid,
    facts: String,
    urgency: &'static str,
    urgency_label: &'static str,
    advice: &'static str,
    degraded: Option<&'static str>,
    symptoms: &'a str,
    history: Option<&'a str>,
    summary: &'a str,
    lists: Vec<List<'a>>,
    citations: &'a [Citation],
    served_by: String,
    disclaimer: &'a str,
    generated: String,
}

struct List<'a> {
    title: &'static str,
    items: &'a [String],
}

/// The headings in one language.
struct Words {
    language: &'static str,
    title: &'static str,
    urgency: &'static str,
    symptoms: &'static str,
    history: &'static str,
    summary: &'static str,
    causes: &'static str,
    red_flags: &'static str,
    actions: &'static str,
    questions: &'static str,
    citations: &'static str,
    served_by: &'static str,
    rules: &'static str,
    id: &'static str,
    generated: &'static str,
}

const ZH: Words = Words {
    language: "zh-CN",
    title: "问诊报告",
    urgency: "紧急程度",
    symptoms: "患者自述",
    history: "既往情况",
    summary: "评估",
    causes: "可能的原因",
    red_flags: "危险信号",
    actions: "建议",
    questions: "就诊时可能会问到",
    citations: "依据",
    served_by: "生成方式",
    rules: "规则与固定文本",
    id: "问诊编号",
    generated: "报告时间",
};

const EN: Words = Words {
    language: "en",
    title: "Consultation report",
    urgency: "Urgency",
    symptoms: "In the patient's words",
    history: "History",
    summary: "Assessment",
    causes: "Possible causes",
    red_flags: "Danger signs",
    actions: "What to do",
    questions: "What a clinician may ask",
    citations: "Sources",
    served_by: "Made by",
    rules: "rules and a fixed text",
    id: "Consultation",
    generated: "Report made",
};

impl<'a> Report<'a> {
    fn new(
        consultation: &'a Consultation,
        assessment: &'a Assessment,
        now: OffsetDateTime,
    ) -> Result<Self, Error> {
        let locale = consultation.locale;
        let words = match locale {
            Locale::Zh => &ZH,
            Locale::En => &EN,
        };
        let lists = [
            (words.red_flags, &assessment.red_flags),
            (words.actions, &assessment.recommended_actions),
            (words.causes, &assessment.possible_causes),
            (words.questions, &assessment.questions),
        ];
        let lists = lists.into_iter().filter(|(_, items)| !items.is_empty());
        let model = assessment.served_by.model.as_deref();
        Ok(Self {
            words,
            id: consultation.id,
            facts: facts(consultation)?,
            urgency: assessment.urgency.as_str(),
            urgency_label: urgency(assessment.urgency, locale),
            advice: triage::advice(assessment.urgency, locale),
            degraded: assessment
                .degraded_reason
                .map(|reason| degraded(reason, locale)),
            symptoms: &consultation.symptoms,
            history: consultation.history.as_deref(),
            summary: &assessment.summary,
            lists: lists.map(|(title, items)| List { title, items }).collect(),
            citations: &assessment.citations,
            served_by: model.map_or_else(
                || words.rules.to_owned(),
                |model| format!("{} ({model})", assessment.served_by.tier),
            ),
            disclaimer: &assessment.disclaimer,
            generated: moment(now)?,
        })
    }
}

fn moment(at: OffsetDateTime) -> Result<String, Error> {
    at.to_offset(time::UtcOffset::UTC)
        .format(format_description!(
            "[year]-[month]-[day] [hour]:[minute] UTC"
        ))
        .map_err(Error::internal)
}

/// When it was asked, and by whom as far as it was said.
fn facts(consultation: &Consultation) -> Result<String, Error> {
    let mut facts = vec![moment(consultation.created_at)?];
    let locale = consultation.locale;
    facts.extend(consultation.age.map(|age| match locale {
        Locale::Zh => format!("{age}岁"),
        Locale::En => format!("{age} years"),
    }));
    let sex = consultation.sex.map(|sex| match (sex, locale) {
        (Sex::Female, Locale::Zh) => "女",
        (Sex::Male, Locale::Zh) => "男",
        (Sex::Other, Locale::Zh) => "其他",
        (Sex::Female, Locale::En) => "female",
        (Sex::Male, Locale::En) => "male",
        (Sex::Other, Locale::En) => "other",
    });
    facts.extend(sex.map(str::to_owned));
    Ok(facts.join(" · "))
}

const fn urgency(urgency: Urgency, locale: Locale) -> &'static str {
    match (urgency, locale) {
        (Urgency::Emergency, Locale::Zh) => "危急",
        (Urgency::Urgent, Locale::Zh) => "紧急",
        (Urgency::Routine, Locale::Zh) => "常规",
        (Urgency::SelfCare, Locale::Zh) => "居家观察",
        (Urgency::Emergency, Locale::En) => "emergency",
        (Urgency::Urgent, Locale::En) => "urgent",
        (Urgency::Routine, Locale::En) => "routine",
        (Urgency::SelfCare, Locale::En) => "self-care",
    }
}

const fn degraded(reason: DegradedReason, locale: Locale) -> &'static str {
    match (reason, locale) {
        (DegradedReason::ServedByFallbackTier, Locale::Zh) => {
            "首选模型不可用，本评估由备用模型给出。"
        }
        (DegradedReason::ServedByFallbackTier, Locale::En) => {
            "The first model was unavailable; a fallback model made this assessment."
        }
        (_, Locale::Zh) => "没有模型可用，本评估仅由规则给出。",
        (_, Locale::En) => "No model was available; this assessment comes from rules alone.",
    }
}

macro_rules! template {
    ($name:ident, $path:literal, $escape:literal) => {
        #[derive(Template)]
        #[template(path = $path, escape = $escape)]
        struct $name<'a>(&'a Report<'a>);

        impl<'a> std::ops::Deref for $name<'a> {
            type Target = Report<'a>;

            fn deref(&self) -> &Report<'a> {
                self.0
            }
        }
    };
}

template!(Html, "report.html", "html");
template!(Markdown, "report.md", "none");

/// Text as Markdown shows it: what would be markup is escaped, and lines stay lines.
fn markdown(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(markdown_line).collect::<Vec<_>>().join("\\\n") // a hard line break
}

fn markdown_line(line: &str) -> String {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let is_item = line
        .get(digits + 1..)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
    let mut escaped = String::with_capacity(line.len() + 8);
    for (index, c) in line
        .char_indices()
        .filter(|(_, c)| !is_direction_control(*c))
    {
        // CommonMark 0.31, section 2.4: any ASCII punctuation may be escaped. These are never markup, but for the full stop
        // behind the number of a list's item.
        let is_plain = matches!(c, '.' | ',' | ';' | ':' | '?' | '/' | '\'' | '"' | '%')
            && !(is_item && index == digits);
        if c.is_ascii_punctuation() && !is_plain {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// Explicit embeddings, overrides and isolates (Unicode Standard Annex 9, section 2): one that is not closed would turn the words
/// that follow.
const fn is_direction_control(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_patient_writes_is_no_markdown() {
        for (text, shown) in [
            ("38.5 degrees, 3/10", "38.5 degrees, 3/10"),
            ("2.", "2\\."),
            ("a\u{202e}b\u{2066}", "ab"),
            ("5：疼痛 7) dull", "5：疼痛 7\\) dull"),
            ("1. pain\n\n2. nausea", "1\\. pain\\\n2\\. nausea"),
            (
                "# **bold** [link](x) `code`",
                "\\# \\*\\*bold\\*\\* \\[link\\]\\(x\\) \\`code\\`",
            ),
            ("<b>&amp;</b>\\", "\\<b\\>\\&amp;\\</b\\>\\\\"),
            ("  - 胸痛\r\n", "\\- 胸痛"),
        ] {
            assert_eq!(markdown(text), shown);
        }
    }
}
