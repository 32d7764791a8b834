//! Exact repeats of deterministic requests, for chains that say so (`repeat_for`): the same tenant asks the same of the same chain
//! with `temperature` 0, and gets the same answer without another call.
//!
//! The request is part of the key only as a hash. The answer is kept in Valkey as it is, which is why a chain has to ask for it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Asked, Backend, ClientRequest, Meter, Served, ask};
use crate::ai::{Chain, Completion};
use crate::cache::{EntryKind, Fetched, Key, Level, LoadRequest, Policy};
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::http::openai::ApiError;

const ANSWERS: EntryKind<Kept> = EntryKind::new("answers", 1);

/// The longest that one call keeps others who ask the same waiting; then they ask too.
const LEASE: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_secs(3);

/// An answer and who gave it.
#[derive(Clone, Serialize, Deserialize)]
struct Kept {
    tier: String,
    attempts: u32,
    body: Value,
}

/// The answer, kept or new. Only what the first tier gave is kept.
pub(super) async fn whole(
    backend: &Backend,
    chain: &Chain,
    keep_for: Duration,
    request: &ClientRequest,
    meter: &Meter,
    deadline: Deadline,
) -> Result<Asked, ApiError> {
    let key = Key::of_tenant(
        meter.tenant(),
        &ANSWERS,
        &format!("{}\n{}", chain.identity(), request.identity()),
    );
    let policy = Policy::new(keep_for)
        .stale_for(Duration::ZERO)
        .lease_for(LEASE)
        .load_anyway_after(PATIENCE);
    let (refused, passing) = (Mutex::new(None), Mutex::new(None));
    let load = || async {
        match ask(chain, request, meter, deadline).await {
            Ok(asked) => {
                let Served {
                    tier,
                    attempts,
                    degraded,
                    ..
                } = &asked.served;
                let kept = Kept {
                    tier: tier.clone(),
                    attempts: *attempts,
                    body: asked.completion.body(),
                };
                let is_kept = degraded.is_none();
                *passing.lock().unwrap_or_else(PoisonError::into_inner) = Some(asked);
                Ok(if is_kept {
                    Some(kept).into()
                } else {
                    Fetched::uncached(Some(kept))
                })
            }
            Err(error) => {
                *refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                // The client gets the error itself.
                Err(Error::new(ErrorKind::Unavailable, "no tier answered"))
            }
        }
    };
    let request = LoadRequest {
        key: &key,
        policy: &policy,
        deadline,
    };
    let cached = backend.cache.get_or_load(request, load).await;
    if let Some(asked) = passing.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Ok(asked);
    }
    let cached = cached.map_err(|error| {
        let refused = refused.into_inner().unwrap_or_else(PoisonError::into_inner);
        refused.unwrap_or_else(|| error.into())
    })?;
    meter.settle(0, deadline).await;
    let unreadable = || ApiError::from(Error::internal("a kept answer is none"));
    let kept = cached.value.ok_or_else(unreadable)?;
    let completion = Completion::from_body(kept.body).ok_or_else(unreadable)?;
    let served = Served {
        tier: kept.tier,
        attempts: 0,
        degraded: None,
        is_repeat: cached.level != Level::Loaded,
    };
    Ok(Asked {
        served,
        completion,
        pieces: Vec::new(),
    })
}
