//! Reads the rules of triage (`src/triage/rules/*.toml`), checks them, and writes them as tables,
//! so that a function that starts has nothing to parse and nothing to compile. Lists the
//! migrations.
//!
//! The code that reads the pattern language is the crate's own.

#[path = "build/classifier_tables.rs"]
mod classifier_tables;
#[path = "src/triage/compiler/mod.rs"]
#[expect(dead_code, reason = "the crate reads what the build script writes")]
mod compiler;
#[path = "src/triage/cue_effect.rs"]
#[expect(dead_code, reason = "the build script asks for the Chinese cues alone")]
mod cue_effect;
#[path = "src/triage/data.rs"]
mod data;
#[path = "build/han_phrases.rs"]
mod han_phrases;
#[path = "build/lexicon_tables.rs"]
mod lexicon_tables;
#[path = "build/list_tables.rs"]
mod list_tables;
#[path = "build/migration_files.rs"]
mod migration_files;
#[path = "build/rule_files.rs"]
mod rule_files;
#[path = "build/rule_tables.rs"]
mod rule_tables;
#[path = "build/sounds.rs"]
mod sounds;
#[path = "build/table_files.rs"]
mod table_files;
#[path = "src/text/han.rs"]
mod text;
#[path = "build/vocabulary.rs"]
mod vocabulary;

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    match write_tables() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            for line in error.to_string().lines() {
                println!("cargo::error={line}");
            }
            ExitCode::FAILURE
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "Cargo tells a build script its folders by the environment"
)]
fn write_tables() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let folder = root.join("src/triage/rules");
    let questions = root.join("src/triage/checklist/questions.toml");
    let migrations = root.join("../infra/migrations");
    let weights = root.join("src/triage/data/classifier_weights.tsv");
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed={}", migrations.display());
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", folder.display());
    println!("cargo::rerun-if-changed={}", questions.display());
    println!("cargo::rerun-if-changed={}", weights.display());

    let book = rule_files::read_rules(&folder, &questions)?;

    let out = PathBuf::from(env::var("OUT_DIR")?);
    migration_files::write_table(&migrations, &out)?;
    fs::write(
        out.join("triage_findings.rs"),
        rule_tables::findings_source(&book),
    )?;
    fs::write(
        out.join("triage_rules.rs"),
        rule_tables::rules_source(&book),
    )?;
    fs::write(
        out.join("triage_questions.rs"),
        rule_tables::questions_source(&book),
    )?;
    fs::write(
        out.join("triage_sections.rs"),
        list_tables::sections_source(),
    )?;
    list_tables::write_tables(&out)?;
    classifier_tables::write_tables(&weights, &out)?;
    lexicon_tables::write_tables(&book, &out)
}
