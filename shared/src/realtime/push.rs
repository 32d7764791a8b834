//! Pushes: what has happened to a consultation goes to all who follow it.

use std::time::Duration;

use futures::{StreamExt, stream};
use sqlx::PgConnection;
use uuid::Uuid;

use super::connection::{Connection, ConnectionId, Subscription};
use super::connections::Connections;
use super::event::Event;
use super::events;
use super::frame::ServerFrame;
use super::gateway::{Gateway, PostError};
use crate::access::PersonChange;
use crate::deadline::Deadline;
use crate::error::{BoxError, Error, error_chain};
use crate::identity::TenantId;
use crate::postgres::Database;
use crate::telemetry::metrics;

/// Subscribers that are posted to at the same time.
const MAX_CONCURRENT_POSTS: usize = 50;

/// The longest that reading events may take: what runs beside needs the connection, too.
const READ_TIMEOUT: Duration = Duration::from_secs(3);

/// The longest push: the caller of a route, or the last record of a batch, waits for it.
const PUSH_TIMEOUT: Duration = Duration::from_secs(3);

/// Posts events to those who follow their consultations.
pub struct Pusher {
    connections: Connections,
    /// None where there is no WebSocket API.
    gateway: Option<Gateway>,
}

impl Pusher {
    /// A pusher to the connections of `gateway`; without one, nothing is pushed.
    pub const fn new(connections: Connections, gateway: Option<Gateway>) -> Self {
        Self {
            connections,
            gateway,
        }
    }

    /// Tells those who follow a consultation that it is erased, and lets nobody follow it any more.
    pub async fn end_subscriptions(
        &self,
        tenant: &TenantId,
        consultation: Uuid,
    ) -> Result<(), Error> {
        let subscribers = self.connections.subscribers(tenant, consultation).await;
        let subscribers = subscribers.map_err(|error| {
            Error::unavailable("The table of connections", Duration::from_secs(2), error)
        })?;
        let frame = ServerFrame::Erased {
            consultation_id: consultation,
        };
        let ends = stream::iter(&subscribers).map(|subscription| async {
            if !subscription.is_expired() {
                self.post(&subscription.connection, &frame).await;
            }
            self.connections.end_subscription(subscription).await
        });
        let ended: Vec<_> = ends.buffer_unordered(MAX_CONCURRENT_POSTS).collect().await;
        ended.into_iter().collect()
    }

    /// Posts to all who follow the consultation what they have not got yet, for as long as
    /// `deadline` lets it. It never fails: what was not posted goes out with the next push, or when
    /// its client asks for it. Called after the commit.
    pub async fn push(
        &self,
        database: &Database,
        tenant: &TenantId,
        consultation: Uuid,
        deadline: Deadline,
    ) {
        let deadline = deadline.at_most(PUSH_TIMEOUT);
        let pushed = deadline.run(self.push_to_subscribers(database, tenant, consultation));
        if let Err(error) = pushed.await.map_err(BoxError::from).flatten() {
            let causes = error_chain(&*error);
            tracing::warn!(%consultation, error = %error, causes, "events were not pushed");
            metrics::count("PushFailed", &[("reason", "not_read")]);
        }
    }

    async fn push_to_subscribers(
        &self,
        database: &Database,
        tenant: &TenantId,
        consultation: Uuid,
    ) -> Result<(), BoxError> {
        let Some(gateway) = &self.gateway else {
            return Ok(());
        };
        let subscribers = self.connections.subscribers(tenant, consultation).await?;
        let Some(first) = subscribers.iter().map(|one| one.position).min() else {
            return Ok(());
        };

        // One read for all; who is further gets what is behind their own position.
        let page = read_page(database, tenant, consultation, first).await?;
        let page = &page;
        let posts = stream::iter(&subscribers).for_each_concurrent(MAX_CONCURRENT_POSTS, |one| {
            self.post_or_clean_up(gateway, database, one, page)
        });
        posts.await;
        Ok(())
    }

    /// Posts to one subscriber. Whatever happens is this one's alone.
    async fn post_or_clean_up(
        &self,
        gateway: &Gateway,
        database: &Database,
        subscription: &Subscription,
        page: &[Event],
    ) {
        if subscription.is_expired() {
            self.end_expired(&subscription.connection).await;
            self.forget_gone(subscription).await;
            return;
        }

        let delivery = Delivery {
            pusher: self,
            gateway,
            database,
            subscription,
        };
        match delivery.post_from(page).await {
            Ok(_) => {}
            Err(DeliveryError::Post(PostError::Gone)) => {
                metrics::count("ConnectionGone", &[]);
                self.forget_gone(subscription).await;
            }
            Err(error) => log_failure(&error),
        }
    }

    /// Posts to a connection all that is behind its subscription's position. Returns the position
    /// that it has reached.
    pub async fn deliver(
        &self,
        database: &Database,
        subscription: &Subscription,
    ) -> Result<i64, Error> {
        let Some(gateway) = &self.gateway else {
            return Ok(subscription.position);
        };
        let Subscription {
            tenant,
            consultation,
            position,
            ..
        } = subscription;
        let page = read_page(database, tenant, *consultation, *position).await?;

        let delivery = Delivery {
            pusher: self,
            gateway,
            database,
            subscription,
        };
        match delivery.post_from(&page).await {
            Ok(position) => Ok(position),
            Err(DeliveryError::Post(PostError::Gone)) => {
                self.forget_gone(subscription).await;
                Ok(*position)
            }
            Err(DeliveryError::Read(error)) => Err(error),
            Err(error) => {
                log_failure(&error);
                Err(Error::unavailable(
                    "The connection",
                    Duration::from_secs(2),
                    error,
                ))
            }
        }
    }

