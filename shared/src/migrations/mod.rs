//! Brings the database to the schema that this version's code needs, and makes the functions' user.
//!
//! The migrations of `infra/migrations` are part of the binary. Each is applied once, in a
//! transaction with its note, by one caller at a time (`PostgreSQL`'s advisory lock), and none is
//! taken back. `infra/migrate.sh` does the same by hand, and keeps the same notes.

mod schema_id;

use std::sync::Arc;

use serde::Deserialize;
use sqlx::SqlStr;
use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};
use sqlx::postgres::PgConnection;
use url::Url;

use crate::aws::Secrets;
use crate::config::{
    ConfigError, DatabaseAuth, DatabaseSettings, MigrationsSettings, ServiceUrl, UrlSource,
};
use crate::error::{BoxError, Error, ErrorKind};
use crate::postgres::Database;
pub use schema_id::SchemaId;

// `MIGRATION_FILES`: the number, the words and the text of each.
include!(concat!(env!("OUT_DIR"), "/migration_files.rs"));

/// The table of notes.
const NOTES: &str = "_sqlx_migrations";

/// Of this session.
const RELEASE_LOCKS: &str = "SELECT pg_advisory_unlock_all()";

/// A migration takes the time that it needs: the caller bounds all of them.
const LIFT_BOUNDS: &str = "SELECT set_config('statement_timeout', '0', false),
    set_config('idle_in_transaction_session_timeout', '0', false)";

const DESCRIBE_USER: &str = "SELECT set_config('wenzhen.functions_user', $1, false),
    set_config('wenzhen.user_login', $2, false),
    set_config('wenzhen.user_password', $3, false)";

const MAKE_USER: &str = include_str!("../../../infra/functions_user.sql");

/// The number of a migration: the schema that the migrations up to it make.
pub type SchemaVersion = i64;

/// The schema that this version's code needs.
pub fn newest_version() -> SchemaVersion {
    let versions = MIGRATION_FILES.iter().map(|(version, _, _)| *version);
    versions.max().unwrap_or_default()
}

fn migrator() -> Migrator {
    let files = MIGRATION_FILES.iter();
    let migrations = files.map(|(version, words, text)| {
        let text = SqlStr::from_static(text);
        Migration::new(
            *version,
            (*words).into(),
            MigrationType::Simple,
            text,
            false,
        )
    });
    Migrator::with_migrations(migrations.collect())
}

/// Applies migrations as the database's administrator.
pub struct Migrations {
    settings: MigrationsSettings,
    secrets: Arc<Secrets>,
}

/// What was done.
#[derive(Debug, PartialEq, Eq)]
pub struct Applied {
    /// The schema that the database has now.
    pub version: SchemaVersion,
    /// How many migrations were applied.
    pub migrations: usize,
}

/// As RDS keeps a user in a secret.
#[derive(Deserialize)]
struct Credentials {
    username: String,
    password: String,
}

/// How the functions' user logs in.
struct FunctionsUser {
    name: String,
    login: &'static str,
    password: String,
}

impl Migrations {
    /// By the environment's settings. The operator reads what is wrong with them.
    pub fn from_env(secrets: Arc<Secrets>) -> Result<Self, Error> {
        let settings = MigrationsSettings::from_env();
        let settings = settings.map_err(|error| misconfigured(&error))?;
        Ok(Self { settings, secrets })
    }

    /// Brings the database to [`newest_version`]. A database that is newer is refused, unless
    /// `present`, of the last deployment, lets this code through: then it stays as it is.
    pub async fn apply(&self, present: Option<SchemaId>) -> Result<Applied, Error> {
        let database = self.administrator().await?;
        let user = self.functions_user().await?;

        database
            .run(async |connection| {
                sqlx::query(LIFT_BOUNDS).execute(&mut *connection).await?;
                migrate_alone(connection, present, &user).await
            })
            .await
    }

    async fn administrator(&self) -> Result<Database, Error> {
        let mut url = self.resolve(&self.settings.url).await?;
        let credentials = self.credentials(&self.settings.secret).await?;
        let named = url.set_username(&escape_percent(&credentials.username));
        let password = escape_percent(&credentials.password);
        let named = named.and_then(|()| url.set_password(Some(&password)));
        named.map_err(|()| Error::internal("MIGRATIONS_URL takes no user"))?;

        let settings = DatabaseSettings {
            url: ServiceUrl {
                source: UrlSource::Given(url),
                allows_plaintext: self.settings.url.allows_plaintext,
            },
            auth: DatabaseAuth::Url,
        };
        let database = Database::new(&settings).await;
        database.map_err(|error| misconfigured(&error))
    }

    async fn functions_user(&self) -> Result<FunctionsUser, Error> {
        let url = self.resolve(&self.settings.functions.url).await?;
        let (login, password) = match &self.settings.functions_user_secret {
            Some(secret) => ("password", self.credentials(secret).await?.password),
            None if self.settings.functions.auth == DatabaseAuth::Iam => ("iam", String::new()),
            None => ("kept", String::new()),
        };

        Ok(FunctionsUser {
            name: url.username().to_owned(),
            login,
            password,
        })
    }

