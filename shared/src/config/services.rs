//! Where PostgreSQL and Valkey are.

use std::str::FromStr;

use url::Url;

use super::plaintext::{AllowedPlaintext, ConnectionKind, is_loopback, plaintext_problem};
use super::{ConfigError, optional, required};

/// The variable of [`DatabaseSettings::url`].
pub const DATABASE_URL: &str = "DATABASE_URL";

/// The variable of [`ValkeySettings::url`].
pub const VALKEY_URL: &str = "VALKEY_URL";

/// A service's URL, or where it is kept. It has no `Debug`: a URL may hold a password.
#[derive(Clone)]
pub struct ServiceUrl {
    /// Where the URL is.
    pub source: UrlSource,
    /// Whether it may lead beyond this machine without TLS. A secret's URL is not known before it
    /// is read, so whoever reads it has to ask.
    pub allows_plaintext: bool,
}

/// Where a URL is.
#[derive(Clone)]
pub enum UrlSource {
    /// In the setting.
    Given(Url),
    /// `secret:NAME-OR-ARN`: in a secret string of AWS Secrets Manager.
    Secret(String),
}

impl FromStr for ServiceUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let source = match text.trim().strip_prefix("secret:") {
            Some("") => return Err("names no secret behind `secret:`"),
            Some(id) => UrlSource::Secret(id.to_owned()),
            None => UrlSource::Given(text.parse().map_err(|_| "must be a URL or `secret:NAME`")?),
        };

        Ok(Self {
            source,
            allows_plaintext: false,
        })
    }
}

impl ServiceUrl {
    pub(super) fn given(&self) -> Option<&Url> {
        match &self.source {
            UrlSource::Given(url) => Some(url),
            UrlSource::Secret(_) => None,
        }
    }
}

/// How a function logs in to PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseAuth {
    /// With the password in the URL, or without one.
    Url,
    /// With an IAM token, made locally for each new connection.
    Iam,
}

impl FromStr for DatabaseAuth {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "url" => Ok(Self::Url),
            "iam" => Ok(Self::Iam),
            _ => Err("must be `url` or `iam`"),
        }
    }
}

/// The database.
#[derive(Clone)]
pub struct DatabaseSettings {
    /// `DATABASE_URL`: `postgres://user[:password]@host[:port]/name?sslmode=verify-full`, with
    /// `&sslrootcert=…` for a server whose authority is not a public one; or `secret:NAME`.
    pub url: ServiceUrl,
    /// `DATABASE_AUTH`: `url` (the default) or `iam`.
    pub auth: DatabaseAuth,
}

/// `DATABASE_READER`: `host[:port]` of servers that follow the database, such as Aurora's reader
/// endpoint. They have its users, its name and its TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderAddress {
    /// The host.
    pub host: String,
    /// The port; by default the database's.
    pub port: Option<u16>,
}

impl FromStr for ReaderAddress {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let problem = "must be host or host:port, without a user or a database";
        let url: Url = format!("postgres://{}", text.trim())
            .parse()
            .map_err(|_| problem)?;

        let is_address = url.username().is_empty()
            && url.password().is_none()
            && matches!(url.path(), "" | "/")
            && url.query().is_none()
            && url.fragment().is_none();
        let host = url.host_str().filter(|host| is_address && !host.is_empty());
        Ok(Self {
            host: host.ok_or(problem)?.to_owned(),
            port: url.port(),
        })
    }
}

impl ReaderAddress {
    /// Reads `DATABASE_READER`; none if the database has no readers.
    pub fn from_env() -> Result<Option<Self>, ConfigError> {
        optional("DATABASE_READER")
    }
}

