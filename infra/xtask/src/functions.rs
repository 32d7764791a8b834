//! Building the functions' one binary for this machine and packing it as Lambda wants it.

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_norway::Value;
use zip::write::SimpleFileOptions;

use crate::report::Step;
use crate::stack::Stack;
use crate::tools;

/// The binary of every function, ready to be uploaded.
pub struct Package {
    /// A name that changes with the content, so that unchanged functions are not deployed again.
    pub key: String,
    /// The zip file.
    pub zip: Vec<u8>,
}

/// Builds the functions in the `dev` profile, for the architecture of this machine.
pub fn build(stack: &Stack) -> Result<Package> {
    let step = Step::begin("Functions");
    let mut cargo = Command::new("cargo");
    cargo
        .current_dir(&stack.root)
        .args(["rustc", "--quiet", "--locked"])
        .args(["--package", "wenzhen-functions", "--bin", "wenzhen"]);
    // Without symbols it is a quarter as large, and each environment unpacks it.
    cargo.args(["--", "-C", "strip=symbols"]);
    let failure = "the functions do not compile; mend what the compiler says above";
    tools::run(&mut cargo, failure)?;

    let package = package(stack)?;
    let megabytes = package.zip.len() / 1_000_000;
    step.end(&format!("built, {megabytes} MB"));
    Ok(package)
}

/// The binary as it was last built.
pub fn package(stack: &Stack) -> Result<Package> {
    pack(&stack.root.join("target/debug/wenzhen")).context("the functions' binary")
}

/// The functions' names: each `Handler:` of template.yaml.
pub fn names(stack: &Stack) -> Result<Vec<String>> {
    let text = fs::read_to_string(stack.root.join("template.yaml"))?;
    let template: Value = serde_norway::from_str(&text).context("template.yaml is not YAML")?;
    let resources = template.get("Resources").and_then(Value::as_mapping);

    let mut names: Vec<_> = resources
        .into_iter()
        .flatten()
        .filter_map(|(_, resource)| resource.get("Properties")?.get("Handler")?.as_str())
        .map(str::to_owned)
        .collect();
    names.sort();
    Ok(names)
}

/// Not compressed: it only travels over loopback.
fn pack(program: &Path) -> Result<Package> {
    let content = fs::read(program)?;
    let hash = tools::sha256(&content);
    let short_hash: String = hash.chars().take(16).collect();

    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Stored)
        .unix_permissions(0o755);
    zip.start_file("bootstrap", options)?;
    zip.write_all(&content)?;

    Ok(Package {
        key: format!("wenzhen-{short_hash}.zip"),
        zip: zip.finish()?.into_inner(),
    })
}

/// The architecture of this machine in Lambda's words.
pub const fn architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "x86_64"
    }
}
