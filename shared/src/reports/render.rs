//! Makes the texts. The words of a patient or a model are data in them: they are escaped for the
//! form that they stand in.

use std::cmp::Reverse;

use askama::Template;
use time::OffsetDateTime;
use time::UtcOffset;
use time::macros::format_description;
use uuid::Uuid;

use crate::consultations::{
    Assessment, Citation, Consultation, DegradedReason, DoctorNote, ServedBy,
};
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
    let Some(assessment) = consultation.current_assessment() else {
        return Ok(None);
    };

    let answers = answers_in_words(consultation);
    let mut report = ReportText::new(consultation, &assessment, now)?;
    report.add_answers(&answers);
    let markdown = Markdown(&report).render().map_err(Error::internal)?;
    let html = Html(&report).render().map_err(Error::internal)?;
    Ok(Some(Rendered { html, markdown }))
}

/// What both templates fill in.
struct ReportText<'a> {
    words: &'static Words,
    id: Uuid,
    facts: String,
    urgency: &'static str,
    urgency_label: &'static str,
    advice: &'static str,
    degraded: Option<&'static str>,
    symptoms: &'a str,
    history: Option<&'a str>,
    heading: &'static str,
    summary: &'a str,
    department: &'a str,
    note: Option<&'a DoctorNote>,
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
    preliminary: &'static str,
    causes: &'static str,
    red_flags: &'static str,
    actions: &'static str,
    questions: &'static str,
    asked: &'static str,
    answers: &'static str,
    citations: &'static str,
    served_by: &'static str,
    rules: &'static str,
    id: &'static str,
    generated: &'static str,
    department: &'static str,
    note: &'static str,
    complaint: &'static str,
    illness: &'static str,
    past: &'static str,
    findings: &'static str,
}

const ZH: Words = Words {
    language: "zh-CN",
    title: "问诊报告",
    urgency: "紧急程度",
    symptoms: "患者自述",
    history: "既往情况",
    summary: "评估",
    preliminary: "初步评估（已向患者提问，尚未得到回答）",
    causes: "可能的原因",
    red_flags: "危险信号",
    actions: "建议",
    questions: "就诊时可能会问到",
    asked: "待患者回答",
    answers: "患者对危险信号的回答",
    citations: "依据",
    served_by: "生成方式",
    rules: "规则与固定文本",
    id: "问诊编号",
    generated: "报告时间",
    department: "建议科室",
    note: "门诊病历摘要",
    complaint: "主诉",
    illness: "现病史",
    past: "既往史",
    findings: "患者自测与回答",
};

const EN: Words = Words {
    language: "en",
    title: "Consultation report",
    urgency: "Urgency",
    symptoms: "In the patient's words",
    history: "History",
    summary: "Assessment",
    preliminary: "Assessment so far (the patient was asked, and has not answered yet)",
    causes: "Possible causes",
    red_flags: "Danger signs",
    actions: "What to do",
    questions: "What a clinician may ask",
    asked: "Asked, not yet answered",
    answers: "Danger signs asked after",
    citations: "Sources",
    served_by: "Made by",
    rules: "rules and a fixed text",
    id: "Consultation",
    generated: "Report made",
    department: "Department",
    note: "Note for the doctor",
    complaint: "Chief complaint",
    illness: "Present illness",
    past: "History",
    findings: "Measured or answered",
};

impl<'a> ReportText<'a> {
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
        let degraded = assessment.degraded_reason;

        Ok(Self {
            words,
            id: consultation.id,
            facts: patient_facts(consultation)?,
            urgency: assessment.urgency.as_str(),
            urgency_label: urgency_label(assessment.urgency, locale),
            advice: triage::advice(assessment.urgency, locale),
            degraded: degraded.map(|reason| degraded_label(reason, locale)),
            symptoms: &consultation.symptoms,
            history: consultation.history.as_deref(),
            summary: &assessment.summary,
            department: &assessment.recommended_department,
            note: assessment.doctor_note.as_ref(),
            heading: if assessment.awaits_answer {
                words.preliminary
            } else {
                words.summary
            },
            lists: filled_lists(assessment, words),
            citations: &assessment.citations,
            served_by: served_by_label(&assessment.served_by, words),
            disclaimer: &assessment.disclaimer,
            generated: format_time(now)?,
        })
    }
}

impl<'a> ReportText<'a> {
    fn add_answers(&mut self, answers: &'a [String]) {
        if !answers.is_empty() {
            self.lists.push(List {
                title: self.words.answers,
                items: answers,
            });
        }
    }
}

/// Each question that the patient answered, the alarming answers first.
fn answers_in_words(consultation: &Consultation) -> Vec<String> {
    let locale = consultation.locale;
    let mut answers: Vec<_> = consultation.triage.answers.iter().collect();
    answers.sort_by_key(|(_, answer)| Reverse(**answer));

    let asked = answers.into_iter().filter_map(|(code, answer)| {
        let question = triage::question_by_code(code)?;
        let (text, answer) = (question.words(locale), answer.words(locale));
        Some(format!("{text} {answer}"))
    });
    asked.collect()
}

