//! The stacks as the SAM CLI takes them: validated, and built as an operator builds them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use crate::report::Step;
use crate::stack::{Stack, env_variable};
use crate::tools;

/// What `sam validate --lint` reads.
const TEMPLATES: [&str; 3] = [
    "template.yaml",
    "infra/production.yaml",
    "infra/deploy-role.yaml",
];

/// What a build takes besides templates.
const SOURCES: [&str; 4] = [
    "samconfig.toml",
    "template.yaml",
    "infra/canary.py",
    "infra/artifact/Makefile",
];

/// The environments of `samconfig.toml`, and whether they are built with a canary.
const BUILDS: [(&str, bool); 3] = [("dev", false), ("prod", false), ("prod", true)];

/// A name that the SAM CLI wants and asks nobody about.
const REGION: &str = "us-east-1";

/// The compiler takes half an hour, and has its own checks: it is enough that it is called.
const COMPILER: &str = "\
[ \"$1 $2\" = 'lambda build' ] || exit 1
mkdir -p target/lambda/wenzhen
echo binary > target/lambda/wenzhen/bootstrap";

/// The certificates of RDS come from AWS.
const DOWNLOADER: &str = "\
while [ \"$1\" != --output ]; do shift; done
echo certificates > \"$2\"";

/// Validates the templates, and builds each environment with a stand-in for the compiler.
pub(crate) fn check_stacks(stack: &Stack) -> Result<()> {
    tools::SAM.install(stack)?;

    let step = Step::begin("sam validate --lint");
    for template in TEMPLATES {
        let mut validate = sam(stack, &stack.root);
        validate.args(["validate", "--lint", "--template", template]);
        run_quietly(&mut validate)?;
    }
    step.end("clean");

    let step = Step::begin("sam build, with a stand-in for the compiler");
    for (environment, has_canary) in BUILDS {
        build(stack, environment, has_canary)?;
    }
    step.end("built");
    Ok(())
}

fn sam(stack: &Stack, folder: &Path) -> Command {
    let mut sam = Command::new(tools::SAM.program(stack));
    sam.current_dir(folder).envs([
        ("AWS_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", "none"),
        ("AWS_SECRET_ACCESS_KEY", "none"),
        ("SAM_CLI_TELEMETRY", "0"),
    ]);
    sam
}

/// Runs a command whose output matters only if it fails.
fn run_quietly(command: &mut Command) -> Result<()> {
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}\n{said}\n{errors}");
    Ok(())
}

/// In a copy, which a canary changes and a build fills.
fn build(stack: &Stack, environment: &str, has_canary: bool) -> Result<()> {
    let copy = stack.root.join(".local/sam-build");
    if copy.exists() {
        fs::remove_dir_all(&copy)?;
    }
    copy_sources(stack, &copy)?;
    if has_canary {
        let mut canary = Command::new(tools::bin_folder(stack).join("python"));
        run_quietly(canary.arg(copy.join("infra/canary.py")))?;
    }

    let programs = copy.join("bin");
    fs::create_dir(&programs)?;
    write_program(&programs.join("cargo"), COMPILER)?;
    write_program(&programs.join("curl"), DOWNLOADER)?;

    let path = env_variable("PATH").unwrap_or_default();
    let mut sam = sam(stack, &copy);
    sam.args(["build", "--config-env", environment])
        .env("PATH", format!("{}:{path}", programs.display()));
    run_quietly(&mut sam)?;

    let built = copy.join(".aws-sam/build");
    for file in [
        "template.yaml",
        "Application/template.yaml",
        "Application/Worker/bootstrap",
        "Application/Worker/rds-bundle.pem",
    ] {
        ensure!(built.join(file).is_file(), "sam build has made no {file}");
    }
    Ok(())
}

fn copy_sources(stack: &Stack, to: &Path) -> Result<()> {
    fs::create_dir_all(to.join("infra/artifact"))?;
    for file in SOURCES {
        fs::copy(stack.root.join(file), to.join(file))?;
    }

    for entry in fs::read_dir(stack.root.join("infra"))? {
        let file: PathBuf = entry?.path();
        let name = file.file_name().unwrap_or_default().to_owned();
        if file.extension().is_some_and(|kind| kind == "yaml") {
            fs::copy(&file, to.join("infra").join(name))?;
        }
    }
    Ok(())
}

fn write_program(file: &Path, text: &str) -> Result<()> {
    fs::write(file, format!("#!/bin/sh\n{text}\n"))?;
    fs::set_permissions(file, fs::Permissions::from_mode(0o755))?;
    Ok(())
}
