//! The right to run a job and to write its result.
//!
//! A lease is short, so that the job of a worker that was killed is soon claimed by another one.
//! The heartbeat extends it while the job runs. Its token is a fencing token: a result is written
//! only while the job's row has it, and a later claim replaces it.

use std::time::Duration;

use serde_json::Value;
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::sql::sql_file;
use crate::error::Error;
use crate::identity::TenantId;

/// How long a lease holds from a claim or a heartbeat on.
pub const LEASE_DURATION: Duration = Duration::from_secs(30);

/// The right to run a job and to write its result.
#[derive(Debug, Clone, PartialEq)]
pub struct Lease {
    /// The tenant that the job belongs to.
    pub tenant: TenantId,
    /// The job's row.
    pub job_id: Uuid,
    /// The kind's name.
    pub kind: String,
    /// The consultation that the job is for, if it is for one.
    pub consultation: Option<Uuid>,
    /// The kind's payload, as it stands in the job's row.
    pub payload: Value,
    /// Which attempt this is, from 1 to [`super::MAX_ATTEMPTS`].
    pub attempt: i16,
    /// Which run this is, from 1. Attempts can be given back; runs are only counted.
    pub run: i32,
    /// The fencing token.
    pub token: Uuid,
}

/// One run's part of a heartbeat: how far it is.
pub(super) struct LeaseRenewal<'a> {
    pub(super) lease: &'a Lease,
    pub(super) progress: i16,
    pub(super) step: &'static str,
}

/// A lease that still holds.
#[derive(FromRow)]
pub(super) struct RenewedLease {
    pub(super) token: Uuid,
    pub(super) is_cancel_requested: bool,
}

/// Extends leases, and writes how far their runs are. Returns those that still hold. A run whose
/// lease is not among them has lost it, or its job was erased.
pub(super) async fn renew_leases(
    connection: &mut PgConnection,
    renewals: &[LeaseRenewal<'_>],
) -> Result<Vec<RenewedLease>, Error> {
    let leases = || renewals.iter().map(|renewal| renewal.lease);
    let tenants: Vec<_> = leases().map(|lease| lease.tenant.as_str()).collect();
    let ids: Vec<_> = leases().map(|lease| lease.job_id).collect();
    let tokens: Vec<_> = leases().map(|lease| lease.token).collect();
    let progress: Vec<_> = renewals.iter().map(|renewal| renewal.progress).collect();
    let steps: Vec<_> = renewals.iter().map(|renewal| renewal.step).collect();

    sqlx::query_as(sql_file!("renew_leases.sql"))
        .bind(tenants)
        .bind(ids)
        .bind(tokens)
        .bind(progress)
        .bind(steps)
        .bind(LEASE_DURATION.as_secs_f64())
        .fetch_all(connection)
        .await
        .map_err(Error::from)
}

/// Whether the job of a lease still exists: its consultation may have been erased.
pub(super) async fn job_exists(
    connection: &mut PgConnection,
    lease: &Lease,
) -> Result<bool, Error> {
    let exists =
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM jobs WHERE tenant_id = $1 AND id = $2)");

    exists
        .bind(&lease.tenant)
        .bind(lease.job_id)
        .fetch_one(connection)
        .await
        .map_err(Error::from)
}