impl DatabaseSettings {
    /// Reads `DATABASE_URL` and `DATABASE_AUTH`.
    pub fn from_env() -> Result<Self, ConfigError> {
        let mut url: ServiceUrl = required(DATABASE_URL)?;
        url.allows_plaintext = AllowedPlaintext::from_env()?.allows(ConnectionKind::Database);

        let auth = optional("DATABASE_AUTH")?.unwrap_or(DatabaseAuth::Url);
        let settings = Self { url, auth };
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), ConfigError> {
        if let Some(url) = self.url.given() {
            check_database_scheme(url)?;
        }
        if self.auth == DatabaseAuth::Iam && !self.url.given().is_some_and(is_verified) {
            let problem = "must be a URL that says sslmode=verify-full with DATABASE_AUTH=iam: \
                           a token is a password in clear, and without one no URL is a secret";
            return Err(ConfigError::new(DATABASE_URL, problem));
        }

        Ok(())
    }
}

/// Refuses a URL that is not PostgreSQL's.
pub fn check_database_scheme(url: &Url) -> Result<(), ConfigError> {
    if matches!(url.scheme(), "postgres" | "postgresql") {
        return Ok(());
    }

    let problem = "must start with postgres://";
    Err(ConfigError::new(DATABASE_URL, problem))
}

/// Whether the server has to prove its name.
fn is_verified(url: &Url) -> bool {
    let mut modes = url
        .query_pairs()
        .filter(|(name, _)| matches!(name.as_ref(), "sslmode" | "ssl-mode"))
        .peekable();

    // Of several the driver takes one: all must ask for it.
    modes.peek().is_some() && modes.all(|(_, mode)| mode == "verify-full")
}

/// Valkey, which holds the cache, the limits and the fleet's circuits.
#[derive(Clone)]
pub struct ValkeySettings {
    /// `VALKEY_URL`: `rediss://[user:password@]host[:port]`, with `?sslrootcert=FILE` for a server
    /// whose authority is not a public one, and `?auth=iam&cache=NAME` for a login to ElastiCache
    /// by IAM; `redis://…` without TLS; or `secret:NAME`. None means that there is no Valkey.
    pub url: Option<ServiceUrl>,
    /// `VALKEY_PREFIX`: the beginning of every key, so that several stacks can share a server.
    /// `wenzhen` by default.
    pub prefix: String,
}

impl ValkeySettings {
    /// Reads `VALKEY_URL` and `VALKEY_PREFIX`.
    pub fn from_env() -> Result<Self, ConfigError> {
        let mut url: Option<ServiceUrl> = optional(VALKEY_URL)?;
        if let Some(url) = &mut url {
            url.allows_plaintext = AllowedPlaintext::from_env()?.allows(ConnectionKind::Cache);
            if let Some(given) = url.given() {
                check_valkey_url(given, url.allows_plaintext)?;
            }
        }

        let prefix: Option<String> = optional("VALKEY_PREFIX")?;
        Ok(Self {
            url,
            prefix: prefix.unwrap_or_else(|| "wenzhen".to_owned()),
        })
    }
}

/// Whom `auth=iam` in Valkey's URL logs in, as ElastiCache knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheUser {
    /// Its id, which is also its name.
    pub user: String,
    /// The name of the replication group or of the serverless cache, in lower case.
    pub cache: String,
    /// Whether the cache is a serverless one.
    pub is_serverless: bool,
}

/// The parameter of Valkey's URL that says how the user logs in.
const AUTH_PARAMETER: &str = "auth";

/// With `auth=iam`, the name of the replication group or of the serverless cache.
const CACHE_PARAMETER: &str = "cache";

/// With `auth=iam`, whether that is a serverless cache.
const SERVERLESS_PARAMETER: &str = "serverless";

