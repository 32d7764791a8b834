//! Who may call, and how often: what stands before every handler.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, header};
use lambda_http::Request;

use super::auth::{Authenticator, VerifiedToken};
use super::client_address::ClientAddress;
use super::cors::AllowedPages;
use crate::access::{AccessCheck, PendingAccess};
use crate::cache::{PrefetchPlan, Prefetched};
use crate::config::{ConfigError, TokenSettings};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::identity::Caller;
use crate::limits::{Client, Decision, LimitCost, Limiter};
use crate::setup::Setup;
use crate::valkey::{Answers, Batch, Valkey};

/// Authenticates and counts the calls of one route.
pub struct RequestGuard {
    authenticator: Authenticator,
    client_address: ClientAddress,
    access: AccessCheck,
    limiter: Arc<Limiter>,
    valkey: Option<Arc<Valkey>>,
    charge: Option<ChargeRule>,
    /// Which pages may read the answers, where the gateway does not say so itself.
    pub(super) pages: AllowedPages,
}

/// A limit that is charged by the body instead of by the call.
#[derive(Clone, Copy)]
pub struct ChargeRule {
    /// The limit's name.
    pub limit: &'static str,
    /// How much of the limit a body is charged.
    pub cost: fn(&[u8]) -> u64,
}

impl RequestGuard {
    /// From the environment, with the limits of the setup's route.
    pub async fn from_env(setup: &Setup, charge: Option<ChargeRule>) -> Result<Self, ConfigError> {
        Ok(Self {
            authenticator: Authenticator::new(&TokenSettings::from_env()?)?,
            client_address: ClientAddress::from_env()?,
            access: AccessCheck::new(setup.valkey()?),
            limiter: setup.limiter().await?,
            valkey: setup.valkey()?,
            charge,
            pages: AllowedPages::from_env()?,
        })
    }

    /// Lets a call in, or not. A token is checked before limits are asked, which costs nothing, so
    /// one round trip decides all limits of a call; a caller without a good token is charged by
    /// their address alone.
    ///
    /// What has changed of the caller's access, and the cache entry that `prefetch` plans to read,
    /// are asked for in that round trip too. If Valkey need not be asked about the limits, it is
    /// not asked for the entry either.
    pub(super) async fn admit(
        &self,
        request: &Request,
        prefetch: impl FnOnce(&Caller) -> Option<PrefetchPlan>,
        deadline: Deadline,
    ) -> Admitted {
        let headers = request.headers();
        let token = self.authenticator.authenticate(headers, deadline).await;
        let known_caller = token.as_ref().ok().map(|token| &token.caller);
        let client = Client {
            address: self.client_address.of(request),
            caller: known_caller,
        };

        let mut batch = Batch::default();
        let costs = self.costs(request);
        let pending = self.limiter.prepare(client, &costs, &mut batch);
        let plan = known_caller
            .filter(|_| pending.is_asked())
            .and_then(prefetch);
        let prefetch = plan.map(|plan| plan.add_to(&mut batch));
        let known_caller = known_caller.filter(|_| !pending.is_refused());
        let access = known_caller.map(|caller| self.access.prepare(caller, &mut batch));

        let mut answers = self.ask(batch, deadline).await;
        let decision = pending.finish(&mut answers);
        let prefetched = prefetch.map(|prefetch| prefetch.finish(&mut answers));

        let caller = match decision.refusal() {
            Some(error) => Err(error),
            None => token.and_then(|token| admit_token(token, access, &mut answers)),
        };
        Admitted {
            caller,
            prefetched,
            decision,
        }
    }

    /// Who calls a route that needs no token; none if they send none. Whoever sends one is counted
    /// by the limits of the route.
    pub async fn identify(
        &self,
        request: &Request,
        deadline: Deadline,
    ) -> Result<Option<Caller>, Error> {
        if !request.headers().contains_key(header::AUTHORIZATION) {
            return Ok(None);
        }
        let admitted = self.admit(request, |_| None, deadline).await;
        admitted.caller.map(Some)
    }

    /// What the body costs, for the limit that is charged by it.
    fn costs(&self, request: &Request) -> Vec<LimitCost<'static>> {
        let costs = self.charge.iter().map(|rule| LimitCost {
            limit: rule.limit,
            cost: (rule.cost)(request.body()),
        });
        costs.collect()
    }

    /// Without Valkey there are no answers.
    async fn ask(&self, batch: Batch, deadline: Deadline) -> Answers {
        match &self.valkey {
            Some(valkey) => batch.run(valkey, deadline).await.unwrap_or_default(),
            None => Answers::default(),
        }
    }
}

/// The token's holder, as they may act now.
fn admit_token(
    token: VerifiedToken,
    access: Option<PendingAccess>,
    answers: &mut Answers,
) -> Result<Caller, Error> {
    let VerifiedToken {
        caller,
        signed_in_at,
        ..
    } = token;
    match access {
        Some(access) => access.finish(answers, caller, signed_in_at),
        None => Ok(caller),
    }
}

/// What the guard decided about one call.
pub(super) struct Admitted {
    pub(super) caller: Result<Caller, Error>,
    pub(super) prefetched: Option<Prefetched>,
    pub(super) decision: Decision,
}

/// Tells the client how much of its limits is left. A decision without limits writes only the mode.
pub(super) fn write_rate_limit_headers(decision: &Decision, headers: &mut HeaderMap) {
    let values = [
        ("ratelimit-policy", decision.policy()),
        ("ratelimit", decision.remaining()),
    ];
    for (name, value) in values.into_iter().filter(|(_, value)| !value.is_empty()) {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    headers.insert(
        "x-ratelimit-mode",
        HeaderValue::from_static(decision.mode().as_str()),
    );
}
