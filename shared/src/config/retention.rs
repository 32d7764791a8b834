//! How long records are kept.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::ConfigError;
use crate::identity::TenantId;

/// The variable's name.
pub const RETENTION: &str = "RETENTION";

/// The longest time, 20 years: a transcript's items expire a month later by themselves.
pub const MAX_RECORD_DAYS: u32 = 7_300;

/// How long the audit trail is kept, unless the setting says otherwise: six years, as the HIPAA
/// Security Rule has it for documentation (45 CFR 164.316(b)(2)(i)).
const DEFAULT_AUDIT_DAYS: u32 = 2_190;

/// How long records are kept, in days from when they were made.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionSettings {
    /// Consultations and uploads; for ever if it is not given.
    #[serde(default)]
    days: Option<u32>,
    /// The same for single tenants.
    #[serde(default)]
    tenants: BTreeMap<String, u32>,
    /// The audit trail.
    #[serde(default)]
    audit_days: Option<u32>,
}

impl RetentionSettings {
    /// Reads a JSON object; every error names the setting.
    pub fn parse(json: &str) -> Result<Self, ConfigError> {
        let reader = &mut serde_json::Deserializer::from_str(json);
        let settings: Self = serde_path_to_error::deserialize(reader).map_err(|error| {
            let path = error.path().to_string();
            let place = format!(
                "line {}, column {}",
                error.inner().line(),
                error.inner().column()
            );
            ConfigError::new(
                format!("{RETENTION}.{path}"),
                format!("cannot be read; see {place}"),
            )
        })?;
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), ConfigError> {
        for tenant in self.tenants.keys() {
            if TenantId::try_from(tenant.clone()).is_err() {
                let problem = "has a key that is no tenant's id";
                return Err(ConfigError::new(format!("{RETENTION}.tenants"), problem));
            }
        }
        let named = [("days", self.days), ("audit_days", self.audit_days)];
        let named = named
            .into_iter()
            .filter_map(|(name, days)| Some((name, days?)));
        let of_tenants = self
            .tenants
            .iter()
            .map(|(name, days)| (name.as_str(), *days));
        for (name, days) in named.chain(of_tenants) {
            if !(1..=MAX_RECORD_DAYS).contains(&days) {
                let problem = format!("must be 1 to {MAX_RECORD_DAYS} days");
                return Err(ConfigError::new(format!("{RETENTION}.{name}"), problem));
            }
        }
        Ok(())
    }

    /// How long a tenant's consultations and uploads are kept; none for ever.
    pub fn record_days(&self, tenant: &TenantId) -> Option<u32> {
        self.tenants.get(tenant.as_str()).copied().or(self.days)
    }

    /// How long the audit trail is kept.
    pub fn audit_days(&self) -> u32 {
        self.audit_days.unwrap_or(DEFAULT_AUDIT_DAYS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_may_keep_its_records_for_another_time() {
        let json = r#"{"days": 365, "tenants": {"clinic-1": 30}}"#;
        let settings = RetentionSettings::parse(json).unwrap();
        let days = |tenant: &str| settings.record_days(&tenant.to_owned().try_into().unwrap());
        assert_eq!(days("clinic-1"), Some(30));
        assert_eq!(days("clinic-2"), Some(365));
        assert_eq!(settings.audit_days(), DEFAULT_AUDIT_DAYS);
    }

    #[test]
    fn a_wrong_time_is_refused_by_its_name() {
        let wrong = [
            (r#"{"days": 0}"#, "RETENTION.days"),
            (r#"{"days": 7301}"#, "RETENTION.days"),
            (r#"{"days": "x"}"#, "RETENTION.days"),
            (r#"{"tenants": {"clinic-1": 0}}"#, "RETENTION.clinic-1"),
            (r#"{"tenants": {"Clinic 1": 5}}"#, "RETENTION.tenants"),
            (r#"{"audit_days": 0}"#, "RETENTION.audit_days"),
        ];
        for (json, name) in wrong {
            assert_eq!(
                RetentionSettings::parse(json).unwrap_err().name,
                name,
                "{json}"
            );
        }
        assert!(RetentionSettings::parse(r#"{"day": 5}"#).is_err());
    }
}
