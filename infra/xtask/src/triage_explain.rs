//! `cargo xtask triage-explain`: what triage reads in a text.

use clap::{Args, ValueEnum};
use wenzhen::triage::{self, Complaint, FlagStatus, Mention, ReadAs};

use crate::report::say;

/// The text, and who says it.
#[derive(Args)]
pub struct Options {
    /// The patient's words
    text: String,
    /// Age in completed years
    #[arg(long)]
    age: Option<u8>,
    /// The patient's sex
    #[arg(long)]
    sex: Option<Sex>,
    /// Earlier illnesses and medicines, in the patient's words
    #[arg(long)]
    history: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Sex {
    Female,
    Male,
    Other,
}

impl From<Sex> for triage::Sex {
    fn from(sex: Sex) -> Self {
        match sex {
            Sex::Female => Self::Female,
            Sex::Male => Self::Male,
            Sex::Other => Self::Other,
        }
    }
}

/// Prints each finding with its words and status, then the urgency and the flags behind it.
pub fn run(options: &Options) {
    let complaint = Complaint {
        symptoms: &options.text,
        history: options.history.as_deref(),
        age: options.age,
        sex: options.sex.map(Into::into),
    };

    for Mention {
        finding,
        words,
        status,
    } in triage::mentions(&complaint)
    {
        say(format!("{status:<10} {finding:<32} {words}"));
    }

    let assessed = triage::assess(&complaint);
    for ReadAs { written, read } in &assessed.read_as {
        say(format!("read {written} as {read}"));
    }
    say(format!("\nurgency: {}", assessed.urgency.as_str()));
    for flag in &assessed.red_flags {
        let doubt = match flag.status {
            FlagStatus::Present => "",
            FlagStatus::Uncertain => ", uncertain",
        };
        let source = flag.source().map_or("", |source| source.url);
        let urgency = flag.urgency.as_str();
        say(format!("  {} ({urgency}{doubt}) {source}", flag.code));
    }
}
