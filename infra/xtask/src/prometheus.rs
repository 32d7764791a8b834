//! A real Prometheus on the local stack: whether it takes the metrics, whether each alert comes
//! when it should, and whether each query of the dashboard finds something.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use reqwest::Client;
use serde_json::Value;

use crate::process::Server;
use crate::report::Step;
use crate::settings::METRICS_TOKEN;
use crate::stack::{Stack, find_free_port, write_private};

/// Where the rules, their drill and the dashboard are.
const FOLDER: &str = "infra/monitoring";

/// From the start of the server to the second scrape.
const START_TIMEOUT: Duration = Duration::from_mins(1);

/// One call of the stack or the server.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// Where there are no packages of Debian's.
const INSTALL_ADVICE: &str = "install Prometheus (https://prometheus.io/download) so that \
                              `prometheus` and `promtool` are on the PATH";

/// Checks the rules and triggers each alert once, with series that are made up.
pub fn check_rules(stack: &Stack) -> Result<()> {
    let programs = install(stack)?;
    let step = Step::begin("promtool: each alert comes when it should");
    let folder = stack.root.join(FOLDER);
    for arguments in [
        ["check", "rules", "rules.yml"],
        ["test", "rules", "drill.yml"],
    ] {
        let mut promtool = Command::new(programs.join("promtool"));
        promtool.args(arguments).current_dir(&folder);
        run_quietly(&mut promtool, "a rule or its drill has the faults above")?;
    }
    step.end("clean");
    Ok(())
}

/// Lets a Prometheus scrape the running stack, whose tests have made something to count, and asks
/// it all that the dashboard and the alerts ask.
pub async fn check_stack(stack: &Stack) -> Result<()> {
    let programs = install(stack)?;
    let step = Step::begin("Prometheus scrapes the stack");
    let url = stack.env("API_URL")?;
    check_metrics(&programs, &scrape(&url).await?)?;

    let port = find_free_port()?;
    let server = Server::new(stack, "prometheus");
    server.start(prometheus(stack, &programs, port, &url)?)?;
    let asked = ask_all(stack, &server, port).await;
    server.stop()?;
    let queries = asked?;
    step.end(&format!("{queries} queries, none empty"));
    Ok(())
}

/// The folder of the programs: those on the PATH, or Debian's, unpacked below `.local/` without
/// root.
fn install(stack: &Stack) -> Result<PathBuf> {
    let folder = stack.root.join(".local/prometheus");
    let programs = folder.join("usr/bin");
    if programs.join("promtool").is_file() {
        return Ok(programs);
    }
    #[expect(clippy::disallowed_methods, reason = "no setting of ours")]
    let path = std::env::var_os("PATH").unwrap_or_default();
    let has_both = |folder: &PathBuf| {
        ["prometheus", "promtool"]
            .iter()
            .all(|program| folder.join(program).is_file())
    };
    if let Some(found) = std::env::split_paths(&path).find(has_both) {
        return Ok(found);
    }

    let step = Step::begin("Prometheus, from Debian's packages");
    download(&folder).context(INSTALL_ADVICE)?;
    let entries = fs::read_dir(&folder)?;
    let mut files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let package = files.find(|file| file.extension().is_some_and(|kind| kind == "deb"));
    let mut unpack = Command::new("dpkg-deb");
    unpack
        .arg("--extract")
        .arg(package.context(INSTALL_ADVICE)?)
        .arg(&folder);
    run_quietly(&mut unpack, INSTALL_ADVICE)?;
    step.end("installed");
    Ok(programs)
}

/// With lists of packages of its own if the machine has none: those need no root.
fn download(folder: &Path) -> Result<()> {
    let state = folder.join("apt");
    fs::create_dir_all(state.join("lists/partial"))?;
    let apt = |arguments: &[&str]| {
        let mut apt = Command::new("apt-get");
        apt.current_dir(folder).args(arguments);
        apt
    };
    if run_quietly(&mut apt(&["download", "prometheus"]), "no lists").is_ok() {
        return Ok(());
    }

    let lists = format!("Dir::State::lists={}", state.join("lists").display());
    let cache = format!("Dir::Cache={}", state.display());
    let options = ["-o", lists.as_str(), "-o", cache.as_str()];
    run_quietly(apt(&["update"]).args(options), "apt-get update has failed")?;
    run_quietly(
        apt(&["download", "prometheus"]).args(options),
        "apt-get download has failed",
    )
}

/// Runs a command; what it prints is shown if it fails.
fn run_quietly(command: &mut Command, failure: &str) -> Result<()> {
    let program = command.get_program().display().to_string();
    let output = command
        .output()
        .with_context(|| format!("{program} cannot be started"))?;
    if !output.status.success() {
        let printed = [output.stdout, output.stderr].concat();
        bail!("{failure}\n{}", String::from_utf8_lossy(&printed));
    }
    Ok(())
}

async fn scrape(url: &str) -> Result<String> {
    let client = Client::builder().timeout(CALL_TIMEOUT).build()?;
    let request = client
        .get(format!("{url}/metrics"))
        .bearer_auth(METRICS_TOKEN);
    let answer = request.send().await?.error_for_status()?;
    Ok(answer.text().await?)
}

