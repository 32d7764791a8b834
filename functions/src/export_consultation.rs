//! `GET /v1/consultations/{id}/export`: all of one consultation, to take along.

use time::OffsetDateTime;
use wenzhen::audit::{self, Actor, AuditAction, AuditFilter, AuditedRecord};
use wenzhen::config::{self, ConfigError};
use wenzhen::consultations::transcript::Transcripts;
use wenzhen::error::Error;
use wenzhen::http::{Call, Endpoint, Response, reply};
use wenzhen::identity::Scope;
use wenzhen::jobs::{self, JobView};
use wenzhen::page::Page;
use wenzhen::postgres::Database;
use wenzhen::privacy::{ConsultationExport, ExportFormat};
use wenzhen::setup::Setup;
use wenzhen::uploads::{self, UploadLinks};

use crate::JOB_KINDS;

/// Of the audit trail, the acts that an export names: the latest.
const MAX_ACCESSES: u16 = 1_000;

/// The route.
pub struct ExportConsultation {
    /// Holds the consultations.
    pub database: Database,
    /// Holds what is said in them.
    pub transcripts: Transcripts,
    /// Signs links to the files that came with them.
    pub links: UploadLinks,
}

impl Endpoint for ExportConsultation {
    const ROUTE: &'static str = "GET /v1/consultations/{id}/export";

    async fn from_env(setup: &Setup) -> Result<Self, ConfigError> {
        Ok(Self {
            database: setup.database().await?,
            transcripts: Transcripts::new(setup.aws().await, config::transcripts_table()?),
            links: setup.upload_links().await?,
        })
    }

    /// 200 with everything in one JSON document, or with `?format=fhir` as a FHIR R4 `Bundle`; a
    /// 503 rather than a part of it.
    async fn handle(&self, call: Call) -> Result<Response, Error> {
        let id = call.path_id("id", "consultation")?;
        call.refuse_other_queries(&["format"])?;
        let format = ExportFormat::parse(call.query("format").as_deref())?;
        let (scope, tenant) = (call.caller.scope(), &call.caller.tenant);
        let read = self
            .transcripts
            .read_consultation(&self.database, scope, id);
        let (consultation, conversation) = read.await?;

        let record = AuditedRecord::consultation(&consultation.user_id, id);
        let filter = AuditFilter {
            consultation: Some(id),
            ..AuditFilter::default()
        };
        let page = Page {
            limit: MAX_ACCESSES,
            after: None,
        };
        let owner = Scope {
            tenant,
            owner: Some(&consultation.user_id),
        };
        let (jobs, accesses, files) = self
            .database
            .run(async |connection| {
                let (actor, action) =
                    (Actor::Caller(&call.caller), AuditAction::ExportConsultation);
                audit::record(connection, tenant, actor, action, &[record]).await?;
                let jobs = jobs::store::of_consultation(connection, tenant, id).await?;
                let accesses = audit::store::list(connection, tenant, &filter, page).await?;
                let files = uploads::store::ready(connection, owner, &consultation.attachments);
                Ok((jobs, accesses, files.await?))
            })
            .await?;
        if jobs.is_empty() {
            // It was erased in this moment.
            return Err(Error::not_found("consultation"));
        }
        let jobs = jobs.into_iter().map(|job| JobView::new(job, JOB_KINDS));
        let mut attachments = Vec::new();
        for file in files {
            let link = self.links.sign(tenant, &file).await?;
            attachments.push(file.into_view(link));
        }
        let export = ConsultationExport {
            attachments,
            consultation,
            conversation,
            jobs: jobs.collect(),
            accesses: page.items(accesses, |event| event.id).items,
        };
        let now = OffsetDateTime::now_utc();
        let document = export.into_document(format, &call.caller, now)?;
        let file_name = format.file_name(id);
        reply::download(format.content_type(), &file_name, &document)
    }
}
