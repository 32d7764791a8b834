//! What the process does: reads a PDF from its input and writes the text to its output.

use std::io::{Read, Write};

use rustix::process::{Resource, Rlimit, setrlimit};

use super::extract::write_text;
use super::{MAX_PDF_BYTES, MAX_TEXT_BYTES};

/// Tells the program to be this process.
pub(super) const ARGUMENT: &str = "read-pdf-text";

/// Time of the CPU, in seconds.
const MAX_CPU_SECONDS: u64 = 15;

/// Address space, in bytes: the program itself, the file, and what it is unpacked to.
const MAX_MEMORY_BYTES: u64 = 768 * 1024 * 1024;

/// Whether the running program was started to read a PDF. Asked first thing in `main`.
pub fn is_text_process() -> bool {
    std::env::args_os().nth(1).is_some_and(|it| it == ARGUMENT)
}

/// Reads a PDF from the standard input and writes its text to the standard output, page by page, so
/// that what was written stays if a later page is too much.
pub fn run_text_process() -> std::io::Result<()> {
    limit(Resource::Cpu, MAX_CPU_SECONDS)?;
    limit(Resource::As, MAX_MEMORY_BYTES)?;
    limit(Resource::Core, 0)?; // it would hold the file

    let mut pdf = Vec::new();
    std::io::stdin()
        .lock()
        .take(MAX_PDF_BYTES)
        .read_to_end(&mut pdf)?;
    let mut output = std::io::stdout().lock();
    write_text(pdf, MAX_TEXT_BYTES, &mut output)?;
    output.flush()
}

fn limit(resource: Resource, value: u64) -> std::io::Result<()> {
    let both = Rlimit {
        current: Some(value),
        maximum: Some(value),
    };
    setrlimit(resource, both).map_err(Into::into)
}
