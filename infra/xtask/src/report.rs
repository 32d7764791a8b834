//! What a person reads while it works.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool talks to its user"
)]

use std::fmt::Display;
use std::io::{ErrorKind, Write};
use std::time::Instant;

/// One step: its name when it starts, and how it went when it ends.
pub struct Step {
    started: Instant,
}

impl Step {
    /// Begins a step.
    pub fn begin(name: &str) -> Self {
        print!("{name:.<58} ");
        drop(std::io::stdout().flush());
        Self {
            started: Instant::now(),
        }
    }

    /// Says how far it is, in a word, on the step's line.
    pub fn note(&self, progress: &str) {
        print!("{progress} ");
        drop(std::io::stdout().flush());
    }

    /// Ends it with a word or two.
    pub fn end(self, outcome: &str) {
        let seconds = self.started.elapsed().as_secs_f64();
        println!("{outcome} ({seconds:.1} s)");
    }

    /// Ends the line, since something else is going to print.
    pub fn make_room(&self) {
        println!();
    }
}

/// A line of text. Whoever reads may have seen enough (`| head`): then there is nobody to tell.
pub fn say(text: impl Display) {
    let written = writeln!(std::io::stdout(), "{text}");

    if written.is_err_and(|error| error.kind() == ErrorKind::BrokenPipe) {
        std::process::exit(0);
    }
}

/// What went wrong: one sentence with the next step, then the causes.
pub fn failure(error: &anyhow::Error) {
    eprintln!("\nerror: {error}");
    for cause in error.chain().skip(1) {
        eprintln!("  because: {cause}");
    }
}
