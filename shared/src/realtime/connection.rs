//! A client's connection, and what it follows.

use std::time::Duration;

use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::Error;
use crate::identity::{Caller, TenantId};

/// API Gateway ends a connection after this time. Source: "Quotas for configuring and running a
/// WebSocket API", Amazon API Gateway developer guide.
pub const MAX_CONNECTION_TIME: Duration = Duration::from_hours(2);

/// No id of API Gateway's is longer.
const MAX_ID_LENGTH: usize = 128;

/// A connection's id, as the gateway gives it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ConnectionId(String);

impl ConnectionId {
    /// The id as text, for a key or a log line.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ConnectionId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        let is_allowed = |byte: u8| byte.is_ascii_graphic() && byte != b'#';
        let is_valid = (1..=MAX_ID_LENGTH).contains(&text.len()) && text.bytes().all(is_allowed);

        let unreadable = || Error::internal("the event has no connection id that can be read");
        is_valid.then_some(Self(text)).ok_or_else(unreadable)
    }
}

/// An open connection, as it is kept.
pub struct Connection {
    /// Names it to the gateway.
    pub id: ConnectionId,
    /// Whose it is, by the token with which it was opened.
    pub caller: Caller,
    /// When its user had signed in.
    pub signed_in_at: OffsetDateTime,
    /// When its token expires, and the connection with it.
    pub expires_at: OffsetDateTime,
}

impl Connection {
    /// Whether its token has expired.
    pub fn is_expired(&self) -> bool {
        self.expires_at <= OffsetDateTime::now_utc()
    }
}

/// A connection that follows a consultation.
#[derive(Clone)]
pub struct Subscription {
    /// The consultation's tenant, which is the connection's.
    pub tenant: TenantId,
    /// What is followed.
    pub consultation: Uuid,
    /// Who follows.
    pub connection: ConnectionId,
    /// The last event that was posted, or that the client has named.
    pub position: i64,
    /// When the connection's token expires.
    pub expires_at: OffsetDateTime,
}

impl Subscription {
    /// Whether the connection's token has expired.
    pub(super) fn is_expired(&self) -> bool {
        self.expires_at <= OffsetDateTime::now_utc()
    }
}