    async fn resolve(&self, url: &ServiceUrl) -> Result<Url, Error> {
        let id = match &url.source {
            UrlSource::Given(url) => return Ok(url.clone()),
            UrlSource::Secret(id) => id,
        };
        let text = self.secrets.get(id).await.map_err(unreadable)?;
        let parsed = text.trim().parse();
        parsed.map_err(|_| unreadable("the database's secret must be a URL".into()))
    }

    async fn credentials(&self, id: &str) -> Result<Credentials, Error> {
        let text = self.secrets.get(id).await.map_err(unreadable)?;
        // serde's error would quote the secret.
        serde_json::from_str(&text)
            .map_err(|_| unreadable("the secret must have username and password".into()))
    }
}

/// Migrates under sqlx's own lock, so that of two deployments the later one sees what the first
/// has done, and an empty database gets the table of notes once.
async fn migrate_alone(
    connection: &mut PgConnection,
    deployed: Option<SchemaId>,
    user: &FunctionsUser,
) -> Result<Applied, Error> {
    connection.lock().await.map_err(migration_error)?;
    let applied = migrate(connection, deployed).await;
    let made = match &applied {
        Ok(_) => make_user(connection, user).await,
        Err(_) => Ok(()),
    };

    // All of them: after a migration that failed, sqlx keeps the one that it took itself. A
    // connection that is gone has none.
    let released = sqlx::query(RELEASE_LOCKS).execute(connection).await;
    drop(released);
    made.and(applied)
}

async fn migrate(
    connection: &mut PgConnection,
    deployed: Option<SchemaId>,
) -> Result<Applied, Error> {
    let created = connection.ensure_migrations_table(NOTES).await;
    created.map_err(migration_error)?;
    let noted = connection.list_applied_migrations(NOTES).await;
    let noted = noted.map_err(migration_error)?;

    let newest = newest_version();
    let versions = noted.iter().map(|migration| migration.version);
    let present = versions.max().unwrap_or_default();
    if present > newest && !deployed.is_some_and(|id| id.lets_through(newest)) {
        return Err(Error::new(
            ErrorKind::Conflict,
            format!(
                "The database has the schema {present}, and this version of the functions knows \
                 {newest}: there is no way back. Deploy a newer one, or bring the database back \
                 to an earlier moment."
            ),
        ));
    }
    if present > newest {
        return Ok(Applied {
            version: present,
            migrations: 0,
        });
    }

    let ran = migrator().run(&mut *connection).await;
    ran.map_err(migration_error)?;
    Ok(Applied {
        version: newest,
        migrations: MIGRATION_FILES.len().saturating_sub(noted.len()),
    })
}

async fn make_user(connection: &mut PgConnection, user: &FunctionsUser) -> Result<(), Error> {
    sqlx::query(DESCRIBE_USER)
        .bind(&user.name)
        .bind(user.login)
        .bind(&user.password)
        .execute(&mut *connection)
        .await?;
    sqlx::raw_sql(MAKE_USER).execute(connection).await?;
    Ok(())
}

/// What the operator reads. A server's message may quote a row, so it is not repeated.
fn migration_error(error: MigrateError) -> Error {
    let detail = match error {
        MigrateError::ExecuteMigration(source, version) => {
            let reason = describe(&source);
            format!("Migration {version} failed, and was taken back: {reason}.")
        }
        MigrateError::Execute(source) => {
            format!("The migrations cannot be looked at: {}.", describe(&source))
        }
        other => format!("The migrations cannot be applied: {other}."),
    };
    Error::new(ErrorKind::Internal, detail)
}

/// SQLSTATE, and the names of schema that the error has.
fn describe(error: &sqlx::Error) -> String {
    let Some(error) = error.as_database_error() else {
        return "the connection was lost".to_owned();
    };
    let code = error.code().unwrap_or_default();
    let of_schema = [error.table(), error.constraint()].into_iter().flatten();
    let names: Vec<_> = of_schema.collect();
    format!("SQLSTATE {code} {}", names.join(" "))
        .trim_end()
        .to_owned()
}

fn misconfigured(error: &ConfigError) -> Error {
    Error::new(ErrorKind::Internal, error.to_string())
}

fn unreadable(source: BoxError) -> Error {
    let detail = "A secret of the migrations cannot be read, or is not what it must be.";
    Error::new(ErrorKind::Internal, detail).with_source(source)
}

/// A part of a URL, whose setter escapes what else is to be escaped. RDS makes passwords of any
/// characters.
fn escape_percent(text: &str) -> String {
    text.replace('%', "%25")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// sqlx reads the files in its own way: both must come to the same notes.
    #[tokio::test]
    async fn the_binary_has_what_sqlx_finds() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/migrations");
        let found = Migrator::new(folder).await.unwrap();
        let notes = |migrator: &Migrator| -> Vec<_> {
            let migrations = migrator.iter();
            let notes =
                migrations.map(|it| (it.version, it.description.clone(), it.checksum.clone()));
            notes.collect()
        };

        assert_eq!(notes(&migrator()), notes(&found));
        assert_eq!(newest_version(), found.iter().last().unwrap().version);
    }
}
