//! The API against its own description: schemathesis calls each route as it is described, and in
//! ways that the description rules out, and holds each answer against it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::timeout;

use crate::report::Step;
use crate::settings::METRICS_TOKEN;
use crate::stack::{Stack, write_private};
use crate::users::{self, Person, Role};
use crate::{provider, tools};

/// What is called and checked, but for who calls.
const CONFIG: &str = "infra/local/schemathesis.toml";

/// The description, as the stack serves it.
const DESCRIPTION: &str = "openapi.json";

/// Far more than a round takes: what hangs ends.
const ROUND_TIMEOUT: Duration = Duration::from_mins(10);

/// Answers that say nothing of what a route does: who calls may not, or not now.
const REFUSALS: [u16; 3] = [401, 403, 429];

/// Calls by people of one role.
struct Round {
    name: &'static str,
    /// Whose people call.
    tenant: &'static str,
    role: Role,
    /// How many take turns: so many that nobody's turn comes twice, so that no call is refused
    /// since its caller has made too many, however fast the machine is.
    people: usize,
    choice: Choice,
}

/// The operations of a round, by their names in the description.
enum Choice {
    Only(&'static [&'static str]),
    AllBut(&'static [&'static str]),
}

/// Ends the tokens that people call with, whose ids stand in other answers. So it is called in a
/// round of its own, with ids that nobody has.
const SIGN_OUT: &str = "signOutUser";

/// What clinicians may do, and patients may not, is called by clinicians; the rest of what they may
/// do, admins may do as well.
const OF_A_CLINIC: [Round; 2] = [
    Round {
        name: "patients",
        tenant: "contract",
        role: Role::Patient,
        people: 40,
        choice: Choice::AllBut(&[
            "createDocument",
            "deleteDocument",
            "getTrace",
            "importUsers",
            "listAuditEvents",
            "listDocuments",
            "listJobs",
            "listUsers",
            "redriveJobs",
            SIGN_OUT,
        ]),
    },
    Round {
        name: "clinicians",
        tenant: "contract",
        role: Role::Clinician,
        people: 20,
        choice: Choice::Only(&[
            "createDocument",
            "deleteDocument",
            "getTrace",
            "listDocuments",
            "listUsers",
        ]),
    },
];

/// At the same time, in a tenant of their own: what one has made, no other removes.
const OF_ADMINS: [Round; 2] = [
    Round {
        name: "admins",
        tenant: "contract-admins",
        role: Role::Admin,
        people: 50,
        choice: Choice::AllBut(&[SIGN_OUT]),
    },
    Round {
        name: "sign-out",
        tenant: "contract-admins",
        role: Role::Admin,
        people: 4,
        choice: Choice::Only(&[SIGN_OUT]),
    },
];

/// How often each operation was answered with each status.
#[derive(Default)]
struct Answers(BTreeMap<String, BTreeMap<u16, usize>>);

/// Calls all that the description of the running stack names.
pub async fn check_stack(stack: &Stack) -> Result<()> {
    tools::SCHEMATHESIS.install(stack)?;
    let models = provider::start_scripted(stack)?;
    let checked = Box::pin(run_rounds(stack)).await;
    if let Some(models) = models {
        models.stop()?;
    }
    checked
}

async fn run_rounds(stack: &Stack) -> Result<()> {
    let folder = stack.home.join("contract");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let operations = fetch_description(stack, &folder).await?;

    let step = Step::begin("schemathesis: the API is what it says");
    let run_in_turn = async |rounds: &[Round]| -> Result<Vec<PathBuf>> {
        let mut noted = Vec::new();
        for round in rounds {
            step.note(round.name);
            noted.push(run_round(stack, &folder, round).await?);
        }
        Ok(noted)
    };
    let noted = tokio::join!(run_in_turn(&OF_A_CLINIC), run_in_turn(&OF_ADMINS));
    let noted = match noted {
        (Ok(clinic), Ok(admins)) => [clinic, admins].concat(),
        (Err(one), Err(other)) => bail!("{one}\n{other}"),
        (Err(error), Ok(_)) | (Ok(_), Err(error)) => return Err(error),
    };

    let mut answers = Answers::default();
    for calls in noted {
        answers.read(&fs::read_to_string(calls)?)?;
    }
    fs::write(folder.join("answers.txt"), answers.table())?;

    let unanswered = answers.unanswered(&operations);
    ensure!(
        unanswered.is_empty(),
        "these were never answered but by 401, 403 or 429, so nothing was tested: {}",
        unanswered.join(", ")
    );
    let (calls, operations) = (answers.count(), answers.0.len());
    let successes = answers.successful();
    step.end(&format!(
        "{calls} calls of {operations} operations, {successes} with success"
    ));
    Ok(())
}