    /// Posts one frame to a connection. One that is gone is forgotten.
    pub async fn post(&self, connection: &ConnectionId, frame: &ServerFrame<'_>) {
        let Some(gateway) = &self.gateway else {
            return;
        };

        match gateway.post(connection, &frame.to_json()).await {
            Ok(()) => {}
            Err(PostError::Gone) => self.forget(connection).await,
            Err(error) => log_failure(&DeliveryError::Post(error)),
        }
    }

    /// Ends what a person has open, if they were signed out since they signed in, or have another
    /// role by now. Returns how many connections it ended.
    pub async fn end_outdated(&self, person: &PersonChange) -> Result<usize, Error> {
        let open = self.connections.of_user(&person.tenant, &person.user).await;
        let open = open.map_err(|error| {
            Error::unavailable("The table of connections", Duration::from_secs(2), error)
        })?;

        let is_outdated = |one: &&Connection| person.change.ends(&one.caller, one.signed_in_at);
        let outdated: Vec<_> = open.iter().filter(is_outdated).collect();
        for connection in &outdated {
            self.end_expired(&connection.id).await;
        }
        Ok(outdated.len())
    }

    /// Ends a connection whose token has expired, or counts no more.
    pub async fn end_expired(&self, connection: &ConnectionId) {
        if let Some(gateway) = &self.gateway
            && let Err(error) = gateway.close(connection).await
        {
            let causes = error_chain(&*error);
            tracing::warn!(error = %error, causes, "a connection was not closed");
        }
        metrics::count("ConnectionExpired", &[]);
        self.forget(connection).await;
    }

    async fn forget_gone(&self, subscription: &Subscription) {
        self.forget(&subscription.connection).await;
        // The connection's own item may be gone by its time.
        let forgotten = self.connections.forget_subscription(subscription).await;
        log_unless_forgotten(forgotten);
    }

    async fn forget(&self, connection: &ConnectionId) {
        log_unless_forgotten(self.connections.forget(connection).await);
    }
}

/// Posts to one subscriber.
struct Delivery<'a> {
    pusher: &'a Pusher,
    gateway: &'a Gateway,
    database: &'a Database,
    subscription: &'a Subscription,
}

/// Why not all was posted.
#[derive(Debug, thiserror::Error)]
enum DeliveryError {
    #[error(transparent)]
    Read(Error),
    #[error(transparent)]
    Post(PostError),
    #[error("the position cannot be noted")]
    Note(#[source] BoxError),
}

impl Delivery<'_> {
    /// Posts what of `page` is behind the subscription's position, and all pages behind it, each in
    /// one frame. A frame is posted only if all before it were: so the client's events have no
    /// gaps. Two deliveries at one time repeat events, and skip none.
    async fn post_from(&self, page: &[Event]) -> Result<i64, DeliveryError> {
        let Subscription {
            tenant,
            consultation,
            connection,
            position,
            ..
        } = self.subscription;
        let mut position = *position;
        let mut is_last = page.len() < events::PAGE_SIZE;
        let mut next: Vec<Event> = page
            .iter()
            .filter(|event| event.id > position)
            .cloned()
            .collect();

        loop {
            if let Some(last) = next.last() {
                let frame = ServerFrame::Events {
                    consultation_id: *consultation,
                    events: &next,
                };
                let posted = self.gateway.post(connection, &frame.to_json()).await;
                posted.map_err(DeliveryError::Post)?;

                let connections = &self.pusher.connections;
                let noted = connections.note_position(self.subscription, position, last.id);
                noted.await.map_err(DeliveryError::Note)?;
                position = last.id;
            }
            if is_last {
                return Ok(position);
            }

            let page = read_page(self.database, tenant, *consultation, position).await;
            next = page.map_err(DeliveryError::Read)?;
            is_last = next.len() < events::PAGE_SIZE;
        }
    }
}

async fn read_page(
    database: &Database,
    tenant: &TenantId,
    consultation: Uuid,
    position: i64,
) -> Result<Vec<Event>, Error> {
    let read = async |connection: &mut PgConnection| {
        events::after(connection, tenant, consultation, position).await
    };
    database.within(READ_TIMEOUT, read).await
}

fn log_failure(error: &DeliveryError) {
    let reason = match error {
        DeliveryError::Read(_) => "not_read",
        DeliveryError::Post(_) => "not_posted",
        DeliveryError::Note(_) => "not_noted",
    };
    metrics::count("PushFailed", &[("reason", reason)]);
    let causes = error_chain(error);
    tracing::warn!(error = %error, causes, "a push failed; the next one makes it good");
}

fn log_unless_forgotten(forgotten: Result<(), BoxError>) {
    if let Err(error) = forgotten {
        let causes = error_chain(&*error);
        tracing::warn!(error = %error, causes, "a closed connection stays until its time");
    }
}
