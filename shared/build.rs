//! Reads the rules of triage (`src/triage/rules/*.toml`), checks them, and writes them as tables of
//! Rust, so that a function that starts has nothing to parse.

#[path = "build/rule_files.rs"]
mod rule_files;
#[path = "build/rule_tables.rs"]
mod rule_tables;

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

#[expect(
    clippy::disallowed_methods,
    reason = "Cargo tells a build script its folders by the environment"
)]
fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let folder = root.join("src/triage/rules");
    let questions = root.join("src/triage/checklist/questions.toml");
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed={}", folder.display());
    println!("cargo::rerun-if-changed={}", questions.display());

    let book = rule_files::read_rules(&folder, &questions)?;

    let out = PathBuf::from(env::var("OUT_DIR")?);
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
    Ok(())
}
