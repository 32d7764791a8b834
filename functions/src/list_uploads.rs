//! `GET /v1/uploads`: the caller's own uploads, newest first, page by page.

use wenzhen::config::ConfigError;
use wenzhen::error::Error;
use wenzhen::http::{Call, Endpoint, Response, reply};
use wenzhen::postgres::Database;
use wenzhen::setup::Setup;
use wenzhen::uploads::store;

/// The route.
pub struct ListUploads {
    /// Holds the uploads.
    pub database: Database,
}

impl Endpoint for ListUploads {
    const ROUTE: &'static str = "GET /v1/uploads";

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
        })
    }

    /// 200 with one page of the caller's own uploads, whatever their role and the uploads' state,
    /// without links.
    async fn handle(&self, call: Call) -> Result<Response, Error> {
        call.refuse_other_queries(&["limit", "cursor"])?;
        let page = call.page()?;
        let rows = self
            .database
            .run(async |connection| store::list(connection, &call.caller, page).await)
            .await?;

        let uploads = rows.into_iter().map(|row| row.into_view(None));
        let items = page.items(uploads.collect(), |upload| upload.id);
        reply::revalidated(call.headers(), &items)
    }
}
