//! Servers that outlive the command that started them.
//!
//! A pid alone may have been given to somebody else meanwhile, so each pid file also holds the process's start time, and
//! only a process that matches both is ever stopped.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, Signal, System, UpdateKind};

use crate::stack::Stack;

/// One server of a stack.
pub struct Server<'a> {
    stack: &'a Stack,
    name: &'static str,
}

impl<'a> Server<'a> {
    /// The server called `name`.
    pub fn new(stack: &'a Stack, name: &'static str) -> Self {
        Self { stack, name }
    }

    fn pid_file(&self) -> PathBuf {
        self.stack.home.join(format!("{}.pid", self.name))
    }

    /// Where it writes what it has to say.
    pub fn log_file(&self) -> PathBuf {
        self.stack.home.join(format!("{}.log", self.name))
    }

    /// Whether the process that `up` started still runs. A stale pid file is none.
    pub fn is_running(&self) -> bool {
        self.pid().is_some()
    }

    fn pid(&self) -> Option<Pid> {
        let text = fs::read_to_string(self.pid_file()).ok()?;
        let (pid, started) = text.trim().split_once(' ')?;
        let pid = Pid::from_u32(pid.parse().ok()?);
        (started_at(pid)?.to_string() == started).then_some(pid)
    }

    /// Starts it in a process group of its own, so that Ctrl-C in the terminal does not reach it.
    pub fn start(&self, mut command: Command) -> Result<()> {
        let log = File::create(self.log_file())?;
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0);
        let child = command
            .spawn()
            .with_context(|| format!("{} cannot be started", self.name))?;
        let started = started_at(Pid::from_u32(child.id())).unwrap_or_default();
        fs::write(self.pid_file(), format!("{} {started}\n", child.id()))?;
        Ok(())
    }

    /// Asks it to end and waits until it has; after 20 seconds it is killed. `false` if it was not running.
    pub fn stop(&self) -> Result<bool> {
        let Some(pid) = self.pid() else {
            remove(self.pid_file())?;
            return Ok(false);
        };
        // PostgreSQL's "fast" shutdown, which does not wait for its clients, is SIGINT.
        let signal = if self.name == "postgres" {
            Signal::Interrupt
        } else {
            Signal::Term
        };
        send(pid, signal);
        let started = Instant::now();
        let mut killed = false;
        while self.pid().is_some() {
            if !killed && started.elapsed() > Duration::from_secs(20) {
                killed = send(pid, Signal::Kill);
            }
            if started.elapsed() > Duration::from_secs(30) {
                bail!(
                    "{} (pid {pid}) does not end, not even when killed; end it by hand",
                    self.name
                );
            }
            pause();
        }
        remove(self.pid_file())?;
        Ok(true)
    }

    /// Waits until `is_ready`; an error if the process ends or `limit` passes first.
    pub async fn wait_until<Ready: Future<Output = bool>>(
        &self,
        limit: Duration,
        is_ready: impl Fn() -> Ready,
    ) -> Result<()> {
        let end = Instant::now() + limit;
        while !is_ready().await {
            if !self.is_running() {
                bail!(
                    "{} ended while it started; see {}",
                    self.name,
                    self.log_file().display()
                );
            }
            if Instant::now() > end {
                bail!(
                    "{} did not answer within {} s; see {}",
                    self.name,
                    limit.as_secs(),
                    self.log_file().display()
                );
            }
            #[expect(clippy::disallowed_methods, reason = "a poll with a bound")]
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}

/// Kills every environment of a function of this stack's emulator, as Lambda may at any moment: SIGKILL, no last words. Returns how
/// many there were. `function` is the name that the emulator knows it by.
pub fn kill_environments(stack: &Stack, function: &str) -> usize {
    kill_environments_if(stack, function, |_| true)
}

/// Kills those whose pid fits.
pub fn kill_environments_if(stack: &Stack, function: &str, fits: impl Fn(u32) -> bool) -> usize {
    let mut system = System::new();
    let kind = ProcessRefreshKind::nothing().with_environ(UpdateKind::Always);
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, kind);
    let wanted = [
        format!("AWS_LAMBDA_FUNCTION_NAME={function}"),
        format!("AWS_ENDPOINT_URL={}", stack.aws_endpoint()),
    ];
    let is_ours = |process: &&sysinfo::Process| {
        process.thread_kind().is_none()
            && wanted
                .iter()
                .all(|one| process.environ().iter().any(|entry| entry == one.as_str()))
            && fits(process.pid().as_u32())
    };
    system
        .processes()
        .values()
        .filter(is_ours)
        .filter(|process| process.kill_with(Signal::Kill) == Some(true))
        .count()
}

/// A short pause between two looks at a process.
#[expect(
    clippy::disallowed_methods,
    reason = "a poll with a bound, outside any runtime's work"
)]
fn pause() {
    std::thread::sleep(Duration::from_millis(50));
}

fn remove(file: PathBuf) -> Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

fn look_up(pid: Pid) -> System {
    let mut system = System::new();
    system.refresh_processes_specifics(
        ProcessesToUpdate::Some(&[pid]),
        true,
        ProcessRefreshKind::nothing(),
    );
    system
}

/// Seconds since 1970 at which a living process started; a zombie lives no more.
fn started_at(pid: Pid) -> Option<u64> {
    let system = look_up(pid);
    let process = system.process(pid)?;
    (process.status() != sysinfo::ProcessStatus::Zombie).then(|| process.start_time())
}

/// Whether the signal was delivered.
fn send(pid: Pid, signal: Signal) -> bool {
    look_up(pid)
        .process(pid)
        .is_some_and(|process| process.kill_with(signal) == Some(true))
}
