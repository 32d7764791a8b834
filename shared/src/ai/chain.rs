//! The tiers in order, until one gives a valid answer.

use serde::Serialize;

use super::openai::{ChatRequest, Client, Fault};
use crate::aws::Secrets;
use crate::config::{ConfigError, Tiers};
use crate::deadline::Deadline;

/// The tiers of `AI_TIERS`, each with its client.
pub struct Chain {
    tiers: Vec<Client>,
    secrets: Secrets,
}

/// A valid answer and who gave it.
pub struct Answer<T> {
    /// What the caller's check made of the text.
    pub value: T,
    /// The tier's name.
    pub tier: String,
    /// The model it says it used.
    pub model: String,
}

/// A tier that was asked in vain.
#[derive(Debug, Serialize)]
pub struct Attempt {
    /// The tier's name.
    pub tier: String,
    /// What went wrong, without content.
    pub fault: String,
}

/// What came of asking.
pub struct Outcome<T> {
    /// The answer; none when there is no tier or every tier failed.
    pub answer: Option<Answer<T>>,
    /// The tiers that failed, in order.
    pub failed: Vec<Attempt>,
}

impl Chain {
    /// Makes the clients.
    pub fn new(tiers: &Tiers, secrets: Secrets) -> Result<Self, ConfigError> {
        let tiers = tiers.iter().cloned().map(Client::new).collect::<Result<_, _>>()?;
        Ok(Self { tiers, secrets })
    }

    /// Whether there is nobody to ask.
    pub fn is_empty(&self) -> bool {
        self.tiers.is_empty()
    }

    /// Asks one tier after the other until the text of one passes `check`, which says with a constant what is wrong with
    /// it otherwise. Each tier gets an equal share of the time that is left, so that the last one always has its turn.
    pub async fn ask<T>(
        &self,
        request: &ChatRequest,
        deadline: Deadline,
        check: impl Fn(&str) -> Result<T, &'static str>,
    ) -> Outcome<T> {
        let mut failed = Vec::new();
        for (client, left) in self.tiers.iter().zip((1..=self.tiers.len()).rev()) {
            let share = deadline.remaining() / u32::try_from(left).unwrap_or(u32::MAX);
            let completion = client.complete(request, &self.secrets, deadline.at_most(share)).await;
            let answer = completion.and_then(|completion| {
                let value = check(&completion.text).map_err(Fault::Invalid)?;
                Ok(Answer { value, tier: client.tier.name.clone(), model: completion.model })
            });
            match answer {
                Ok(answer) => return Outcome { answer: Some(answer), failed },
                Err(fault) => {
                    tracing::warn!(tier = client.tier.name, fault = %fault, causes = crate::error::causes(&fault), "a tier failed");
                    failed.push(Attempt { tier: client.tier.name.clone(), fault: fault.to_string() });
                }
            }
        }
        Outcome { answer: None, failed }
    }
}