/// The assessment's lists that have any items.
fn filled_lists<'a>(assessment: &'a Assessment, words: &Words) -> Vec<List<'a>> {
    let list = |title, items| List { title, items };
    let questions = if assessment.awaits_answer {
        words.asked
    } else {
        words.questions
    };
    let mut lists = vec![
        list(words.red_flags, &assessment.red_flags),
        list(words.actions, &assessment.recommended_actions),
        list(words.causes, &assessment.possible_causes),
        list(questions, &assessment.questions),
    ];
    lists.retain(|list| !list.items.is_empty());

    lists
}

fn served_by_label(served_by: &ServedBy, words: &Words) -> String {
    match &served_by.model {
        Some(model) => format!("{} ({model})", served_by.tier),
        None => words.rules.to_owned(),
    }
}

fn format_time(time: OffsetDateTime) -> Result<String, Error> {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute] UTC");
    let utc = time.to_offset(UtcOffset::UTC);
    utc.format(format).map_err(Error::internal)
}

/// When the patient asked, and their age and sex as far as they stated them.
fn patient_facts(consultation: &Consultation) -> Result<String, Error> {
    let locale = consultation.locale;
    let mut facts = vec![format_time(consultation.created_at)?];

    let age = consultation.age.map(|age| match locale {
        Locale::Zh => format!("{age}岁"),
        Locale::En => format!("{age} years"),
    });
    facts.extend(age);

    let sex = consultation.sex.map(|sex| sex_label(sex, locale));
    facts.extend(sex.map(str::to_owned));
    Ok(facts.join(" · "))
}

const fn sex_label(sex: Sex, locale: Locale) -> &'static str {
    match (sex, locale) {
        (Sex::Female, Locale::Zh) => "女",
        (Sex::Male, Locale::Zh) => "男",
        (Sex::Other, Locale::Zh) => "其他",
        (Sex::Female, Locale::En) => "female",
        (Sex::Male, Locale::En) => "male",
        (Sex::Other, Locale::En) => "other",
    }
}

const fn urgency_label(urgency: Urgency, locale: Locale) -> &'static str {
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

const fn degraded_label(reason: DegradedReason, locale: Locale) -> &'static str {
    match (reason, locale) {
        (DegradedReason::ServedByFallbackTier, Locale::Zh) => {
            "首选模型未能给出可用的回答，本评估由备用模型给出。"
        }
        (DegradedReason::ServedByFallbackTier, Locale::En) => {
            "The first model gave no usable answer; a fallback model made this assessment."
        }
        (_, Locale::Zh) => "没有模型可用，本评估仅由规则给出。",
        (_, Locale::En) => "No model was available; this assessment comes from rules alone.",
    }
}

macro_rules! template {
    ($name:ident, $path:literal, $escape:literal) => {
        #[derive(Template)]
        #[template(path = $path, escape = $escape)]
        struct $name<'a>(&'a ReportText<'a>);

        impl<'a> std::ops::Deref for $name<'a> {
            type Target = ReportText<'a>;

            fn deref(&self) -> &ReportText<'a> {
                self.0
            }
        }
    };
}

template!(Html, "report.html", "html");
template!(Markdown, "report.md", "none");

/// Text as Markdown shows it: markup is escaped, and lines stay lines.
fn escape_markdown(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let escaped: Vec<_> = lines.map(escape_line).collect();
    escaped.join("\\\n") // a hard line break
}

fn escape_line(line: &str) -> String {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let is_list_item = line
        .get(digits + 1..)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));

    let mut escaped = String::with_capacity(line.len() + 8);
    for (index, c) in line.char_indices() {
        if is_direction_control(c) {
            continue;
        }

        let ends_item_number = is_list_item && index == digits;
        let is_markup = c.is_ascii_punctuation() && (ends_item_number || !is_never_markup(c));
        if is_markup {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// The ASCII punctuation that is never markup, but for the full stop behind the number of a list's
/// item. Any other may be escaped (`CommonMark` 0.31, section 2.4).
const fn is_never_markup(c: char) -> bool {
    matches!(c, '.' | ',' | ';' | ':' | '?' | '/' | '\'' | '"' | '%')
}

/// Explicit embeddings, overrides and isolates (Unicode Standard Annex 9, section 2): one that is
/// not closed would turn the words that follow.
const fn is_direction_control(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Case {
        text: &'static str,
        escaped: &'static str,
    }

    const CASES: [Case; 8] = [
        Case {
            text: "38.5 degrees, 3/10",
            escaped: "38.5 degrees, 3/10",
        },
        Case {
            text: "2.",
            escaped: "2\\.",
        },
        Case {
            text: "a\u{202e}b\u{2066}",
            escaped: "ab",
        },
        Case {
            text: "5：疼痛 7) dull",
            escaped: "5：疼痛 7\\) dull",
        },
        Case {
            text: "1. pain\n\n2. nausea",
            escaped: "1\\. pain\\\n2\\. nausea",
        },
        Case {
            text: "# **bold** [link](x) `code`",
            escaped: "\\# \\*\\*bold\\*\\* \\[link\\]\\(x\\) \\`code\\`",
        },
        Case {
            text: "<b>&amp;</b>\\",
            escaped: "\\<b\\>\\&amp;\\</b\\>\\\\",
        },
        Case {
            text: "  - 胸痛\r\n",
            escaped: "\\- 胸痛",
        },
    ];

    #[test]
    fn what_a_patient_writes_is_no_markdown() {
        for case in CASES {
            assert_eq!(escape_markdown(case.text), case.escaped);
        }
    }
}
