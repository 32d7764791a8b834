//! Building the functions for this machine and packing them as Lambda wants them.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use zip::write::SimpleFileOptions;

use crate::report::Step;
use crate::stack::Stack;
use crate::tools;

/// A function ready to be uploaded.
pub struct Package {
    /// A name that changes with the content, so that an unchanged function is not deployed again.
    pub key: String,
    /// The zip file.
    pub zip: Vec<u8>,
}

/// Builds every function in the `dev` profile, for the architecture of this machine. By name, such as `worker`.
pub fn build(stack: &Stack) -> Result<BTreeMap<String, Package>> {
    let step = Step::begin("Functions");
    let names = names(stack)?;
    let mut cargo = Command::new("cargo");
    cargo
        .current_dir(&stack.root)
        .args(["build", "--quiet", "--locked"]);
    for name in &names {
        cargo.args(["--package", name]);
    }
    tools::run(
        &mut cargo,
        "the functions do not compile; mend what the compiler says above",
    )?;
    let built = stack.root.join("target/debug");
    let packages = names
        .into_iter()
        .map(|name| {
            let package = pack(&built.join(&name)).with_context(|| format!("function {name}"))?;
            Ok((
                name.clone(),
                Package {
                    key: format!("{name}-{}.zip", package.0),
                    zip: package.1,
                },
            ))
        })
        .collect::<Result<BTreeMap<_, _>>>()?;
    step.end(&format!("{} built", packages.len()));
    Ok(packages)
}

/// The package of one function as it was last built.
pub fn package(stack: &Stack, name: &str) -> Result<Package> {
    let (key, zip) = pack(&stack.root.join("target/debug").join(name))
        .with_context(|| format!("function {name}"))?;
    Ok(Package { key, zip })
}

/// The crates below `functions/`.
pub fn names(stack: &Stack) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(stack.root.join("functions"))? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Not compressed: it only travels over loopback.
fn pack(program: &Path) -> Result<(String, Vec<u8>)> {
    let content = fs::read(program)?;
    let hash = tools::sha256(&content);
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Stored)
        .unix_permissions(0o755);
    zip.start_file("bootstrap", options)?;
    zip.write_all(&content)?;
    Ok((hash.chars().take(16).collect(), zip.finish()?.into_inner()))
}

/// What Lambda calls the architecture of this machine.
pub const fn architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "x86_64"
    }
}
