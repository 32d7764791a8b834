//! The tools, from Python's package index: a virtual environment with pinned versions, whose files
//! must have the hashes in `infra/local`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::report::Step;
use crate::stack::Stack;

/// Every dependency stands in the file with its hash, but for the cross compiler that cargo-lambda
/// would bring along.
const PIP_OPTIONS: [&str; 5] = [
    "--quiet",
    "--disable-pip-version-check",
    "--no-deps",
    "--only-binary=:all:",
    "--require-hashes",
];

/// The packages, of files in `infra/local`.
const REQUIREMENTS: [&str; 2] = ["requirements.txt", "chroma.txt"];

/// The packages of checkov, whose environment lies within the tools'.
const CHECKOV_REQUIREMENTS: &str = "checkov.txt";

/// The packages of schemathesis, whose environment lies there too.
const SCHEMATHESIS_REQUIREMENTS: &str = "schemathesis.txt";

/// The packages of the SAM CLI, whose environment lies there too.
const SAM_REQUIREMENTS: &str = "sam.txt";

/// What a Python interpreter may be called, the likeliest first.
const PYTHON_NAMES: [&str; 7] = [
    "python3",
    "python3.14",
    "python3.13",
    "python3.12",
    "python3.11",
    "python3.10",
    "python",
];

/// A Python program that fails on an interpreter that is too old.
const PYTHON_VERSION_CHECK: &str = "import sys; sys.exit(sys.version_info < (3, 10))";

/// The file in an environment that says what was installed.
const STAMP: &str = "installed";

const NO_PYTHON: &str = "Python 3.10 or later is needed and was not found; install it, so that \
                         `python3` starts it";

const NO_VENV: &str = "no virtual environment can be made; on Debian and Ubuntu install \
                       python3-venv, then run the command again";

const NO_PACKAGES: &str = "the tools cannot be installed; see pip's message above, and run the \
                           command again when the package index can be reached";

/// The directory of the environment's programs.
pub fn bin_folder(stack: &Stack) -> PathBuf {
    stack.tools().join("bin")
}

/// Whether this checkout has ever had the tools, of this version or an older one.
pub fn were_installed(stack: &Stack) -> bool {
    stamp_file(stack).exists()
}

/// The file that holds the hashes of the installed requirements.
fn stamp_file(stack: &Stack) -> PathBuf {
    stack.tools().join(STAMP)
}

/// The program of checkov.
pub fn checkov(stack: &Stack) -> PathBuf {
    checkov_folder(stack).join("bin/checkov")
}

fn checkov_folder(stack: &Stack) -> PathBuf {
    stack.tools().join("checkov")
}

/// Installs the tools unless they are there already.
pub fn install(stack: &Stack) -> Result<()> {
    let step = Step::begin("Tools (PostgreSQL, Valkey, AWS emulator, cargo-lambda)");
    let requirements = REQUIREMENTS.map(|file| requirements_file(stack, file));
    provide_environment(step, &stack.tools(), &requirements)
}

/// Installs checkov unless it is there already: some 300 MB, which only the checks need.
pub fn install_checkov(stack: &Stack) -> Result<()> {
    let step = Step::begin("checkov, in an environment of its own");
    let requirements = [requirements_file(stack, CHECKOV_REQUIREMENTS)];
    provide_environment(step, &checkov_folder(stack), &requirements)
}

/// The program of schemathesis.
pub fn schemathesis(stack: &Stack) -> PathBuf {
    schemathesis_folder(stack).join("bin/st")
}

fn schemathesis_folder(stack: &Stack) -> PathBuf {
    stack.tools().join("schemathesis")
}

/// Installs schemathesis unless it is there already.
pub fn install_schemathesis(stack: &Stack) -> Result<()> {
    let step = Step::begin("schemathesis, in an environment of its own");
    let requirements = [requirements_file(stack, SCHEMATHESIS_REQUIREMENTS)];
    provide_environment(step, &schemathesis_folder(stack), &requirements)
}

/// The program of the SAM CLI.
pub fn sam(stack: &Stack) -> PathBuf {
    sam_folder(stack).join("bin/sam")
}

fn sam_folder(stack: &Stack) -> PathBuf {
    stack.tools().join("sam")
}

/// Installs the SAM CLI unless it is there already: some 300 MB, which only the checks need.
pub fn install_sam(stack: &Stack) -> Result<()> {
    let step = Step::begin("The SAM CLI, in an environment of its own");
    let requirements = [requirements_file(stack, SAM_REQUIREMENTS)];
    provide_environment(step, &sam_folder(stack), &requirements)
}

fn requirements_file(stack: &Stack, name: &str) -> PathBuf {
    stack.root.join("infra/local").join(name)
}

/// Makes a virtual environment with these packages, unless it has them.
fn provide_environment(step: Step, folder: &Path, requirements: &[PathBuf]) -> Result<()> {
    let mut wanted = String::new();
    for file in requirements {
        wanted.push_str(&sha256(&fs::read(file)?));
    }

    let stamp = folder.join(STAMP);
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        step.end("there");
        return Ok(());
    }

    let python = find_python()?;
    step.make_room();
    fs::create_dir_all(folder)?;
    make_environment(folder, python)?;
    install_packages(folder, requirements)?;

    fs::write(stamp, wanted)?;
    step.end("installed");
    Ok(())
}

fn find_python() -> Result<&'static str> {
    let is_new_enough = |name: &&str| {
        let checked = Command::new(name)
            .args(["-c", PYTHON_VERSION_CHECK])
            .output();
        checked.is_ok_and(|output| output.status.success())
    };

    let mut names = PYTHON_NAMES.into_iter();
    names.find(is_new_enough).context(NO_PYTHON)
}

fn make_environment(folder: &Path, python: &str) -> Result<()> {
    let mut venv = Command::new(python);
    venv.args(["-m", "venv", "--clear"]).arg(folder);
    run(&mut venv, NO_VENV)
}

fn install_packages(folder: &Path, requirements: &[PathBuf]) -> Result<()> {
    let mut pip = pip_of(folder);
    for file in requirements {
        pip.arg("--requirement").arg(file);
    }

    run(&mut pip, NO_PACKAGES)
}

/// A command that installs packages whose hashes are known.
pub fn pip_install(stack: &Stack) -> Command {
    pip_of(&stack.tools())
}

fn pip_of(environment: &Path) -> Command {
    let mut pip = Command::new(environment.join("bin/python"));
    pip.args(["-m", "pip", "install"]).args(PIP_OPTIONS);
    pip
}

/// Runs a command to its end; its output goes to the terminal.
pub fn run(command: &mut Command, failure: &str) -> Result<()> {
    let program = Path::new(command.get_program()).display().to_string();
    let status = command
        .status()
        .with_context(|| format!("{program} cannot be started; is it installed?"))?;
    if !status.success() {
        bail!("{failure} ({program} ended with {status})");
    }

    Ok(())
}

/// The SHA-256 of some bytes, in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    let bytes = Sha256::digest(bytes);
    let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
    digits.collect::<Vec<_>>().concat()
}

/// The directory that the environment's packages are in.
pub fn packages_folder(stack: &Stack) -> Result<PathBuf> {
    let lib = stack.tools().join("lib");
    let entries =
        fs::read_dir(&lib).with_context(|| format!("{} cannot be read", lib.display()))?;

    let mut folders = entries.filter_map(|entry| {
        let python = entry.ok()?.path();
        Some(python.join("site-packages"))
    });

    folders
        .find(|path| path.is_dir())
        .context("the tools are incomplete; delete .local/tools and run `cargo xtask up` again")
}