impl CacheUser {
    /// Whom the URL logs in by IAM; none if it logs in with a password, or not at all.
    pub fn of_url(url: &Url) -> Result<Option<Self>, ConfigError> {
        let wrong = |problem: &str| Err(ConfigError::new(VALKEY_URL, problem));
        let parameter = |name| url_parameter(url, name);
        let serverless = parameter(SERVERLESS_PARAMETER);
        match parameter(AUTH_PARAMETER).as_deref() {
            Some("iam") => {}
            Some(_) => return wrong("has a parameter auth, which must be iam"),
            None if parameter(CACHE_PARAMETER).is_some() || serverless.is_some() => {
                return wrong("has a parameter cache or serverless, which needs auth=iam");
            }
            None => return Ok(None),
        }

        if !is_encrypted(url) && !is_loopback(url) {
            return wrong(
                "must start with rediss:// with auth=iam: a token is a password in clear",
            );
        }
        if !is_cache_name(url.username()) || url.password().is_some() {
            return wrong("must name a user of ElastiCache, and no password, with auth=iam");
        }
        let Some(cache) = parameter(CACHE_PARAMETER).filter(|name| is_cache_name(name)) else {
            return wrong("must say cache=NAME, the cache's name, with auth=iam");
        };
        if serverless.as_deref().is_some_and(|value| value != "true") {
            return wrong("has a parameter serverless, which must be true");
        }

        Ok(Some(Self {
            user: url.username().to_owned(),
            // ElastiCache keeps the names so, and the token has to have what it keeps.
            cache: cache.to_ascii_lowercase(),
            is_serverless: serverless.is_some(),
        }))
    }
}

/// What ElastiCache takes for the name of a cache or the id of a user. Nothing else may stand in a
/// token, whose host is the name.
fn is_cache_name(name: &str) -> bool {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    name.starts_with(|first: char| first.is_ascii_alphabetic()) && name.chars().all(is_part)
}

/// The value of a URL's parameter.
pub fn url_parameter(url: &Url, name: &str) -> Option<String> {
    let mut parameters = url.query_pairs();
    let found = parameters.find(|(known, _)| known == name);
    found.map(|(_, value)| value.into_owned())
}

/// Whether Valkey is asked through TLS.
pub fn is_encrypted(url: &Url) -> bool {
    matches!(url.scheme(), "rediss" | "valkeys")
}

