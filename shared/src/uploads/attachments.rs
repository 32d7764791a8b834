//! Uploads that come with a complaint.

use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::consultations::store::{self as consultations, Created};
use crate::consultations::{IdempotencyKey, NewConsultation};
use crate::error::{Error, FieldError};
use crate::identity::Caller;
use crate::triage::Triage;

/// Creates a consultation like [`consultations::create`], with its attachments. 422 for ids that
/// are not the caller's own uploads, or not ready; but a request that was accepted before is
/// answered as it was.
pub async fn create_consultation(
    connection: &mut PgConnection,
    caller: &Caller,
    key: Option<&IdempotencyKey>,
    request: &NewConsultation,
    triage: &Triage,
) -> Result<Created, Error> {
    if request.attachments.is_empty() {
        return consultations::create(connection, caller, key, request, triage).await;
    }

    let mut transaction = connection.begin().await?;
    let created = consultations::create(&mut transaction, caller, key, request, triage).await?;
    if let Created::New { .. } = created {
        hold_ready(&mut transaction, caller, &request.attachments).await?;
    }
    transaction.commit().await?;
    Ok(created)
}

/// Holds uploads until the commit, so that none is removed before they are attached.
async fn hold_ready(
    connection: &mut PgConnection,
    caller: &Caller,
    ids: &[Uuid],
) -> Result<(), Error> {
    let sql = "SELECT id FROM uploads
               WHERE tenant_id = $1 AND user_id = $2 AND id = ANY ($3) AND state = 'ready'
               ORDER BY id FOR KEY SHARE";
    let ready: Vec<Uuid> = sqlx::query_scalar(sql)
        .bind(&caller.tenant)
        .bind(&caller.user)
        .bind(ids)
        .fetch_all(connection)
        .await?;

    let refused = ids.iter().enumerate();
    let refused = refused.filter(|(_, id)| !ready.contains(id));
    let refused: Vec<_> = refused
        .map(|(number, _)| FieldError {
            field: format!("attachments[{number}]"),
            message: "must be an upload of yours that is ready".to_owned(),
        })
        .collect();
    if refused.is_empty() {
        Ok(())
    } else {
        Err(Error::fields(refused))
    }
}
