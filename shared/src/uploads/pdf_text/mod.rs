//! The text of a PDF, read in a process of its own.
//!
//! What a stranger sends may make any parser panic, overflow its stack, loop or ask for all memory.
//! The process has bounds of time and memory that the kernel holds, no credentials, and nothing to
//! log with, and what it has written until it ends is the text.
//!
//! | file | what |
//! |---|---|
//! | `process` | what the process does |
//! | `extract` | pages and their operators |
//! | `layout` | where words and lines end |
//! | `font` | what the codes of a font mean |
//! | `encoding` | the characters of fonts with one byte for each |

mod encoding;
mod extract;
mod font;
mod layout;
mod process;

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use crate::error::Error;
use crate::telemetry::metrics;
pub use process::{is_text_process, run_text_process};

/// The largest PDF whose text is read, in bytes.
pub const MAX_PDF_BYTES: u64 = 50 * 1024 * 1024;

/// The longest text that is kept of one, in bytes.
pub const MAX_TEXT_BYTES: usize = 1_000_000;

/// The longest that the process may run. The kernel also counts its time of the CPU.
const PROCESS_TIMEOUT: Duration = Duration::from_secs(30);

/// Of a text's characters, how many of a hundred may be unknown.
const MAX_UNKNOWN_PERCENT: usize = 20;

/// Stands for a character of which the font does not tell what it is.
const UNKNOWN: char = '\u{fffd}';

/// Reads texts of PDFs.
pub struct PdfTextReader {
    program: PathBuf,
}

impl PdfTextReader {
    /// With `program`, whose `main` asks [`is_text_process`].
    pub const fn new(program: PathBuf) -> Self {
        Self { program }
    }

    /// With the running program, also when its file was replaced.
    pub fn of_this_program() -> Self {
        Self::new(PathBuf::from("/proc/self/exe"))
    }

    /// The text of a PDF, at most [`MAX_TEXT_BYTES`]; none if there is none to be had: it is
    /// scanned, needs a password, is broken, or takes more time or memory than it may.
    ///
    /// An error if no process can be started now, which another run may do.
    pub async fn read(&self, pdf: &Bytes) -> Result<Option<String>, Error> {
        let (text, is_whole) = self.run_process(pdf).await.map_err(Error::internal)?;

        let text = readable(text);
        let outcome = match (&text, is_whole) {
            (Some(_), true) => "whole",
            (Some(_), false) => "begun",
            (None, true) => "none",
            (None, false) => "failed",
        };
        metrics::count("PdfTextRead", &[("outcome", outcome)]);
        Ok(text)
    }

    /// What the process wrote, and whether it came to its end.
    async fn run_process(&self, pdf: &Bytes) -> std::io::Result<(Vec<u8>, bool)> {
        let mut child = Command::new(&self.program)
            .arg(process::ARGUMENT)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null()) // a panic's message may quote the file
            .kill_on_drop(true)
            .spawn()?;

        let mut text = Vec::new();
        let exchange = async {
            exchange(&mut child, pdf, &mut text).await;
            child.wait().await
        };
        if let Ok(status) = tokio::time::timeout(PROCESS_TIMEOUT, exchange).await {
            return Ok((text, status?.success()));
        }

        child.kill().await?;
        Ok((text, false))
    }
}

/// Gives the process the file, and takes what it writes.
async fn exchange(child: &mut Child, pdf: &Bytes, text: &mut Vec<u8>) {
    let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return;
    };
    let mut stdout = stdout.take(MAX_TEXT_BYTES as u64);

    // A process that has ended takes no more, and its status tells.
    let write = async move { stdin.write_all(pdf).await };
    let read = async {
        while let Ok(1..) = stdout.read_buf(text).await {}
        drop(stdout);
    };
    let (_, ()) = futures::join!(write, read);
}

/// The text, unless there is nothing to read in it.
fn readable(text: Vec<u8>) -> Option<String> {
    let text = match String::from_utf8(text) {
        Ok(text) => text,
        // It was cut within a character.
        Err(error) => {
            let end = error.utf8_error().valid_up_to();
            let mut bytes = error.into_bytes();
            bytes.truncate(end);
            String::from_utf8(bytes).ok()?
        }
    };

    let mut visible = text.chars().filter(|it| !it.is_whitespace());
    let unknown = visible.clone().filter(|it| *it == UNKNOWN).count();
    let count = visible.clone().count();
    let is_known = unknown * 100 <= count * MAX_UNKNOWN_PERCENT;
    (visible.next().is_some() && is_known).then_some(text)
}