/// Refuses a URL that is not Valkey's, one that leads beyond this machine without TLS unless that
/// is allowed, and a login by IAM that is not whole.
pub fn check_valkey_url(url: &Url, allows_plaintext: bool) -> Result<(), ConfigError> {
    let problem = match url.scheme() {
        "rediss" | "valkeys" => return CacheUser::of_url(url).map(drop),
        "redis" | "valkey" if allows_plaintext || is_loopback(url) => {
            return CacheUser::of_url(url).map(drop);
        }
        "redis" | "valkey" => plaintext_problem("start with rediss://", ConnectionKind::Cache),
        _ => "must start with redis:// or rediss://".to_owned(),
    };

    Err(ConfigError::new(VALKEY_URL, problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_is_a_host_and_perhaps_a_port() {
        let read = |text: &str| text.parse::<ReaderAddress>().ok();
        let address = |host: &str, port| {
            Some(ReaderAddress {
                host: host.to_owned(),
                port,
            })
        };
        let cluster = "db.cluster-ro-x.eu-west-1.rds.amazonaws.com";
        assert_eq!(read(cluster), address(cluster, None));
        assert_eq!(read(" 127.0.0.1:5433 "), address("127.0.0.1", Some(5433)));
        for text in [
            "",
            ":5432",
            "u@h",
            "u:p@h",
            "h/db",
            "h?a=b",
            "postgres://h",
            "h:x",
            "a b",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    fn problem(url: &str, allows_plaintext: bool) -> Option<String> {
        let checked = check_valkey_url(&url.parse().unwrap(), allows_plaintext);
        checked.err().map(|error| error.problem)
    }

    #[test]
    fn valkey_beyond_this_machine_needs_tls_or_leave() {
        for url in ["redis://cache.internal:6379", "valkey://10.0.0.5"] {
            let problem_without_leave = problem(url, false).expect(url);
            assert!(problem_without_leave.contains("ALLOW_PLAINTEXT=cache"));
            assert_eq!(problem(url, true), None, "{url}");
        }

        for url in [
            "rediss://cache.internal:6379",
            "valkeys://cache.internal",
            "redis://127.0.0.1:6379",
            "redis://[::1]:6379",
            "redis://localhost",
        ] {
            assert_eq!(problem(url, false), None, "{url}");
        }
    }

    fn cache_user(url: &str) -> Option<CacheUser> {
        CacheUser::of_url(&url.parse().unwrap()).unwrap()
    }

    #[test]
    fn a_url_may_log_a_user_of_elasticache_in() {
        let user = |cache: &str, is_serverless| {
            Some(CacheUser {
                user: "functions".to_owned(),
                cache: cache.to_owned(),
                is_serverless,
            })
        };
        let url = "rediss://functions@master.x.euw1.cache.amazonaws.com:6379";
        assert_eq!(cache_user(url), None);
        assert_eq!(cache_user("rediss://u:p@h?cluster=true"), None);

        let given = cache_user(&format!("{url}?auth=iam&cache=Wenzhen-Prod"));
        assert_eq!(given, user("wenzhen-prod", false));
        let given = cache_user(&format!(
            "{url}?cluster=true&auth=iam&cache=w&serverless=true"
        ));
        assert_eq!(given, user("w", true));
        let given = cache_user("redis://functions@127.0.0.1:6379?auth=iam&cache=w");
        assert_eq!(given, user("w", false));
    }

    #[test]
    fn a_login_by_iam_is_whole_and_encrypted() {
        for (url, rule) in [
            ("rediss://u@h?auth=password", "must be iam"),
            ("rediss://u@h?cache=w", "needs auth=iam"),
            ("rediss://u@h?serverless=true", "needs auth=iam"),
            ("redis://u@h?auth=iam&cache=w", "rediss://"),
            ("rediss://h?auth=iam&cache=w", "must name a user"),
            ("rediss://u:p@h?auth=iam&cache=w", "no password"),
            ("rediss://u%2f@h?auth=iam&cache=w", "must name a user"),
            ("rediss://u@h?auth=iam", "cache=NAME"),
            ("rediss://u@h?auth=iam&cache=other.host/", "cache=NAME"),
            (
                "rediss://u@h?auth=iam&cache=w&serverless=no",
                "must be true",
            ),
        ] {
            // Whether plaintext is allowed is of no account: a token is a password.
            let problem = problem(url, true).expect(url);
            assert!(problem.contains(rule), "{url}: {problem}");
        }
    }

    #[test]
    fn a_url_of_another_service_is_refused() {
        let problem = problem("http://127.0.0.1:6379", true).unwrap();
        assert_eq!(problem, "must start with redis:// or rediss://");
        assert!(check_database_scheme(&"mysql://127.0.0.1/a".parse().unwrap()).is_err());
    }

    #[test]
    fn a_url_may_be_a_secret() {
        let url: ServiceUrl = "secret:wenzhen-database".parse().unwrap();
        let UrlSource::Secret(id) = &url.source else {
            panic!("it is a secret");
        };
        assert_eq!(id, "wenzhen-database");

        assert!("secret:".parse::<ServiceUrl>().is_err());
        assert!("no url".parse::<ServiceUrl>().is_err());
    }

    fn with_iam(url: &str) -> Result<(), ConfigError> {
        let settings = DatabaseSettings {
            url: url.parse().unwrap(),
            auth: DatabaseAuth::Iam,
        };
        settings.check()
    }

    #[test]
    fn iam_needs_a_server_that_proves_its_name() {
        assert!(with_iam("postgres://u@db.internal/w?sslmode=verify-full").is_ok());
        assert!(with_iam("postgres://u@db.internal/w?sslmode=require").is_err());
        assert!(with_iam("postgres://u@db.internal/w").is_err());
        assert!(with_iam("secret:wenzhen-database").is_err());
    }
}
