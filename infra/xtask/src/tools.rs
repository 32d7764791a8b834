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

/// A tool of hundreds of megabytes that only some commands need. It has an environment of its own
/// within the tools', since its packages need others of their versions.
pub struct ExtraTool {
    /// As people call it.
    title: &'static str,
    /// Of its environment, and of its packages' file in `infra/local`.
    name: &'static str,
    program: &'static str,
}

/// What finds insecure settings in templates.
pub const CHECKOV: ExtraTool = ExtraTool {
    title: "checkov",
    name: "checkov",
    program: "checkov",
};

/// What holds the API against its description.
pub const SCHEMATHESIS: ExtraTool = ExtraTool {
    title: "schemathesis",
    name: "schemathesis",
    program: "st",
};

/// What an operator builds and deploys with.
pub const SAM: ExtraTool = ExtraTool {
    title: "The SAM CLI",
    name: "sam",
    program: "sam",
};

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

/// Installs the tools unless they are there already.
pub fn install(stack: &Stack) -> Result<()> {
    let step = Step::begin("Tools (PostgreSQL, Valkey, AWS emulator, cargo-lambda)");
    let requirements = REQUIREMENTS.map(|file| requirements_file(stack, file));
    provide_environment(step, &stack.tools(), &requirements)
}

impl ExtraTool {
    /// Its program.
    pub fn program(&self, stack: &Stack) -> PathBuf {
        self.folder(stack).join("bin").join(self.program)
    }

    /// Installs it unless it is there already.
    pub fn install(&self, stack: &Stack) -> Result<()> {
        let step = Step::begin(&format!("{}, in an environment of its own", self.title));
        let requirements = [requirements_file(stack, &format!("{}.txt", self.name))];
        provide_environment(step, &self.folder(stack), &requirements)
    }

    fn folder(&self, stack: &Stack) -> PathBuf {
        stack.tools().join(self.name)
    }
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
