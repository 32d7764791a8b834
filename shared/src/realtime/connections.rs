//! Connections and subscriptions in DynamoDB. What has expired there is deleted late, so every
//! reader looks at the time as well.

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, WriteRequest};
use time::OffsetDateTime;
use uuid::Uuid;

use super::connection::{Connection, ConnectionId, Subscription};
use super::item::{self, Item};
use crate::error::{BoxError, Error, ErrorKind};
use crate::identity::{Caller, TenantId, UserId};

/// Connections that one user may have at a time. One that vanished without a word counts until its
/// token expires.
pub const MAX_CONNECTIONS: usize = 10;

/// Consultations that one connection may follow.
pub const MAX_SUBSCRIPTIONS: usize = 20;

/// When a caller may try again while DynamoDB is gone.
const RETRY_DELAY: std::time::Duration = std::time::Duration::from_secs(2);

/// The table of all connections.
pub struct Connections {
    client: Client,
    table: String,
}

impl Connections {
    /// The table called `table`.
    pub fn new(config: &SdkConfig, table: String) -> Self {
        Self {
            client: Client::new(config),
            table,
        }
    }

    /// Keeps a connection that was just opened. 429 if its user has [`MAX_CONNECTIONS`] others.
    pub async fn open(&self, connection: &Connection) -> Result<(), Error> {
        let place = self.take_place(connection).await.map_err(unavailable)?;
        let place = place.ok_or_else(too_many_connections)?;

        let put = self.client.put_item().table_name(&self.table);
        let item = item::connection_item(connection, place);
        let written = put.set_item(Some(item)).send().await;
        if written.is_err() {
            // The gateway tells of no end of a connection that was never opened.
            let freed = self.free_place(connection, place).await;
            freed.map_err(unavailable)?;
        }
        written.map(drop).map_err(unavailable)
    }

