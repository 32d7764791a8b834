//! Servers that outlive the command that started them.
//!
//! The system may have given a pid to another process meanwhile, so each pid file also holds the
//! process's start time, and only a process that matches both is ever stopped.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use sysinfo::{
    Pid, Process, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, Signal, System, UpdateKind,
};

use crate::stack::Stack;

/// A server that has not ended by then is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);

/// From the first signal on; a killed server that has not ended by then is reported.
const KILL_TIMEOUT: Duration = Duration::from_secs(30);

/// Between two looks at a process.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// One server of a stack.
pub struct Server<'a> {
    stack: &'a Stack,
    name: &'static str,
    stop_signal: Signal,
}

impl<'a> Server<'a> {
    /// The server called `name`, which ends in order at SIGTERM.
    pub fn new(stack: &'a Stack, name: &'static str) -> Self {
        Self {
            stack,
            name,
            stop_signal: Signal::Term,
        }
    }

    /// The same server, which ends in order at `signal` instead.
    #[must_use]
    pub fn with_stop_signal(self, signal: Signal) -> Self {
        Self {
            stop_signal: signal,
            ..self
        }
    }

    /// It holds the pid and the start time, in seconds since 1970.
    fn pid_file(&self) -> PathBuf {
        self.stack.home.join(format!("{}.pid", self.name))
    }

    /// Where its output goes.
    pub fn log_file(&self) -> PathBuf {
        self.stack.home.join(format!("{}.log", self.name))
    }

    /// Whether the process that `up` started still runs. A stale pid file is none.
    pub fn is_running(&self) -> bool {
        self.running_pid().is_some()
    }

    fn running_pid(&self) -> Option<Pid> {
        let text = fs::read_to_string(self.pid_file()).ok()?;
        let (pid, start_time) = text.trim().split_once(' ')?;
        let pid = Pid::from_u32(pid.parse().ok()?);

        let is_ours = read_start_time(pid)?.to_string() == start_time;
        is_ours.then_some(pid)
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
        let pid = child.id();
        let start_time = read_start_time(Pid::from_u32(pid)).unwrap_or_default();
        fs::write(self.pid_file(), format!("{pid} {start_time}\n"))?;

        Ok(())
    }

    /// Asks it to end and waits until it has; after 20 seconds it is killed. `false` if it was not
    /// running.
    pub fn stop(&self) -> Result<bool> {
        let Some(pid) = self.running_pid() else {
            remove_file(self.pid_file())?;
            return Ok(false);
        };

        send_signal(pid, self.stop_signal);
        let asked_at = Instant::now();
        let mut was_killed = false;
        while self.is_running() {
            if !was_killed && asked_at.elapsed() > STOP_TIMEOUT {
                was_killed = send_signal(pid, Signal::Kill);
            }
            if asked_at.elapsed() > KILL_TIMEOUT {
                let name = self.name;
                bail!("{name} (pid {pid}) does not end, not even when killed; end it by hand");
            }
            wait_briefly();
        }

        remove_file(self.pid_file())?;
        Ok(true)
    }

    /// Waits until `is_ready`; an error if the process ends or `timeout` passes first.
    pub async fn wait_until<Ready: Future<Output = bool>>(
        &self,
        timeout: Duration,
        is_ready: impl Fn() -> Ready,
    ) -> Result<()> {
        let end = Instant::now() + timeout;
        let (name, log) = (self.name, self.log_file());

        while !is_ready().await {
            if !self.is_running() {
                bail!("{name} ended while it started; see {}", log.display());
            }
            if Instant::now() > end {
                let (seconds, log) = (timeout.as_secs(), log.display());
                bail!("{name} did not answer within {seconds} s; see {log}");
            }
            #[expect(clippy::disallowed_methods, reason = "a poll with a bound")]
            tokio::time::sleep(POLL_INTERVAL).await;
        }

        Ok(())
    }
}

/// Kills every environment of a function of this stack's emulator, as Lambda may at any moment:
/// SIGKILL, without a chance to clean up. Returns how many there were. `function` is the name that
/// the emulator knows it by.
pub fn kill_environments(stack: &Stack, function: &str) -> usize {
    kill_environments_if(stack, function, |_| true)
}

/// Kills those environments of a function whose pid fits.
pub fn kill_environments_if(stack: &Stack, function: &str, fits: impl Fn(u32) -> bool) -> usize {
    let mut system = System::new();
    let kind = ProcessRefreshKind::nothing().with_environ(UpdateKind::Always);
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, kind);

    let wanted = [
        format!("AWS_LAMBDA_FUNCTION_NAME={function}"),
        format!("AWS_ENDPOINT_URL={}", stack.aws_endpoint()),
    ];

    let is_environment = |process: &&Process| {
        let is_process = process.thread_kind().is_none();
        is_process && has_variables(process, &wanted) && fits(process.pid().as_u32())
    };

    let environments = system.processes().values().filter(is_environment);
    environments
        .filter(|process| process.kill_with(Signal::Kill) == Some(true))
        .count()
}

/// Whether the process was started with all these variables, each as `NAME=value`.
fn has_variables(process: &Process, wanted: &[String]) -> bool {
    let variables = process.environ();
    wanted
        .iter()
        .all(|variable| variables.iter().any(|entry| entry == variable.as_str()))
}

#[expect(
    clippy::disallowed_methods,
    reason = "a poll with a bound, outside any runtime's work"
)]
fn wait_briefly() {
    std::thread::sleep(POLL_INTERVAL);
}

/// Removes a file, which need not exist.
fn remove_file(file: PathBuf) -> Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// A look at one process; it is not there if it does not run.
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
fn read_start_time(pid: Pid) -> Option<u64> {
    let system = look_up(pid);
    let process = system.process(pid)?;
    let is_alive = process.status() != ProcessStatus::Zombie;
    is_alive.then(|| process.start_time())
}

/// Whether the signal was delivered.
fn send_signal(pid: Pid, signal: Signal) -> bool {
    let system = look_up(pid);
    let process = system.process(pid);
    process.is_some_and(|process| process.kill_with(signal) == Some(true))
}
