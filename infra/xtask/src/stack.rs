//! A local stack: where its files are, on which ports it listens, and its settings in `stack.env`.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use aws_config::SdkConfig;
use aws_sdk_s3::config::Credentials;

/// The region of the emulator.
pub const REGION: &str = "eu-west-1";

/// The name of the CloudFormation stack.
pub const NAME: &str = "wenzhen";

/// Where `cargo lambda watch` serves the functions.
pub const WATCH_URL: &str = "http://127.0.0.1:9000";

/// The ports of the stack's servers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ports {
    /// PostgreSQL.
    pub postgres: u16,
    /// The server that follows PostgreSQL.
    pub standby: u16,
    /// Valkey.
    pub valkey: u16,
    /// The AWS emulator.
    pub aws: u16,
    /// The embedding model.
    pub embeddings: u16,
    /// Chroma.
    pub chroma: u16,
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
    /// Whether Chroma holds a copy of the vectors.
    pub has_chroma: bool,
    /// The AWS endpoint that the user set, if it is not the stack's own emulator.
    pub foreign_aws: Option<String>,
}

impl Stack {
    /// The stack of the checkout, on fixed ports.
    pub fn of_checkout() -> Result<Self> {
        let root = find_checkout()?;
        let ports = Ports {
            postgres: read_port("WENZHEN_POSTGRES_PORT", 55_432)?,
            standby: read_port("WENZHEN_STANDBY_PORT", 55_433)?,
            valkey: read_port("WENZHEN_VALKEY_PORT", 56_379)?,
            aws: read_port("WENZHEN_AWS_PORT", 4_566)?,
            embeddings: read_port("WENZHEN_EMBEDDINGS_PORT", 56_384)?,
            chroma: read_port("WENZHEN_CHROMA_PORT", 56_388)?,
        };

        let own_url = format!("http://127.0.0.1:{}", ports.aws);
        let is_foreign = |url: &String| url.trim_end_matches('/') != own_url;
        Ok(Self {
            home: root.join(".local"),
            root,
            ports,
            provider: None,
            has_chroma: false,
            foreign_aws: env_variable("AWS_ENDPOINT_URL").filter(is_foreign),
        })
    }

    /// A stack of its own for the tests, on ports that are free now.
    pub fn for_tests() -> Result<Self> {
        let root = find_checkout()?;
        let [postgres, standby, valkey, aws, embeddings, chroma, provider] = find_free_ports()?;
        let ports = Ports {
            postgres,
            standby,
            valkey,
            aws,
            embeddings,
            chroma,
        };

        Ok(Self {
            home: root.join(".local/test"),
            root,
            ports,
            provider: Some(provider),
            has_chroma: false,
            foreign_aws: None,
        })
    }

    /// A stack of its own for the benchmarks, on ports that are free now.
    pub fn for_benches() -> Result<Self> {
        Ok(Self {
            home: find_checkout()?.join(".local/bench"),
            provider: None,
            ..Self::for_tests()?
        })
    }

    /// This stack as `stack.env` describes it, also if the environment has changed since.
    pub fn as_running(&self) -> Result<Self> {
        Self::running(&self.env_file())
    }

    /// A stack that runs, by its `stack.env`.
    pub fn running(env_file: &Path) -> Result<Self> {
        let home = env_file
            .parent()
            .context("stack.env stands in no directory")?;
        let mut stack = Self {
            root: find_checkout()?,
            home: home.to_path_buf(),
            ports: Ports::default(),
            provider: None,
            has_chroma: false,
            foreign_aws: None,
        };

        stack.foreign_aws = Some(stack.env("AWS_ENDPOINT_URL")?);
        stack.ports = Ports {
            postgres: stack.env_port("DATABASE_URL")?,
            standby: stack.env_reader_port()?,
            valkey: stack.env_port("VALKEY_URL")?,
            aws: stack.env_port("AWS_ENDPOINT_URL")?,
            embeddings: stack.env_port("EMBEDDINGS_URL")?,
            chroma: stack.env_port("CHROMA_URL")?,
        };

        Ok(stack)
    }

    /// The port of a URL in `stack.env`.
    fn env_port(&self, name: &str) -> Result<u16> {
        let url: url::Url = self.env(name)?.parse()?;
        url.port()
            .with_context(|| format!("{name} in stack.env has no port"))
    }

