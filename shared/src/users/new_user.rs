//! A person as an administrator brings them in. A row is read without repeating any of its values
//! in an error.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::FieldError;
use crate::identity::{Role, UserId};
use crate::text;

/// The longest e-mail address, in bytes (RFC 5321, erratum 1690).
const MAX_EMAIL_BYTES: usize = 254;

/// The longest name, in characters.
const MAX_NAME_CHARS: usize = 200;

/// Paths below `/v1/users/` that stand for something else than a person.
const RESERVED_IDS: [&str; 2] = ["me", "import"];

/// The field that an error about a whole row names.
const WHOLE_ROW: &str = "the row";

/// A person as an administrator brings them in.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewUser {
    pub(super) id: UserId,
    pub(super) email: String,
    pub(super) name: String,
    pub(super) role: Role,
}

impl NewUser {
    /// The person of one row of an import, or the first rule that the row breaks. The row is read
    /// as it was sent: a `Value` would keep the last of two fields with one name.
    pub(super) fn parse(row: &RawValue) -> Result<Self, FieldError> {
        // serde would read a list as the fields in their order.
        if !row.get().starts_with('{') {
            return Err(broken_rule(WHOLE_ROW, "must be a JSON object"));
        }

        let mut reader = serde_json::Deserializer::from_str(row.get());
        let mut user: Self = serde_path_to_error::deserialize(&mut reader)
            .map_err(|error| explain_error(&error.path().to_string(), error.inner()))?;
        user.name = user.name.trim().to_owned();

        check_id(user.id.as_str())?;
        check_email(&user.email)?;
        check_name(&user.name)?;
        Ok(user)
    }
}

/// The rule that serde found broken, at this path. Its own words could repeat a value.
fn explain_error(path: &str, error: &serde_json::Error) -> FieldError {
    let text = error.to_string();
    let quoted = text.split('`').nth(1).unwrap_or_default();

    if text.starts_with("missing field") {
        broken_rule(quoted, "is required")
    } else if text.starts_with("duplicate field") {
        broken_rule(quoted, "stands there twice")
    } else if text.starts_with("unknown field") {
        broken_rule(WHOLE_ROW, "has a field that is not known")
    } else if text.starts_with("unknown variant") {
        broken_rule("role", "must be patient, clinician or admin")
    } else if text.starts_with("invalid type") || !error.is_data() {
        broken_rule(path, "must be a text")
    } else {
        broken_rule("id", "must be 1 to 128 visible ASCII characters")
    }
}

/// Refuses an id that no path could name, or that is another resource's path.
fn check_id(id: &str) -> Result<(), FieldError> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:|@".contains(&byte);
    if id.bytes().all(is_allowed) && !RESERVED_IDS.contains(&id) {
        return Ok(());
    }

    let message = "must be made of letters, digits and - . _ : | @, and not be `me` or `import`";
    Err(broken_rule("id", message))
}

fn check_email(email: &str) -> Result<(), FieldError> {
    let is_address = match email.split_once('@') {
        Some((local, domain)) => !local.is_empty() && !domain.is_empty() && !domain.contains('@'),
        None => false,
    };
    let is_unseen = |c: char| c.is_whitespace() || c.is_control() || text::is_invisible(c);
    let has_blank = email.chars().any(is_unseen);

    if is_address && !has_blank && email.len() <= MAX_EMAIL_BYTES {
        return Ok(());
    }
    Err(broken_rule("email", "must be an e-mail address"))
}

fn check_name(name: &str) -> Result<(), FieldError> {
    let length = name.chars().count();
    let has_control = name.chars().any(char::is_control);
    if !text::is_blank(name) && length <= MAX_NAME_CHARS && !has_control {
        return Ok(());
    }

    let message = "must have 1 to 200 characters, none of them a control character";
    Err(broken_rule("name", message))
}

fn broken_rule(field: &str, message: &str) -> FieldError {
    FieldError {
        field: field.to_owned(),
        message: message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use serde_json::value::to_raw_value;

    use super::NewUser;

    fn broken_field(email: &str, name: &str) -> Option<String> {
        let row = json!({ "id": "p-1", "email": email, "name": name, "role": "patient" });
        let row = to_raw_value(&row).unwrap();
        NewUser::parse(&row).err().map(|error| error.field)
    }

    #[test]
    fn what_is_not_seen_is_no_name_and_no_address() {
        assert_eq!(broken_field("li@example.org", "李雷"), None);

        for blank in ["\u{200b}\u{200d}", "\u{3164}", "\u{2800}\u{2060}"] {
            let field = broken_field("li@example.org", blank);
            assert_eq!(field.as_deref(), Some("name"), "{blank:?}");
        }

        let field = broken_field("\u{200b}@example.org", "李雷");
        assert_eq!(field.as_deref(), Some("email"));
    }
}
