//! The body of `POST /v1/knowledge/documents`.

use serde::Deserialize;
use url::Url;
use uuid::Uuid;

use super::document::{NewDocument, Source};
use crate::error::{Error, FieldError};
use crate::locale::Locale;
use crate::text::{is_blank, text_of_html};

/// The longest title, name or source, in characters.
const MAX_NAME_CHARS: usize = 300;
/// The longest list of what patients call it, in characters.
const MAX_ALSO_CHARS: usize = 2_000;

/// The longest address, in characters.
const MAX_ADDRESS_CHARS: usize = 2_000;

/// The form of a document's text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DocumentFormat {
    /// Lines, of which those that begin with `#` are headings.
    #[default]
    Markdown,
    /// Lines.
    Text,
    /// Tags go, scripts and styles with all that is in them.
    Html,
}

/// A body of `POST /v1/knowledge/documents`.
#[derive(Deserialize, garde::Validate, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DocumentRequest {
    #[garde(length(chars, min = 1, max = MAX_NAME_CHARS))]
    #[schemars(regex(pattern = crate::schema::LINE))]
    title: String,
    #[serde(default)]
    #[garde(length(chars, max = MAX_ALSO_CHARS))]
    #[schemars(regex(pattern = crate::schema::LINE))]
    also: String,
    #[garde(skip)]
    source: Source,
    /// `zh` or `en`, also with a region.
    #[garde(skip)]
    #[schemars(with = "crate::schema::LanguageTag")]
    language: String,
    #[serde(default)]
    #[garde(skip)]
    format: DocumentFormat,
    /// The tenant's own name of the document; the title's if none.
    #[serde(default)]
    #[garde(inner(length(chars, min = 1, max = MAX_NAME_CHARS)))]
    #[schemars(regex(pattern = crate::schema::LINE))]
    reference: Option<String>,
    /// Its text, or else `upload`.
    #[serde(default)]
    #[garde(skip)]
    content: Option<String>,
    /// The id of an upload with its text.
    #[serde(default)]
    #[garde(skip)]
    upload: Option<Uuid>,
}

impl DocumentRequest {
    /// The upload that holds the text; none if the request itself does. 422 if both do, or neither.
    pub fn upload(&self) -> Result<Option<Uuid>, Error> {
        match (&self.content, self.upload) {
            (Some(_), None) => Ok(None),
            (None, Some(id)) => Ok(Some(id)),
            _ => Err(Error::field("content", "must be there, or else `upload`")),
        }
    }

    /// The same with the text of its upload.
    #[must_use]
    pub fn with_content(self, content: String) -> Self {
        Self {
            content: Some(content),
            ..self
        }
    }

    /// The document, with a clean text. What breaks a rule is a 422 that names the field.
    pub fn into_document(self) -> Result<NewDocument, Error> {
        let mut errors = Vec::new();
        let language = Locale::of_tag(&self.language);
        if language.is_none() {
            errors.push(field_error("language", "must be `zh` or `en`"));
        }
        if is_blank(&self.title) {
            errors.push(field_error("title", "must not be blank"));
        }
        let source = &self.source;
        let is_named = (1..=MAX_NAME_CHARS).contains(&source.title.trim().chars().count());
        if !is_named {
            errors.push(field_error("source.title", "must have 1 to 300 characters"));
        }
        let address = read_address(&source.url);
        if address.is_none() {
            let rule = "must be an https address without a user, of at most 2000 characters";
            errors.push(field_error("source.url", rule));
        }
        let reference = self.reference.as_deref().unwrap_or_default();
        for (field, text) in [
            ("title", self.title.as_str()),
            ("also", &self.also),
            ("source.title", &source.title),
            ("reference", reference),
        ] {
            if text.contains(char::is_control) {
                errors.push(field_error(field, "must not have control characters"));
            }
        }
        let content = self.content.as_deref().unwrap_or_default();
        let content = clean_content(content, self.format);
        if content.is_empty() {
            errors.push(field_error(
                "content",
                "must be a text that shows something",
            ));
        }

        let (Some(language), Some(address), true) = (language, address, errors.is_empty()) else {
            return Err(Error::fields(errors));
        };
        let reference = self
            .reference
            .unwrap_or_else(|| named_after(&self.title, language));
        Ok(NewDocument {
            reference,
            language,
            title: self.title.trim().to_owned(),
            also: self.also,
            source: Source {
                title: self.source.title,
                url: address,
            },
            content,
        })
    }
}

fn field_error(field: &str, message: &str) -> FieldError {
    FieldError {
        field: field.to_owned(),
        message: message.to_owned(),
    }
}

/// The address as it is written down: what has a meaning to web pages is escaped.
fn read_address(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let has_user = !url.username().is_empty() || url.password().is_some();
    let is_fitting = url.scheme() == "https"
        && url.host().is_some()
        && !has_user
        && url.as_str().len() <= MAX_ADDRESS_CHARS;
    is_fitting.then(|| url.into())
}

