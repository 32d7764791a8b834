//! Each deployment: brings the database to the schema that the functions need, before they change.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use wenzhen::aws::Secrets;
use wenzhen::config::ConfigError;
use wenzhen::error::Error;
use wenzhen::lambda::{CustomResource, Resource};
use wenzhen::migrations::{self, Migrations, SchemaId};
use wenzhen::setup::Setup;

/// The function.
pub struct Migrate {
    secrets: Arc<Secrets>,
}

impl CustomResource for Migrate {
    const TIMEOUT: Duration = Duration::from_mins(15);

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            secrets: setup.secrets(),
        })
    }

    async fn apply(&self, present: Option<&str>) -> Result<Resource, Error> {
        let present = present.and_then(SchemaId::parse);
        let migrations = Migrations::from_env(Arc::clone(&self.secrets))?;
        let applied = migrations.apply(present).await?;
        tracing::info!(
            schema = applied.version,
            migrations = applied.migrations,
            "migrated"
        );

        let id = SchemaId::next(present, migrations::newest_version());
        let version = ("Version".to_owned(), applied.version.to_string());
        Ok(Resource {
            id: id.to_string(),
            attributes: HashMap::from([version]),
        })
    }
}
