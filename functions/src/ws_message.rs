//! `$default`: takes the frames of clients of the WebSocket API: `subscribe`, `unsubscribe` and
//! `ping`.

use std::time::Duration;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use wenzhen::audit::{self, AuditAction, AuditedRecord};
use wenzhen::config::ConfigError;
use wenzhen::error::{Error, ErrorKind};
use wenzhen::http::auth::VerifiedToken;
use wenzhen::http::parse_json;
use wenzhen::lambda::{SocketAnswer, SocketCall, SocketEndpoint, SocketGuard};
use wenzhen::limits::{GLOBAL, Limit, MESSAGES, TENANT};
use wenzhen::postgres::Database;
use wenzhen::realtime::{
    Action, Connection, Connections, MAX_FRAME_BYTES, Ping, Pusher, ServerFrame, Subscribe,
    Unsubscribe, events,
};
use wenzhen::setup::Setup;

/// Kept from a frame's time for its refusal.
const REFUSAL_RESERVE: Duration = Duration::from_secs(3);

/// The route.
pub struct WsMessage {
    /// Holds the consultations and their events.
    pub database: Database,
    /// Holds the connections and what they follow.
    pub connections: Connections,
    /// Answers the frames.
    pub pusher: Pusher,
    /// Counts the frames.
    pub guard: SocketGuard,
}

impl SocketEndpoint for WsMessage {
    const ROUTE: &'static str = "$default";

    const LIMITS: &'static [Limit] = &[MESSAGES, TENANT, GLOBAL];

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
            connections: setup.connections().await?,
            pusher: setup.pusher().await?,
            guard: SocketGuard::from_setup(setup).await?,
        })
    }

    /// Every frame is answered with a frame. A connection whose token has expired is closed.
    async fn handle(&self, call: SocketCall) -> Result<SocketAnswer, Error> {
        let action = Action::of_frame(&call.frame);
        // The refusal of what takes too long needs a moment of its own.
        let deadline = call.deadline.less(REFUSAL_RESERVE);
        let answering = deadline.run(self.answer(&call, action.as_ref())).await;
        let answered = answering.unwrap_or_else(|elapsed| {
            let late = Error::new(ErrorKind::TimedOut, "It took too long. Please try again.");
            Err(late.with_source(elapsed))
        });
        let Err(error) = answered else {
            return Ok(SocketAnswer::taken(200));
        };

        let request = action.as_ref().and_then(|action| action.request.as_ref());
        let frame = ServerFrame::error(&error, &call.request_id, request);
        self.pusher.post(&call.connection, &frame).await;
        if error.kind() == ErrorKind::Unauthenticated {
            self.pusher.end_expired(&call.connection).await;
        }
        if error.kind().status() >= 500 {
            return Err(error);
        }
        Ok(SocketAnswer::taken(error.kind().status()))
    }
}

impl WsMessage {
    async fn answer(&self, call: &SocketCall, action: Option<&Action>) -> Result<(), Error> {
        let found = self.connections.find(&call.connection).await?;
        let expired = || {
            let detail = "The connection's token has expired. Connect again with a new one.";
            Error::new(ErrorKind::Unauthenticated, detail)
        };
        let connection = found.filter(|found| !found.is_expired());
        let connection = connection.ok_or_else(expired)?;
        tracing::Span::current().record("tenant", connection.caller.tenant.pseudonym());

        let token = VerifiedToken {
            caller: connection.caller,
            signed_in_at: connection.signed_in_at,
            expires_at: connection.expires_at,
        };
        let token = self.guard.admit(call.address, Ok(token), call.deadline);
        let connection = Connection {
            caller: token.await?.caller,
            ..connection
        };

        // The size is checked before the form, so that a large frame is called large.
        match action.map(|action| action.action.as_str()) {
            Some("subscribe") => self.subscribe(&connection, read_frame(call)?).await,
            Some("unsubscribe") => self.unsubscribe(&connection, read_frame(call)?).await,
            Some("ping") => {
                let ping: Ping = read_frame(call)?;
                let request = ping.request.as_ref();
                self.send(&connection, &ServerFrame::Pong { request }).await;
                Ok(())
            }
            _ => Err(unknown_action(call)),
        }
    }

    /// Subscribes first and reads what was missed second, so that nothing falls between. What
    /// happens in this moment may come twice.
    async fn subscribe(&self, connection: &Connection, frame: Subscribe) -> Result<(), Error> {
        let (id, scope) = (frame.consultation_id, connection.caller.scope());
        let last = self
            .database
            .run(async |session| {
                let last = events::last_event(session, scope, id).await?;
                let record = AuditedRecord::consultation(&last.user_id, id);
                let (caller, action) = (&connection.caller, AuditAction::FollowConsultation);
                audit::record_reads(session, caller, action, &[record]).await?;
                Ok(last.id)
            })
            .await?;
        let after = frame.after.map_or(last, |after| after.min(last));

        let subscription = self.connections.subscribe(connection, id, after).await?;
        let answer = ServerFrame::Subscribed {
            consultation_id: id,
            after,
            request: frame.request.as_ref(),
        };
        self.send(connection, &answer).await;
        self.pusher.deliver(&self.database, &subscription).await?;
        tracing::info!(consultation = %id, "subscribed");
        Ok(())
    }

    async fn unsubscribe(&self, connection: &Connection, frame: Unsubscribe) -> Result<(), Error> {
        let id = frame.consultation_id;
        self.connections.unsubscribe(connection, id).await?;

        let answer = ServerFrame::Unsubscribed {
            consultation_id: id,
            request: frame.request.as_ref(),
        };
        self.send(connection, &answer).await;
        Ok(())
    }

    async fn send(&self, connection: &Connection, frame: &ServerFrame<'_>) {
        self.pusher.post(&connection.id, frame).await;
    }
}

fn read_frame<T>(call: &SocketCall) -> Result<T, Error>
where
    T: DeserializeOwned + garde::Validate<Context = ()>,
{
    parse_json(call.frame.as_bytes(), MAX_FRAME_BYTES)
}

/// What is wrong with a frame of no known action: it may be too large, no JSON at all, or the name
/// of a frame whose other members cannot be read.
fn unknown_action(call: &SocketCall) -> Error {
    #[derive(Deserialize)]
    struct Named {
        action: Option<String>,
    }

    let named: Option<Named> = serde_json::from_str(&call.frame).ok();
    let action = named.and_then(|named| named.action);
    let wrong = match action.as_deref() {
        Some("subscribe") => read_frame::<Subscribe>(call).err(),
        Some("unsubscribe") => read_frame::<Unsubscribe>(call).err(),
        _ => read_frame::<Ping>(call).err(),
    };
    let is_known = matches!(
        action.as_deref(),
        Some("subscribe" | "unsubscribe" | "ping")
    );
    let is_json = serde_json::from_str::<IgnoredAny>(&call.frame).is_ok();
    match wrong {
        Some(error) if is_known || error.kind() != ErrorKind::Unprocessable => error,
        _ if !is_json => Error::new(ErrorKind::BadRequest, "The frame is not valid JSON."),
        _ => Error::field("action", "must be subscribe, unsubscribe or ping"),
    }
}
