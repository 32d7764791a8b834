//! How the execution environment is that answers.

use std::fs;

use super::status::Space;
use crate::config;

/// Where files of an invocation are: Lambda gives nothing else to write to.
const DISK: &str = "/tmp";

/// Kibibytes of `/proc`.
const KIBIBYTE: u64 = 1_024;

/// The files below `/tmp`; none where it cannot be asked.
pub(super) fn disk() -> Option<Space> {
    let disk = rustix::fs::statvfs(DISK).ok()?;
    let total_bytes = disk.f_blocks.saturating_mul(disk.f_frsize);
    let free_bytes = disk.f_bavail.saturating_mul(disk.f_frsize);
    Some(Space {
        used_bytes: total_bytes.saturating_sub(free_bytes),
        total_bytes,
    })
}

/// The memory of the process, of what the function has; none outside of Lambda.
pub(super) fn memory() -> Option<Space> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let resident = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = resident.split_whitespace().next()?.parse().ok()?;
    Some(Space {
        used_bytes: kibibytes.saturating_mul(KIBIBYTE),
        total_bytes: config::function_memory()?,
    })
}