    /// Takes one of the user's places that is free, or whose connection's token has expired. Two
    /// connections at one time cannot take the same.
    async fn take_place(&self, connection: &Connection) -> Result<Option<usize>, BoxError> {
        let taken = self.taken_places(&connection.caller).await?;
        let free = (0..MAX_CONNECTIONS).filter(|place| !taken.contains(place));

        for place in free {
            let mut item = item::place_key(&connection.caller, place);
            item.insert("id".to_owned(), item::text(connection.id.as_str()));
            item.extend([item::expiry(connection.expires_at)]);
            let put = self
                .client
                .put_item()
                .table_name(&self.table)
                .set_item(Some(item))
                // Its own place is no other's: the SDK may have tried before.
                .condition_expression("attribute_not_exists(pk) OR expires_at <= :now OR id = :id")
                .expression_attribute_values(":now", now())
                .expression_attribute_values(":id", item::text(connection.id.as_str()));

            match put.send().await {
                Ok(_) => return Ok(Some(place)),
                Err(error) if is_taken(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    async fn taken_places(&self, caller: &Caller) -> Result<Vec<usize>, BoxError> {
        let place_of = |item: &Item| {
            let sort = item::text_of(item, "sk").ok()?;
            sort.strip_prefix("place#")?.parse().ok()
        };
        let places = self.place_items(&caller.tenant, &caller.user).await?;
        Ok(places.iter().filter_map(place_of).collect())
    }

    /// The places of a user that are taken, at most [`MAX_CONNECTIONS`].
    async fn place_items(&self, tenant: &TenantId, user: &UserId) -> Result<Vec<Item>, BoxError> {
        let places = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :user")
            .filter_expression("expires_at > :now")
            .expression_attribute_values(":user", item::text(item::user_partition(tenant, user)))
            .expression_attribute_values(":now", now())
            .consistent_read(true)
            .send()
            .await?;
        Ok(places.items.unwrap_or_default())
    }

    /// The open connections of a user.
    pub(super) async fn of_user(
        &self,
        tenant: &TenantId,
        user: &UserId,
    ) -> Result<Vec<Connection>, BoxError> {
        let mut connections = Vec::new();
        for place in self.place_items(tenant, user).await? {
            let id = item::text_of(&place, "id")?.to_owned();
            connections.extend(self.find(&ConnectionId::try_from(id)?).await?);
        }
        Ok(connections)
    }

    /// The connection, if it was opened and not closed since.
    pub async fn find(&self, id: &ConnectionId) -> Result<Option<Connection>, Error> {
        let found = self.find_item(id).await.map_err(unavailable)?;
        let read = |item: Item| item::read_connection(id, &item).map_err(Error::internal);
        found.map(read).transpose()
    }

    async fn find_item(&self, id: &ConnectionId) -> Result<Option<Item>, BoxError> {
        let get = self.client.get_item().table_name(&self.table);
        let get = get.set_key(Some(item::connection_key(id)));
        let found = get.consistent_read(true).send().await?;
        Ok(found.item)
    }

    /// Lets a connection follow a consultation from `position` on. 429 if it follows
    /// [`MAX_SUBSCRIPTIONS`] others.
    pub async fn subscribe(
        &self,
        connection: &Connection,
        consultation: Uuid,
        position: i64,
    ) -> Result<Subscription, Error> {
        let followed = consultation.to_string();
        let noted = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(item::connection_key(&connection.id)))
            .update_expression("ADD follows :one")
            .condition_expression(
                "attribute_exists(pk) AND (attribute_not_exists(follows) \
                 OR size(follows) < :most OR contains(follows, :id))",
            )
            .expression_attribute_values(":one", AttributeValue::Ss(vec![followed.clone()]))
            .expression_attribute_values(":id", item::text(followed))
            .expression_attribute_values(":most", max_subscriptions())
            .send()
            .await;
        noted.map_err(|error| match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(_)) => too_many_subscriptions(),
            _ => unavailable(error),
        })?;

        let tenant = &connection.caller.tenant;
        let mut item = item::subscription_key(tenant, consultation, &connection.id);
        item.insert("position".to_owned(), item::number(position));
        item.extend([item::expiry(connection.expires_at)]);
        let put = self.client.put_item().table_name(&self.table);
        put.set_item(Some(item)).send().await.map_err(unavailable)?;

        Ok(Subscription {
            tenant: tenant.clone(),
            consultation,
            connection: connection.id.clone(),
            position,
            expires_at: connection.expires_at,
        })
    }

    /// Lets a connection no longer follow a consultation. It may not have followed it.
    pub async fn unsubscribe(
        &self,
        connection: &Connection,
        consultation: Uuid,
    ) -> Result<(), Error> {
        let tenant = &connection.caller.tenant;
        self.remove_subscription(tenant, &connection.id, consultation)
            .await?;
        self.forget_followed(&connection.id, consultation).await
    }

    /// Ends a subscription of any connection. The subscription goes last: what a crash leaves, its
    /// next reader ends.
    pub(super) async fn end_subscription(&self, ended: &Subscription) -> Result<(), Error> {
        self.forget_followed(&ended.connection, ended.consultation)
            .await?;
        self.remove_subscription(&ended.tenant, &ended.connection, ended.consultation)
            .await
    }

    async fn remove_subscription(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
        consultation: Uuid,
    ) -> Result<(), Error> {
        let delete = self.client.delete_item().table_name(&self.table);
        let key = item::subscription_key(tenant, consultation, connection);
        let deleted = delete.set_key(Some(key)).send().await;
        deleted.map(drop).map_err(unavailable)
    }

    /// Notes that a connection follows a consultation no more.
    async fn forget_followed(
        &self,
        connection: &ConnectionId,
        consultation: Uuid,
    ) -> Result<(), Error> {
        let followed = AttributeValue::Ss(vec![consultation.to_string()]);
        let noted = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(item::connection_key(connection)))
            .update_expression("DELETE follows :one")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":one", followed)
            .send()
            .await;
        match noted {
            Err(error) if !is_missing(&error) => Err(unavailable(error)),
            _ => Ok(()),
        }
    }

    /// All who follow a consultation.
    pub(super) async fn subscribers(
        &self,
        tenant: &TenantId,
        consultation: Uuid,
    ) -> Result<Vec<Subscription>, BoxError> {
        let partition = item::consultation_partition(tenant, consultation);
        let mut subscriptions = Vec::new();
        let mut from = None;
        loop {
            let page = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :consultation")
                .expression_attribute_values(":consultation", item::text(partition.clone()))
                .set_exclusive_start_key(from)
                .consistent_read(true)
                .send()
                .await?;
            for item in page.items() {
                subscriptions.push(item::read_subscription(tenant, consultation, item)?);
            }

            from = page.last_evaluated_key;
            if from.is_none() {
                return Ok(subscriptions);
            }
        }
    }

    /// Notes that all events up to `position` were posted, as long as the subscription still stands
    /// at `before`: not if another push was faster, or if it was ended or begun anew meanwhile.
    pub(super) async fn note_position(
        &self,
        subscription: &Subscription,
        before: i64,
        position: i64,
    ) -> Result<(), BoxError> {
        let noted = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key_of(subscription)))
            .update_expression("SET #position = :position")
            .condition_expression("attribute_exists(pk) AND #position = :before")
            .expression_attribute_names("#position", "position")
            .expression_attribute_values(":before", item::number(before))
            .expression_attribute_values(":position", item::number(position))
            .send()
            .await;
        match noted {
            Err(error) if !is_missing(&error) => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Forgets a connection that is gone, with all that it follows. It may be forgotten already.
    /// Its own item goes last: until then all of it can be done again.
    pub async fn forget(&self, id: &ConnectionId) -> Result<(), BoxError> {
        let Some(item) = self.find_item(id).await? else {
            return Ok(());
        };

        let connection = item::read_connection(id, &item)?;
        self.free_place(&connection, item::read_place(&item)?)
            .await?;
        let tenant = &connection.caller.tenant;
        let keys = item::read_followed(&item).into_iter();
        let keys = keys.map(|consultation| item::subscription_key(tenant, consultation, id));
        let keys = keys.chain([item::connection_key(id)]);
        self.delete_items(keys.collect()).await
    }

    /// Forgets one subscription of a connection that is gone.
    pub(super) async fn forget_subscription(
        &self,
        subscription: &Subscription,
    ) -> Result<(), BoxError> {
        self.delete_items(vec![key_of(subscription)]).await
    }

    /// Frees the user's place, unless another connection has taken it since.
    async fn free_place(&self, connection: &Connection, place: usize) -> Result<(), BoxError> {
        let freed = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(item::place_key(&connection.caller, place)))
            .condition_expression("id = :id")
            .expression_attribute_values(":id", item::text(connection.id.as_str()))
            .send()
            .await;

        match freed {
            Err(error) if !is_others(&error) => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Deletes up to 25 items (DynamoDB's limit), of which some may not exist.
    async fn delete_items(&self, keys: Vec<Item>) -> Result<(), BoxError> {
        if keys.is_empty() {
            return Ok(());
        }

        let delete = |key| {
            let delete = DeleteRequest::builder().set_key(Some(key)).build()?;
            Ok::<_, BoxError>(WriteRequest::builder().delete_request(delete).build())
        };
        let writes = keys
            .into_iter()
            .map(delete)
            .collect::<Result<Vec<_>, _>>()?;
        let batch = self.client.batch_write_item();
        let written = batch.request_items(&self.table, writes).send().await?;

        match written.unprocessed_items() {
            Some(left) if !left.is_empty() => Err("DynamoDB left subscriptions".into()),
            _ => Ok(()),
        }
    }
}

fn key_of(subscription: &Subscription) -> Item {
    let Subscription {
        tenant,
        consultation,
        connection,
        ..
    } = subscription;
    item::subscription_key(tenant, *consultation, connection)
}

fn now() -> AttributeValue {
    item::number(OffsetDateTime::now_utc().unix_timestamp())
}

fn max_subscriptions() -> AttributeValue {
    AttributeValue::N(MAX_SUBSCRIPTIONS.to_string())
}

fn is_taken<R>(error: &SdkError<PutItemError, R>) -> bool {
    let error = error.as_service_error();
    error.is_some_and(PutItemError::is_conditional_check_failed_exception)
}

fn is_others<R>(error: &SdkError<DeleteItemError, R>) -> bool {
    let error = error.as_service_error();
    error.is_some_and(DeleteItemError::is_conditional_check_failed_exception)
}

fn is_missing<R>(error: &SdkError<UpdateItemError, R>) -> bool {
    let error = error.as_service_error();
    error.is_some_and(UpdateItemError::is_conditional_check_failed_exception)
}

fn too_many_connections() -> Error {
    let detail =
        format!("You have {MAX_CONNECTIONS} connections, the most there may be. Close one first.");
    Error::new(ErrorKind::TooManyRequests, detail)
}

fn too_many_subscriptions() -> Error {
    let detail = format!(
        "This connection follows {MAX_SUBSCRIPTIONS} consultations, the most there may be. \
         Unsubscribe from one first."
    );
    Error::new(ErrorKind::TooManyRequests, detail)
}

/// A 503: the table cannot be reached.
fn unavailable(cause: impl Into<BoxError>) -> Error {
    Error::unavailable("The table of connections", RETRY_DELAY, cause)
}