/// Whether promtool can read them. It also has advice on names, which ends with 3 and is passed
/// over: `_ms` is no base unit, but the one in which the limits of this system are written.
fn check_metrics(programs: &Path, metrics: &str) -> Result<()> {
    let mut promtool = Command::new(programs.join("promtool"))
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdin = promtool.stdin.take().context("promtool has no input")?;
    stdin.write_all(metrics.as_bytes())?;
    drop(stdin);

    let output = promtool.wait_with_output()?;
    let is_read = output.status.success() || output.status.code() == Some(3);
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(is_read, "promtool cannot read the metrics: {printed}");
    Ok(())
}

fn prometheus(stack: &Stack, programs: &Path, port: u16, url: &str) -> Result<Command> {
    let target: url::Url = url.parse()?;
    let host = target.host_str().context("the API has no host")?;
    let address = match target.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    let path = format!("{}/metrics", target.path().trim_end_matches('/'));
    let token = stack.home.join("metrics-token");
    write_private(&token, METRICS_TOKEN)?;
    let rules = stack.root.join(FOLDER).join("rules.yml");
    let config = stack.home.join("prometheus.yml");
    let settings = format!(
        "global: {{scrape_interval: 2s, evaluation_interval: 2s}}\n\
         rule_files: ['{}']\n\
         scrape_configs:\n\
         - job_name: wenzhen\n  \
           scheme: {}\n  \
           metrics_path: {path}\n  \
           authorization: {{credentials_file: '{}'}}\n  \
           static_configs: [{{targets: ['{address}']}}]\n",
        rules.display(),
        target.scheme(),
        token.display(),
    );
    fs::write(&config, settings)?;

    let data = stack.home.join("prometheus-data");
    if data.exists() {
        fs::remove_dir_all(&data)?;
    }
    let mut prometheus = Command::new(programs.join("prometheus"));
    prometheus
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", data.display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"));
    Ok(prometheus)
}

/// Asks each query of the dashboard, which has to find something, and of the alerts, which has to
/// be understood. Returns how many there were.
async fn ask_all(stack: &Stack, server: &Server<'_>, port: u16) -> Result<usize> {
    let client = Client::builder().timeout(CALL_TIMEOUT).build()?;
    let client = Questioner { client, port };
    let has_scraped_twice = async || {
        let scrapes = client
            .ask("count_over_time(up{job=\"wenzhen\"}[1m]) >= 3 and up == 1")
            .await;
        scrapes.is_ok_and(|found| found > 0)
    };
    server.wait_until(START_TIMEOUT, has_scraped_twice).await?;

    let mut empty = Vec::new();
    let queries = dashboard_queries(&stack.root.join(FOLDER).join("grafana/prometheus.json"))?;
    for query in &queries {
        if client.ask(query).await? == 0 {
            empty.push(query.clone());
        }
    }
    ensure!(
        empty.is_empty(),
        "these queries of the dashboard find nothing:\n{}",
        empty.join("\n")
    );
    client.check_rules().await?;
    Ok(queries.len())
}

fn dashboard_queries(file: &Path) -> Result<Vec<String>> {
    let dashboard: Value = serde_json::from_slice(&fs::read(file)?)?;
    let panels = array_at(&dashboard, "/panels").context("no panels")?;
    let targets = panels
        .iter()
        .filter_map(|panel| array_at(panel, "/targets"));
    let queries = targets
        .flatten()
        .filter_map(|target| target.get("expr")?.as_str());
    Ok(queries.map(ToOwned::to_owned).collect())
}

fn array_at<'a>(json: &'a Value, path: &str) -> Option<&'a Vec<Value>> {
    json.pointer(path)?.as_array()
}

struct Questioner {
    client: Client,
    port: u16,
}

impl Questioner {
    /// How many series a query finds.
    async fn ask(&self, query: &str) -> Result<usize> {
        let mut url: url::Url = format!("http://127.0.0.1:{}/api/v1/query", self.port).parse()?;
        url.query_pairs_mut().append_pair("query", query);
        let answer: Value = self.client.get(url).send().await?.json().await?;
        let found = array_at(&answer, "/data/result");
        found
            .map(Vec::len)
            .with_context(|| format!("{query} is not understood: {answer}"))
    }

    /// Whether all rules were evaluated without an error.
    async fn check_rules(&self) -> Result<()> {
        let url = format!("http://127.0.0.1:{}/api/v1/rules", self.port);
        let answer: Value = self.client.get(url).send().await?.json().await?;
        let groups = array_at(&answer, "/data/groups").context("no groups of rules")?;
        let mut rules = groups
            .iter()
            .filter_map(|group| array_at(group, "/rules"))
            .flatten();
        let broken = rules.find(|rule| rule.get("health") != Some(&Value::from("ok")));
        ensure!(broken.is_none(), "a rule cannot be evaluated: {broken:?}");
        Ok(())
    }
}