/// The name of a document that has none of its own: the same title in the same language replaces.
fn named_after(title: &str, language: Locale) -> String {
    format!("{}/{}", language.as_str(), title.trim())
}

/// The text as it is stored: lines end alike, control characters are gone, and so is markup.
fn clean_content(content: &str, format: DocumentFormat) -> String {
    let content = match format {
        DocumentFormat::Html => text_of_html(content),
        DocumentFormat::Markdown | DocumentFormat::Text => content.to_owned(),
    };
    let lines = content.replace("\r\n", "\n").replace('\r', "\n");
    let shown: String = lines
        .chars()
        .filter(|character| matches!(character, '\n' | '\t') || !character.is_control())
        .collect();

    let shown = shown.trim();
    if is_blank(shown) {
        String::new()
    } else {
        shown.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(changes: &serde_json::Value) -> Result<NewDocument, Error> {
        let mut body = json!({
            "title": "Sore throat",
            "source": { "title": "Our clinic", "url": "https://example.org/throat" },
            "language": "en",
            "content": "Drink plenty.",
        });
        for (key, value) in changes.as_object().unwrap() {
            body[key] = value.clone();
        }

        let request: DocumentRequest = serde_json::from_value(body).unwrap();
        request.into_document()
    }

    #[test]
    fn a_document_is_named_after_its_title_unless_it_has_a_name() {
        assert_eq!(read(&json!({})).unwrap().reference, "en/Sore throat");
        let named = read(&json!({ "reference": "throat-1" })).unwrap();
        assert_eq!(named.reference, "throat-1");
    }

    #[test]
    fn html_is_read_without_tags_scripts_and_styles() {
        let html = "<html><head><title>x</title><style>p{color:red}</style></head><body><h2>When \
                    to seek care</h2><script>alert('self_care')</script><p>Call&nbsp;an ambulance \
                    if &lt;38 kg.</p><ul><li>one</li><li>two</li></ul></body></html>";
        let document = read(&json!({ "format": "html", "content": html })).unwrap();

        assert!(
            document.content.starts_with("# When to seek care\n"),
            "{}",
            document.content
        );
        assert!(
            document.content.contains("- one\n- two"),
            "{}",
            document.content
        );
        assert!(
            document.content.contains("if <38 kg."),
            "{}",
            document.content
        );
        for gone in ["alert", "color", "<p>", "body", "html"] {
            assert!(!document.content.contains(gone), "{}", document.content);
        }
    }

    #[test]
    fn control_characters_are_gone_and_lines_end_alike() {
        let document = read(&json!({ "content": "a\u{0}b\r\nc\u{7}\rd\u{200b}" })).unwrap();
        assert_eq!(document.content, "ab\nc\nd\u{200b}");
    }

    #[test]
    fn an_address_is_stored_without_what_means_something_to_pages() {
        let url = "https://example.org/\"><script>alert(1)</script>";
        let source = json!({ "title": "x", "url": url });
        let document = read(&json!({ "source": source })).unwrap();
        let stored = document.source.url;
        assert!(
            stored.starts_with("https://example.org/%22%3E%3Cscript"),
            "{stored}"
        );
    }

    #[test]
    fn what_breaks_a_rule_is_named() {
        let long_address = format!("https://example.org/{}", "a".repeat(2_000));
        let wrong = [
            ("content", json!({ "content": "" })),
            ("content", json!({ "content": "\u{0}\u{1}\u{200b} \n" })),
            (
                "content",
                json!({ "format": "html", "content": "<script>x</script>" }),
            ),
            ("language", json!({ "language": "tlh" })),
            ("title", json!({ "title": " " })),
            (
                "source.url",
                json!({ "source": { "title": "x", "url": "http://example.org" } }),
            ),
            (
                "source.url",
                json!({ "source": { "title": "x", "url": "javascript:alert(1)" } }),
            ),
            (
                "source.url",
                json!({ "source": { "title": "x", "url": "https://me:secret@example.org" } }),
            ),
            (
                "source.url",
                json!({ "source": { "title": "x", "url": long_address } }),
            ),
            (
                "source.title",
                json!({ "source": { "title": "", "url": "https://example.org" } }),
            ),
            (
                "source.title",
                json!({ "source": { "title": "\u{1b}[31m", "url": "https://example.org" } }),
            ),
            ("title", json!({ "title": "a\u{0}b" })),
            ("also", json!({ "also": "a\u{7}b" })),
            ("reference", json!({ "reference": "a\nb" })),
        ];

        for (field, changes) in wrong {
            let error = read(&changes).unwrap_err();
            let fields = error.field_errors();
            assert_eq!(fields.len(), 1, "{changes}");
            assert_eq!(fields[0].field, field);
        }
    }
}