/// Makes the calls of one round. Returns the file that notes each of them.
async fn run_round(stack: &Stack, folder: &Path, round: &Round) -> Result<PathBuf> {
    let callers = folder.join(format!("{}.callers.json", round.name));
    write_private(&callers, &callers_of(stack, round).await?.to_string())?;

    let calls = folder.join(format!("{}.ndjson", round.name));
    let mut schemathesis = Command::new(tools::SCHEMATHESIS.program(stack));
    schemathesis
        .current_dir(&stack.root)
        .env("WENZHEN_CALLERS", &callers)
        // It writes nothing beside the sources.
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("HYPOTHESIS_STORAGE_DIRECTORY", folder.join("hypothesis"))
        .args(["--config-file", CONFIG, "run"])
        .arg(folder.join(DESCRIPTION))
        .args(["--url", &stack.env("API_URL")?])
        .args(round.choice.arguments())
        .arg("--report-ndjson-path")
        .arg(&calls)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let ended = timeout(ROUND_TIMEOUT, schemathesis.output()).await;
    fs::remove_file(&callers)?;

    let name = round.name;
    let output = ended
        .with_context(|| format!("the calls of {name} have not ended: does one wait for ever?"))?
        .context("schemathesis cannot be started")?;
    fs::write(folder.join(format!("{name}.txt")), &output.stdout)?;
    if !output.status.success() {
        let printed = [output.stdout, output.stderr].concat();
        bail!(
            "an answer to {name} is not what the description says; mend the route, or \
             shared/src/openapi\n{}",
            String::from_utf8_lossy(&printed)
        );
    }
    Ok(calls)
}

/// The tokens with which a round calls.
async fn callers_of(stack: &Stack, round: &Round) -> Result<Value> {
    let mut tokens = Vec::new();
    for number in 0..round.people {
        let person = Person {
            tenant: round.tenant.to_owned(),
            user: format!("{}-{number}", round.name),
            role: round.role,
        };
        tokens.push(users::token(stack, &person).await?);
    }
    Ok(json!({ "tokens": tokens, "scraper": METRICS_TOKEN }))
}

/// Keeps the description that the stack serves. Returns its operations, as `GET /v1/jobs`. As a
/// file, since schemathesis leaves the route out that it reads a description from.
async fn fetch_description(stack: &Stack, folder: &Path) -> Result<BTreeSet<String>> {
    let url = format!("{}/openapi.json", stack.env("API_URL")?);
    let answer = reqwest::get(url).await?.error_for_status()?;
    let text = answer.text().await?;
    fs::write(folder.join(DESCRIPTION), &text)?;

    let document: Value = serde_json::from_str(&text)?;
    let paths = document.get("paths").and_then(Value::as_object);
    let paths = paths.context("the description has no paths")?;

    let mut operations = BTreeSet::new();
    for (path, methods) in paths {
        for method in methods.as_object().context("a path has no methods")?.keys() {
            operations.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    Ok(operations)
}

impl Choice {
    fn arguments(&self) -> Vec<&'static str> {
        let (option, names) = match self {
            Self::Only(names) => ("--include-operation-id", names),
            Self::AllBut(names) => ("--exclude-operation-id", names),
        };
        names.iter().flat_map(|name| [option, *name]).collect()
    }
}

impl Answers {
    /// Counts the answers of a round, by its events, one a line.
    fn read(&mut self, events: &str) -> Result<()> {
        for event in events.lines() {
            let event: Value = serde_json::from_str(event)?;
            let Some(recorder) = event.pointer("/ScenarioFinished/recorder") else {
                continue;
            };
            let interactions = recorder.get("interactions").and_then(Value::as_object);
            for (case, interaction) in interactions.into_iter().flatten() {
                self.count_answer(recorder, case, interaction)?;
            }
        }
        Ok(())
    }

    fn count_answer(&mut self, recorder: &Value, case: &str, interaction: &Value) -> Result<()> {
        // A call that got no answer is a failure of its own.
        let Some(status) = interaction.pointer("/response/status_code") else {
            return Ok(());
        };
        let status: u16 = serde_json::from_value(status.clone())?;
        let text = |field: &str| {
            let found = recorder.pointer(&format!("/cases/{case}/value/{field}"));
            found.and_then(Value::as_str)
        };
        let (method, path) = text("method")
            .zip(text("path"))
            .context("a call of nothing")?;
        let statuses = self.0.entry(format!("{method} {path}")).or_default();
        *statuses.entry(status).or_default() += 1;
        Ok(())
    }

    fn count(&self) -> usize {
        self.0.values().flat_map(BTreeMap::values).sum()
    }

    /// How many operations have done what they were asked for.
    fn successful(&self) -> usize {
        let is_success = |status: &u16| (200..400).contains(status);
        let answered = self.0.values();
        answered
            .filter(|statuses| statuses.keys().any(is_success))
            .count()
    }

    /// The operations that only refusals came from, or nothing.
    fn unanswered(&self, described: &BTreeSet<String>) -> Vec<String> {
        let says_something = |operation: &str| {
            let statuses = self.0.get(operation);
            statuses.is_some_and(|them| them.keys().any(|status| !REFUSALS.contains(status)))
        };
        let silent = described
            .iter()
            .filter(|operation| !says_something(operation));
        silent.cloned().collect()
    }

    /// A line for each operation.
    fn table(&self) -> String {
        let lines = self.0.iter().map(|(operation, statuses)| {
            let counts = statuses
                .iter()
                .map(|(status, count)| format!(" {status}: {count}"));
            format!("{operation:<45}{}\n", counts.collect::<Vec<_>>().join(","))
        });
        lines.collect()
    }
}
