//! Ending what a person is signed in with.

use sqlx::{Connection, PgConnection};

use crate::access::{self, PersonChange};
use crate::audit::{self, Actor, AuditAction, AuditedRecord};
use crate::error::Error;
use crate::identity::{Caller, UserId};

/// Signs a person of the caller's tenant out, and writes in the trail who did. Whether the caller
/// may is decided before.
pub async fn sign_out(
    connection: &mut PgConnection,
    caller: &Caller,
    user: &UserId,
) -> Result<PersonChange, Error> {
    let (tenant, actor) = (&caller.tenant, Actor::Caller(caller));
    let subject = [AuditedRecord::person(user)];

    let mut transaction = connection.begin().await?;
    audit::record(
        &mut transaction,
        tenant,
        actor,
        AuditAction::SignOutUser,
        &subject,
    )
    .await?;
    let change = access::store::sign_out(&mut transaction, tenant, user).await?;
    transaction.commit().await?;
    Ok(change)
}
