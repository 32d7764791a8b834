//! Who may send an event of the WebSocket API, and how often.

use std::net::IpAddr;
use std::sync::Arc;

use crate::access::AccessCheck;
use crate::config::ConfigError;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::http::auth::VerifiedToken;
use crate::limits::{Client, Limiter};
use crate::setup::Setup;
use crate::valkey::{Answers, Batch, Valkey};

/// Counts the events of one route, and asks what has changed of their callers' access.
pub struct SocketGuard {
    limiter: Arc<Limiter>,
    access: AccessCheck,
    valkey: Option<Arc<Valkey>>,
}

impl SocketGuard {
    /// With the limits of the setup's route.
    pub async fn from_setup(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            limiter: setup.limiter().await?,
            access: AccessCheck::new(setup.valkey()?),
            valkey: setup.valkey()?,
        })
    }

    /// Lets an event in, or not, in one round trip: the token with its caller as they may act now.
    /// A caller without a good token is charged by their address alone.
    pub async fn admit(
        &self,
        address: Option<IpAddr>,
        token: Result<VerifiedToken, Error>,
        deadline: Deadline,
    ) -> Result<VerifiedToken, Error> {
        let caller = token.as_ref().ok().map(|token| &token.caller);
        let client = Client { address, caller };

        let mut batch = Batch::default();
        let pending = self.limiter.prepare(client, &[], &mut batch);
        let caller = caller.filter(|_| !pending.is_refused());
        let access = caller.map(|caller| self.access.prepare(caller, &mut batch));
        let mut answers = match &self.valkey {
            Some(valkey) => batch.run(valkey, deadline).await.unwrap_or_default(),
            None => Answers::default(),
        };

        if let Some(refused) = pending.finish(&mut answers).refusal() {
            return Err(refused);
        }
        let token = token?;
        let caller = match access {
            Some(access) => access.finish(&mut answers, token.caller, token.signed_in_at)?,
            None => token.caller,
        };
        Ok(VerifiedToken { caller, ..token })
    }
}
