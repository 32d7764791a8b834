//! The tools, from Python's package index: a virtual environment with pinned versions, whose files must have the hashes in
//! `infra/local/requirements.txt`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::report::Step;
use crate::stack::Stack;

/// The directory of the environment's programs.
pub fn bin(stack: &Stack) -> PathBuf {
    stack.tools().join("bin")
}

/// Installs the tools unless they are there already.
pub fn install(stack: &Stack) -> Result<()> {
    let step = Step::begin("Tools (PostgreSQL, Valkey, AWS emulator, cargo-lambda)");
    let requirements = stack.root.join("infra/local/requirements.txt");
    let wanted = sha256(&fs::read(&requirements)?);
    let stamp = stack.tools().join("installed");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        step.end("there");
        return Ok(());
    }
    let python = find_python()?;
    step.make_room();
    fs::create_dir_all(stack.tools())?;
    run(
        Command::new(python)
            .arg("-m")
            .arg("venv")
            .arg("--clear")
            .arg(stack.tools()),
        VENV,
    )?;
    run(
        pip(stack)
            .arg("install")
            .args(PIP)
            .arg("--requirement")
            .arg(&requirements),
        "the tools cannot be installed",
    )?;
    fs::write(stamp, wanted)?;
    step.end("installed");
    Ok(())
}

const VENV: &str = "no virtual environment can be made; on Debian and Ubuntu install python3-venv";

/// Every dependency stands in the file with its hash, but for the cross compiler that cargo-lambda would bring along.
const PIP: &[&str] = &[
    "--quiet",
    "--disable-pip-version-check",
    "--no-deps",
    "--only-binary=:all:",
    "--require-hashes",
];

fn pip(stack: &Stack) -> Command {
    let mut command = Command::new(bin(stack).join("python"));
    command.args(["-m", "pip"]);
    command
}

fn find_python() -> Result<&'static str> {
    let new_enough = "import sys; sys.exit(sys.version_info < (3, 10))";
    let names = [
        "python3",
        "python3.14",
        "python3.13",
        "python3.12",
        "python3.11",
        "python3.10",
        "python",
    ];
    names
        .into_iter()
        .find(|name| Command::new(name).args(["-c", new_enough]).output().is_ok_and(|out| out.status.success()))
        .context("Python 3.10 or later is needed and was not found; install it, so that `python3` starts it")
}

/// Runs a command to its end; its output goes to the terminal.
pub fn run(command: &mut Command, failure: &str) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("{} cannot be started", program(command)))?;
    if !status.success() {
        bail!("{failure} ({} ended with {status})", program(command));
    }
    Ok(())
}

fn program(command: &Command) -> String {
    Path::new(command.get_program()).display().to_string()
}

/// The SHA-256 of some bytes, in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// The directory that the environment's packages are in.
pub fn packages(stack: &Stack) -> Result<PathBuf> {
    let lib = stack.tools().join("lib");
    let entries =
        fs::read_dir(&lib).with_context(|| format!("{} cannot be read", lib.display()))?;
    entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path().join("site-packages")))
        .find(|path| path.is_dir())
        .context("the tools are incomplete; delete .local/tools and run `cargo xtask up` again")
}
