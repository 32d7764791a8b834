//! Frames that clients send.

use garde::Validate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The most bytes of a frame: an action, an id and a number need a few hundred.
pub const MAX_FRAME_BYTES: usize = 4_096;

/// The longest name that a client may give its frame, in bytes.
const MAX_NAME_LENGTH: usize = 64;

/// What a client calls its frame, so that it knows the answer to it. 1 to 64 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestName(String);

/// What a frame asks for. Its other members are read by the type of the action.
#[derive(Deserialize)]
pub struct Action {
    /// `subscribe`, `unsubscribe` or `ping`.
    pub action: String,
    /// What the client calls the frame.
    #[serde(default)]
    pub request: Option<RequestName>,
}

impl Action {
    /// What of a frame can be read, whatever is wrong with the rest of it.
    pub fn of_frame(frame: &str) -> Option<Self> {
        let action: Option<Self> = serde_json::from_str(frame).ok();
        action.map(|mut action| {
            action.request = action.request.filter(|name| check_name(name).is_ok());
            action
        })
    }
}

/// `subscribe`.
#[derive(Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct Subscribe {
    /// `subscribe`.
    #[serde(rename = "action")]
    #[garde(skip)]
    _action: String,
    /// What is followed.
    #[garde(skip)]
    pub consultation_id: Uuid,
    /// The last event that the client has: those behind it are sent. 0 for all; without it, only
    /// what happens from now on.
    #[garde(inner(range(min = 0)))]
    pub after: Option<i64>,
    /// What the client calls the frame.
    #[garde(inner(custom(|name: &RequestName, (): &()| check_name(name))))]
    pub request: Option<RequestName>,
}

/// `unsubscribe`.
#[derive(Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct Unsubscribe {
    /// `unsubscribe`.
    #[serde(rename = "action")]
    #[garde(skip)]
    _action: String,
    /// What is followed no more.
    #[garde(skip)]
    pub consultation_id: Uuid,
    /// What the client calls the frame.
    #[garde(inner(custom(|name: &RequestName, (): &()| check_name(name))))]
    pub request: Option<RequestName>,
}

/// `ping`.
#[derive(Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct Ping {
    /// `ping`.
    #[serde(rename = "action")]
    #[garde(skip)]
    _action: String,
    /// What the client calls the frame.
    #[garde(inner(custom(|name: &RequestName, (): &()| check_name(name))))]
    pub request: Option<RequestName>,
}

fn check_name(name: &RequestName) -> garde::Result {
    if (1..=MAX_NAME_LENGTH).contains(&name.0.len()) {
        Ok(())
    } else {
        Err(garde::Error::new("must have 1 to 64 bytes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_read_of_a_wrong_frame_is_read() {
        let frame = r#"{"action": "dance", "request": "7", "extra": 1}"#;
        let action = Action::of_frame(frame).unwrap();
        assert_eq!(action.action, "dance");
        assert_eq!(action.request, Some(RequestName("7".to_owned())));

        let long = format!(r#"{{"action": "ping", "request": "{}"}}"#, "x".repeat(65));
        assert_eq!(Action::of_frame(&long).unwrap().request, None);
        for unreadable in ["", "[]", "{}", "no JSON", r#"{"action": 1}"#] {
            assert!(Action::of_frame(unreadable).is_none(), "{unreadable}");
        }
    }

    #[test]
    fn a_position_is_not_negative() {
        let subscribe = |after: i64| {
            let id = Uuid::nil();
            let frame = format!(
                r#"{{"action": "subscribe", "consultation_id": "{id}", "after": {after}}}"#
            );
            let read: Subscribe = serde_json::from_str(&frame).unwrap();
            read.validate().is_ok()
        };
        assert!(subscribe(0) && subscribe(7));
        assert!(!subscribe(-1));
    }
}
