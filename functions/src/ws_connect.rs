//! `$connect`: opens a connection of the WebSocket API.

use wenzhen::config::{ConfigError, TokenSettings};
use wenzhen::error::Error;
use wenzhen::http::auth::Authenticator;
use wenzhen::lambda::{SocketAnswer, SocketCall, SocketEndpoint, SocketGuard};
use wenzhen::limits::{ADDRESS, CONNECTS, GLOBAL, Limit, TENANT};
use wenzhen::realtime::{Connection, Connections, MAX_CONNECTION_TIME, SUBPROTOCOL, offered_token};
use wenzhen::setup::Setup;

/// The route.
pub struct WsConnect {
    /// Verifies the token that is offered as a subprotocol.
    pub authenticator: Authenticator,
    /// Keeps the connection.
    pub connections: Connections,
    /// Counts the connections that are opened.
    pub guard: SocketGuard,
}

impl SocketEndpoint for WsConnect {
    const ROUTE: &'static str = "$connect";

    const LIMITS: &'static [Limit] = &[ADDRESS, CONNECTS, TENANT, GLOBAL];

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            authenticator: Authenticator::new(&TokenSettings::from_env()?)?,
            connections: setup.connections().await?,
            guard: SocketGuard::from_setup(setup).await?,
        })
    }

    /// 200 with the subprotocol, or 401, 403, 429 or 503: then there is no connection. As with
    /// HTTP, a caller without a good token is charged by their address alone.
    async fn handle(&self, call: SocketCall) -> Result<SocketAnswer, Error> {
        let verified = match offered_token(&call.headers) {
            Ok(token) => self.authenticator.verify(token, call.deadline).await,
            Err(refused) => Err(refused),
        };
        let token = self.guard.admit(call.address, verified, call.deadline);
        let token = token.await?;

        tracing::Span::current().record("tenant", token.caller.tenant.pseudonym());
        let longest = time::OffsetDateTime::now_utc() + MAX_CONNECTION_TIME;
        let connection = Connection {
            id: call.connection,
            caller: token.caller,
            signed_in_at: token.signed_in_at,
            expires_at: token.expires_at.min(longest),
        };
        self.connections.open(&connection).await?;
        Ok(SocketAnswer::accepted(SUBPROTOCOL))
    }
}
