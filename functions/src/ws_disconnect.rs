//! `$disconnect`: forgets a connection that was closed.

use wenzhen::config::ConfigError;
use wenzhen::error::Error;
use wenzhen::lambda::{SocketAnswer, SocketCall, SocketEndpoint};
use wenzhen::realtime::Connections;
use wenzhen::setup::Setup;

/// The route.
pub struct WsDisconnect {
    /// Holds the connections.
    pub connections: Connections,
}

impl SocketEndpoint for WsDisconnect {
    const ROUTE: &'static str = "$disconnect";

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            connections: setup.connections().await?,
        })
    }

    /// The gateway calls this once, and not for sure: what it leaves is forgotten by the next push,
    /// which finds the connection gone, or by its time.
    async fn handle(&self, call: SocketCall) -> Result<SocketAnswer, Error> {
        let forgotten = self.connections.forget(&call.connection).await;
        forgotten.map_err(Error::internal)?;
        Ok(SocketAnswer::taken(200))
    }
}
