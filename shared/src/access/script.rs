//! The wire form of the copy in Valkey.

use std::sync::LazyLock;
use std::time::Duration;

use time::OffsetDateTime;

use super::change::{AccessChange, PersonChange};
use crate::identity::{Caller, Role, TenantId, UserId};
use crate::valkey::{Reply, Script, ScriptCall, ScriptRequest};

/// How often all changes are written again, whatever the copy lost meanwhile.
const PROGRESS_TTL: Duration = Duration::from_hours(1);

static READ_SCRIPT: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("read.lua").to_owned()));

static WRITE_SCRIPT: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("write.lua").to_owned()));

static READ_PROGRESS_SCRIPT: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("read_progress.lua").to_owned()));

static WRITE_PROGRESS_SCRIPT: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("write_progress.lua").to_owned()));

/// Reads what has changed of a person's access; nothing for almost everybody.
pub struct ReadAccess {
    key: String,
}

impl ReadAccess {
    /// Of the caller. `prefix` is the beginning of every key.
    pub fn of(prefix: &str, caller: &Caller) -> Self {
        Self {
            key: person_key(prefix, &caller.tenant, &caller.user),
        }
    }
}

/// Writes what has changed of a person's access, unless a later change is there.
pub(super) struct WriteAccess {
    key: String,
    change: AccessChange,
}

impl WriteAccess {
    pub(super) fn new(prefix: &str, person: &PersonChange) -> Self {
        Self {
            key: person_key(prefix, &person.tenant, &person.user),
            change: person.change,
        }
    }
}

/// Reads up to which change the copy is written; nothing if all are to be written.
pub(super) struct ReadProgress<'a> {
    pub(super) prefix: &'a str,
}

/// Notes up to which change the copy is written.
pub(super) struct WriteProgress<'a> {
    pub(super) prefix: &'a str,
    pub(super) changed_at: OffsetDateTime,
    /// Whether there may be no progress yet: all changes are being written.
    pub(super) may_begin: bool,
}

impl ScriptRequest for ReadAccess {
    type Answer = Option<AccessChange>;

    fn into_call(self) -> ScriptCall {
        ScriptCall {
            script: &READ_SCRIPT,
            keys: vec![self.key],
            arguments: Vec::new(),
        }
    }

    fn read_reply(reply: Reply) -> Option<Option<AccessChange>> {
        type Fields = (Option<String>, Option<i64>, Option<i64>);
        let (role, signed_out_at, changed_at): Fields = redis::from_redis_value(reply).ok()?;
        let Some(changed_at) = changed_at else {
            return Some(None);
        };

        let role = match role {
            Some(group) => Some(Role::from_group(&group)?),
            None => None,
        };
        let signed_out_at = match signed_out_at {
            Some(seconds) => Some(OffsetDateTime::from_unix_timestamp(seconds).ok()?),
            None => None,
        };
        Some(Some(AccessChange {
            role,
            signed_out_at,
            changed_at: time_of_micros(changed_at)?,
        }))
    }
}

impl ScriptRequest for WriteAccess {
    type Answer = ();

    fn into_call(self) -> ScriptCall {
        let AccessChange {
            role,
            signed_out_at,
            changed_at,
        } = self.change;
        let role = role.map(|role| role.as_group().to_owned());
        let signed_out_at = signed_out_at.map(|at| at.unix_timestamp().to_string());

        let arguments = [
            micros_of(changed_at),
            role.unwrap_or_default(),
            signed_out_at.unwrap_or_default(),
        ];
        ScriptCall {
            script: &WRITE_SCRIPT,
            keys: vec![self.key],
            arguments: arguments.map(String::into_bytes).to_vec(),
        }
    }

    fn read_reply(_: Reply) -> Option<()> {
        Some(())
    }
}

impl ScriptRequest for ReadProgress<'_> {
    type Answer = Option<OffsetDateTime>;

    fn into_call(self) -> ScriptCall {
        ScriptCall {
            script: &READ_PROGRESS_SCRIPT,
            keys: vec![progress_key(self.prefix)],
            arguments: Vec::new(),
        }
    }

    fn read_reply(reply: Reply) -> Option<Option<OffsetDateTime>> {
        let micros: Option<i64> = redis::from_redis_value(reply).ok()?;
        match micros {
            Some(micros) => time_of_micros(micros).map(Some),
            None => Some(None),
        }
    }
}

impl ScriptRequest for WriteProgress<'_> {
    type Answer = ();

    fn into_call(self) -> ScriptCall {
        let arguments = [
            micros_of(self.changed_at),
            PROGRESS_TTL.as_secs().to_string(),
            i32::from(self.may_begin).to_string(),
        ];
        ScriptCall {
            script: &WRITE_PROGRESS_SCRIPT,
            keys: vec![progress_key(self.prefix)],
            arguments: arguments.map(String::into_bytes).to_vec(),
        }
    }

    fn read_reply(_: Reply) -> Option<()> {
        Some(())
    }
}

/// A tenant's id contains no colon, and a user's id stands last: no two people have one key.
fn person_key(prefix: &str, tenant: &TenantId, user: &UserId) -> String {
    format!("{prefix}:access:{}:{}", tenant.as_str(), user.as_str())
}

/// No tenant is called so: a tenant's id has no dot.
fn progress_key(prefix: &str) -> String {
    format!("{prefix}:access.progress")
}

fn micros_of(at: OffsetDateTime) -> String {
    (at.unix_timestamp_nanos() / 1_000).to_string()
}

fn time_of_micros(micros: i64) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000).ok()
}
