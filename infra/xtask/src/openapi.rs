//! `cargo xtask openapi`: writes the description of the API from the code.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::report::Step;
use crate::stack::Stack;

/// Where the description is, below the root.
const FILE: &str = "docs/openapi.json";

fn described() -> Result<String> {
    let text = serde_json::to_string_pretty(&wenzhen::openapi::document())?;
    Ok(text + "\n")
}

/// Writes `docs/openapi.json`.
pub fn write(stack: &Stack) -> Result<()> {
    let path = stack.root.join(FILE);
    let step = Step::begin(FILE);
    fs::write(&path, described()?).with_context(|| format!("{FILE} cannot be written"))?;
    step.end("written");
    Ok(())
}

/// Fails if the file does not say what the code does.
pub fn check(stack: &Stack) -> Result<()> {
    let written = fs::read_to_string(stack.root.join(FILE)).unwrap_or_default();
    if written != described()? {
        bail!("{FILE} is not what the code says: run `cargo xtask openapi`");
    }
    Ok(())
}
