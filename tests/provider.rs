//! The scripted provider where the deployed functions' tiers point.
//!
//! The scripts that it plays there stand in the patient's own words, which reach it in the prompt:
//! `[primary:500]` makes the tier whose model is `scripted-primary` answer 500.

use std::net::TcpListener;
use std::sync::OnceLock;

use scripted_provider::{Attempt, Provider};

use crate::support::STACK;

static PROVIDER: OnceLock<Provider> = OnceLock::new();

/// Starts the provider, once.
pub fn start() -> &'static Provider {
    PROVIDER.get_or_init(|| {
        let port: u16 = STACK.env("PROVIDER_PORT").unwrap().parse().unwrap();
        let listener = TcpListener::bind(("127.0.0.1", port));
        let listener = listener.expect("the provider's port is taken");
        Provider::start(listener, false)
    })
}

/// The calls whose prompt contains `marker`, in order.
pub fn calls(marker: &str) -> Vec<Attempt> {
    start().calls(marker)
}