    /// The port of `DATABASE_READER` there, which is `host:port`.
    fn env_reader_port(&self) -> Result<u16> {
        let address = self.env("DATABASE_READER")?;
        let (_, port) = address
            .rsplit_once(':')
            .context("DATABASE_READER in stack.env has no port")?;
        Ok(port.parse()?)
    }

    /// The virtual environment; every stack of the checkout shares it.
    pub fn tools(&self) -> PathBuf {
        self.root.join(".local/tools")
    }

    /// The AWS endpoint that everything is reached through.
    pub fn aws_endpoint(&self) -> String {
        let own_url = || format!("http://127.0.0.1:{}", self.ports.aws);
        self.foreign_aws.clone().unwrap_or_else(own_url)
    }

    /// The file of the stack's settings, one `NAME=value` a line.
    pub fn env_file(&self) -> PathBuf {
        self.home.join("stack.env")
    }

    /// Writes `stack.env`.
    pub fn write_env(&self, values: &BTreeMap<&str, String>) -> Result<()> {
        let lines = values.iter();
        let lines = lines.map(|(name, value)| format!("{name}={value}\n"));
        let text = lines.collect::<Vec<_>>().concat();
        write_private(&self.env_file(), &text)
    }

    /// Reads one value of `stack.env`.
    pub fn env(&self, name: &str) -> Result<String> {
        let text = fs::read_to_string(self.env_file())
            .context("there is no stack; start it with `cargo xtask up`")?;

        let mut pairs = text.lines().filter_map(|line| line.split_once('='));
        let (_, value) = pairs.find(|(key, _)| *key == name).with_context(|| {
            format!("stack.env has no {name}; deploy the stack with `cargo xtask up`")
        })?;

        Ok(value.to_owned())
    }

    /// The AWS clients' configuration for this stack.
    pub async fn aws(&self) -> SdkConfig {
        let loader = aws_config::from_env()
            .endpoint_url(self.aws_endpoint())
            .region(aws_config::Region::new(REGION));

        let has_endpoint = env_variable("AWS_ENDPOINT_URL").is_some();
        if has_endpoint && env_variable("AWS_ACCESS_KEY_ID").is_some() {
            return loader.load().await;
        }

        let credentials = Credentials::new("local", "local", None, None, "stack");
        loader.credentials_provider(credentials).load().await
    }
}

/// Cargo says where it runs the tool; without it, the place where it was built must do.
fn find_checkout() -> Result<PathBuf> {
    let is_tool = |path: &String| path.ends_with("infra/xtask");
    let here = env_variable("CARGO_MANIFEST_DIR").filter(is_tool);
    let here = PathBuf::from(here.as_deref().unwrap_or(env!("CARGO_MANIFEST_DIR")));

    here.ancestors()
        .nth(2)
        .map(Path::to_path_buf)
        .context("the tool stands outside its checkout")
}

/// Writes a file that only its owner may read.
pub fn write_private(path: &Path, text: &str) -> Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);

    let file = options.open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.with_context(|| format!("{} cannot be written", path.display()))
}

fn read_port(name: &str, default: u16) -> Result<u16> {
    let Some(text) = env_variable(name) else {
        return Ok(default);
    };

    text.parse()
        .with_context(|| format!("{name} must be a port number, 1 to 65535"))
}

/// A variable of the environment that is set to something.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place of this tool that reads the environment"
)]
pub fn env_variable(name: &str) -> Option<String> {
    let value = std::env::var(name).ok()?;
    let is_empty = value.trim().is_empty();
    (!is_empty).then_some(value)
}

/// A port that is free now.
pub fn find_free_port() -> Result<u16> {
    let [port] = find_free_ports()?;
    Ok(port)
}

/// Ports that are free now; all are held until the last is found, so that they differ.
fn find_free_ports<const N: usize>() -> Result<[u16; N]> {
    let mut held = Vec::new();
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }

    Ok(ports)
}

/// Refuses a port on which another program listens. `server` needs it, and `variable` sets it.
pub fn require_free(port: u16, server: &str, variable: &str) -> Result<()> {
    if TcpListener::bind(("127.0.0.1", port)).is_err() {
        bail!(
            "port {port}, which {server} needs, is in use; stop what listens there, or set \
             {variable} to another port"
        );
    }

    Ok(())
}
