//! Databases of a test's own, with the stack's schema: what a test does to all tenants harms no
//! other test there, and no deployed sweep takes what the test wants to sweep.

use std::path::Path;

use sqlx::Connection;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

/// A database of its own on the stack's server.
pub struct OwnDatabase {
    pub url: String,
    pub connection: PgConnection,
    name: String,
    server_url: String,
}

impl OwnDatabase {
    /// On the server of `server_url`, with the migrations of the checkout at `root`.
    pub async fn create(server_url: &str, root: &Path) -> Self {
        let mut created = Self::create_empty(server_url).await;
        let migrations = root.join("infra/migrations");
        let migrator = sqlx::migrate::Migrator::new(migrations).await.unwrap();
        migrator.run(&mut created.connection).await.unwrap();
        created
    }

    /// Without any table.
    pub async fn create_empty(server_url: &str) -> Self {
        let name = format!("own_{}", Uuid::new_v4().simple());
        execute(server_url, format!("CREATE DATABASE {name}")).await;

        let url = format!("{}/{name}", server_url.rsplit_once('/').unwrap().0);
        let connection = PgConnection::connect(&url).await.unwrap();
        Self {
            url,
            connection,
            name,
            server_url: server_url.to_owned(),
        }
    }

    /// Runs a statement about the database itself; `{}` in it stands for its name.
    pub async fn alter(&self, statement: &str) {
        execute(&self.server_url, statement.replace("{}", &self.name)).await;
    }

    /// Drops the database, which may be large.
    pub async fn remove(self) {
        self.connection.close().await.unwrap();
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        execute(&self.server_url, drop).await;
    }
}

async fn execute(url: &str, statement: String) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
        .execute(&mut connection)
        .await
        .unwrap();
}
