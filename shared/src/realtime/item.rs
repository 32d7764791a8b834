//! The items of the connections' table: their keys and attributes.
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | a connection | `connection#<id>` | `connection` |
//! | one of a user's places for connections | `user#<tenant>#<user>` | `place#<number>` |
//! | a subscription | `consultation#<tenant>#<id>` | the connection's id |
//!
//! Neither a tenant's id nor a UUID nor a connection's id contains `#`, and a user's id stands
//! last: so no two things have one key.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use time::OffsetDateTime;
use uuid::Uuid;

use super::connection::{Connection, ConnectionId, Subscription};
use crate::error::BoxError;
use crate::identity::{Caller, Role, TenantId, UserId};

/// An item, or a key.
pub(super) type Item = HashMap<String, AttributeValue>;

pub(super) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(super) fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn key(partition: String, sort: impl Into<String>) -> Item {
    [
        ("pk".to_owned(), text(partition)),
        ("sk".to_owned(), text(sort)),
    ]
    .into()
}

pub(super) fn connection_key(id: &ConnectionId) -> Item {
    key(format!("connection#{}", id.as_str()), "connection")
}

pub(super) fn place_key(caller: &Caller, place: usize) -> Item {
    let partition = user_partition(&caller.tenant, &caller.user);
    key(partition, format!("place#{place}"))
}

pub(super) fn user_partition(tenant: &TenantId, user: &UserId) -> String {
    format!("user#{}#{}", tenant.as_str(), user.as_str())
}

pub(super) fn subscription_key(
    tenant: &TenantId,
    consultation: Uuid,
    connection: &ConnectionId,
) -> Item {
    key(
        consultation_partition(tenant, consultation),
        connection.as_str(),
    )
}

pub(super) fn consultation_partition(tenant: &TenantId, consultation: Uuid) -> String {
    format!("consultation#{}#{consultation}", tenant.as_str())
}

/// A connection with its user's place.
pub(super) fn connection_item(connection: &Connection, place: usize) -> Item {
    let Caller { tenant, user, role } = &connection.caller;
    let mut item = connection_key(&connection.id);
    item.extend([
        ("tenant".to_owned(), text(tenant.as_str())),
        ("user".to_owned(), text(user.as_str())),
        ("role".to_owned(), text(role.as_group())),
        ("place".to_owned(), text(place.to_string())),
        (
            "signed_in_at".to_owned(),
            number(connection.signed_in_at.unix_timestamp()),
        ),
        expiry(connection.expires_at),
    ]);
    item
}

pub(super) fn expiry(at: OffsetDateTime) -> (String, AttributeValue) {
    ("expires_at".to_owned(), number(at.unix_timestamp()))
}

pub(super) fn read_connection(id: &ConnectionId, item: &Item) -> Result<Connection, BoxError> {
    let role = Role::from_group(text_of(item, "role")?);
    Ok(Connection {
        id: id.clone(),
        caller: Caller {
            tenant: TenantId::try_from(text_of(item, "tenant")?.to_owned())?,
            user: UserId::try_from(text_of(item, "user")?.to_owned())?,
            role: role.ok_or("a connection of no role")?,
        },
        // Connections of earlier versions do not tell it.
        signed_in_at: time_of(item, "signed_in_at").unwrap_or(OffsetDateTime::UNIX_EPOCH),
        expires_at: time_of(item, "expires_at")?,
    })
}

/// The consultations that a connection follows.
pub(super) fn read_followed(item: &Item) -> Vec<Uuid> {
    let followed = item.get("follows").and_then(|value| value.as_ss().ok());
    let followed = followed.into_iter().flatten();
    followed.filter_map(|id| id.parse().ok()).collect()
}

pub(super) fn read_place(item: &Item) -> Result<usize, BoxError> {
    Ok(text_of(item, "place")?.parse()?)
}

pub(super) fn read_subscription(
    tenant: &TenantId,
    consultation: Uuid,
    item: &Item,
) -> Result<Subscription, BoxError> {
    Ok(Subscription {
        tenant: tenant.clone(),
        consultation,
        connection: ConnectionId::try_from(text_of(item, "sk")?.to_owned())?,
        position: number_of(item, "position")?,
        expires_at: time_of(item, "expires_at")?,
    })
}

pub(super) fn text_of<'a>(item: &'a Item, name: &'static str) -> Result<&'a str, BoxError> {
    let value = item.get(name).and_then(|value| value.as_s().ok());
    value
        .map(String::as_str)
        .ok_or_else(|| format!("an item without {name}").into())
}

fn number_of(item: &Item, name: &'static str) -> Result<i64, BoxError> {
    let value = item.get(name).and_then(|value| value.as_n().ok());
    let value = value.ok_or_else(|| format!("an item without {name}"))?;
    Ok(value.parse()?)
}

pub(super) fn time_of(item: &Item, name: &'static str) -> Result<OffsetDateTime, BoxError> {
    let seconds = number_of(item, name)?;
    Ok(OffsetDateTime::from_unix_timestamp(seconds)?)
}
