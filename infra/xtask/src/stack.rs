//! A local stack: where its files are, on which ports it listens, and what it says of itself in `stack.env`.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The region of the emulator.
pub const REGION: &str = "eu-west-1";

/// The name of the CloudFormation stack.
pub const NAME: &str = "wenzhen";

/// The ports of the stack's servers.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    /// PostgreSQL.
    pub postgres: u16,
    /// Valkey.
    pub valkey: u16,
    /// The AWS emulator.
    pub aws: u16,
}

/// A local stack.
#[derive(Debug)]
pub struct Stack {
    /// The checkout.
    pub root: PathBuf,
    /// Everything that the stack keeps.
    pub home: PathBuf,
    /// Where its servers listen.
    pub ports: Ports,
    /// Where the tests' own model provider will listen; only the tests' stack has one.
    pub provider: Option<u16>,
    /// The AWS endpoint that the user set, if it is not the stack's own emulator.
    pub foreign_aws: Option<String>,
}

impl Stack {
    /// The stack of the checkout, on fixed ports.
    pub fn default_one() -> Result<Self> {
        let root = checkout()?;
        let ports = Ports {
            postgres: port("WENZHEN_POSTGRES_PORT", 55_432)?,
            valkey: port("WENZHEN_VALKEY_PORT", 56_379)?,
            aws: port("WENZHEN_AWS_PORT", 4_566)?,
        };
        let own = format!("http://127.0.0.1:{}", ports.aws);
        let foreign_aws =
            variable("AWS_ENDPOINT_URL").filter(|url| url.trim_end_matches('/') != own);
        Ok(Self {
            home: root.join(".local"),
            root,
            ports,
            provider: None,
            foreign_aws,
        })
    }

    /// A stack of its own for the tests, on ports that are free now.
    pub fn for_tests() -> Result<Self> {
        let root = checkout()?;
        let [postgres, valkey, aws, provider] = free_ports()?;
        let ports = Ports {
            postgres,
            valkey,
            aws,
        };
        Ok(Self {
            home: root.join(".local/test"),
            root,
            ports,
            provider: Some(provider),
            foreign_aws: None,
        })
    }

    /// Where the benchmarks' stack lives.
    pub fn for_benches() -> Result<Self> {
        Ok(Self {
            home: checkout()?.join(".local/bench"),
            provider: None,
            ..Self::for_tests()?
        })
    }

    /// This stack as `stack.env` describes it, whatever the environment says by now.
    pub fn as_running(&self) -> Result<Self> {
        Self::running(&self.env_file())
    }

    /// A stack that runs, by its `stack.env`.
    pub fn running(env_file: &Path) -> Result<Self> {
        let home = env_file
            .parent()
            .context("stack.env stands in no directory")?
            .to_path_buf();
        let ports = Ports {
            postgres: 0,
            valkey: 0,
            aws: 0,
        };
        let mut stack = Self {
            root: checkout()?,
            home,
            ports,
            provider: None,
            foreign_aws: None,
        };
        stack.foreign_aws = Some(stack.env("AWS_ENDPOINT_URL")?);
        let port_of = |name: &str| -> Result<u16> {
            let url: url::Url = stack.env(name)?.parse()?;
            url.port()
                .with_context(|| format!("{name} in stack.env has no port"))
        };
        stack.ports = Ports {
            postgres: port_of("DATABASE_URL")?,
            valkey: port_of("VALKEY_URL")?,
            aws: port_of("AWS_ENDPOINT_URL")?,
        };
        Ok(stack)
    }

    /// The virtual environment; every stack of the checkout shares it.
    pub fn tools(&self) -> PathBuf {
        self.root.join(".local/tools")
    }

    /// The AWS endpoint that everything is reached through.
    pub fn aws_endpoint(&self) -> String {
        self.foreign_aws
            .clone()
            .unwrap_or_else(|| format!("http://127.0.0.1:{}", self.ports.aws))
    }

    /// The file that says what runs where.
    pub fn env_file(&self) -> PathBuf {
        self.home.join("stack.env")
    }

    /// Writes `stack.env`.
    pub fn write_env(&self, values: &BTreeMap<&str, String>) -> Result<()> {
        let text = values.iter().fold(String::new(), |text, (name, value)| {
            text + &format!("{name}={value}\n")
        });
        write_private(&self.env_file(), &text)
    }

    /// Reads one value of `stack.env`.
    pub fn env(&self, name: &str) -> Result<String> {
        let text = fs::read_to_string(self.env_file())
            .context("there is no stack; start it with `cargo xtask up`")?;
        let value = text
            .lines()
            .filter_map(|line| line.split_once('='))
            .find(|(key, _)| *key == name);
        value.map(|(_, value)| value.to_owned()).with_context(|| {
            format!("stack.env has no {name}; deploy the stack with `cargo xtask up`")
        })
    }

    /// The AWS clients' configuration for this stack.
    pub async fn aws(&self) -> aws_config::SdkConfig {
        let credentials =
            aws_sdk_s3::config::Credentials::new("local", "local", None, None, "stack");
        let loader = aws_config::from_env();
        let loader = loader
            .endpoint_url(self.aws_endpoint())
            .region(aws_config::Region::new(REGION));
        if variable("AWS_ENDPOINT_URL").is_some() && variable("AWS_ACCESS_KEY_ID").is_some() {
            return loader.load().await;
        }
        loader.credentials_provider(credentials).load().await
    }
}

/// Cargo says where it runs the tool; without it, the place where it was built must do.
fn checkout() -> Result<PathBuf> {
    let here = variable("CARGO_MANIFEST_DIR").filter(|path| path.ends_with("infra/xtask"));
    let here = PathBuf::from(here.as_deref().unwrap_or(env!("CARGO_MANIFEST_DIR")));
    here.ancestors()
        .nth(2)
        .map(Path::to_path_buf)
        .context("the tool stands outside its checkout")
}

/// Writes a file that only its owner may read.
pub fn write_private(path: &Path, text: &str) -> Result<()> {
    let mut options = fs::OpenOptions::new();
    let file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.with_context(|| format!("{} cannot be written", path.display()))
}

fn port(name: &str, default: u16) -> Result<u16> {
    match variable(name) {
        None => Ok(default),
        Some(text) => text
            .parse()
            .with_context(|| format!("{name} must be a port number, 1 to 65535")),
    }
}

/// A variable of the environment that is set to something.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place of this tool that reads the environment"
)]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name)
        .ok()
        .filter(|value| !value.trim().is_empty())
}

/// Ports that are free now; all are held until the last is found, so that they differ.
fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let mut held = Vec::new();
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}

/// Refuses a port that somebody else listens on.
pub fn require_free(port: u16, whose: &str, variable: &str) -> Result<()> {
    if TcpListener::bind(("127.0.0.1", port)).is_err() {
        bail!(
            "port {port}, which {whose} needs, is in use; stop what listens there, or set {variable} to another port"
        );
    }
    Ok(())
}
