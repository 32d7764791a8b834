//! Brings traces from the log to where they are looked at: any service that takes OTLP over HTTP,
//! AWS X-Ray among them.
//!
//! Each function writes its spans as log lines ([`crate::telemetry::span_lines`]). CloudWatch hands
//! these lines to the function `forward-traces`, which sends them on in as few requests as they need.
//! So a service that is slow or gone holds up no caller.
//!
//! Sources: "OTLP Specification 1.9", OpenTelemetry; "OTLP endpoint", Amazon CloudWatch user guide.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use url::Url;

use crate::aws::{Secrets, SharedConfig};
use crate::config::{ConfigError, TracesSettings};
use crate::deadline::Deadline;
use crate::error::{BoxError, Error, ErrorKind};
use crate::setup::Setup;
use crate::telemetry::metrics;

/// For connecting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// For one request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(8);

/// Bytes of one request; X-Ray takes 5 MB.
const MAX_REQUEST_BYTES: usize = 4_000_000;

/// The hosts of AWS, which want requests signed.
const AWS_SUFFIXES: [&str; 2] = [".amazonaws.com", ".amazonaws.com.cn"];

/// Sends traces on.
pub struct TraceExporter {
    http: reqwest::Client,
    endpoint: Url,
    identity: Identity,
}

/// How the service knows who sends.
enum Identity {
    Nobody,
    /// A secret whose text is a header, such as `x-honeycomb-team: KEY`.
    Header(String, Arc<Secrets>),
    /// The function's role, in this region.
    Role(String, SharedConfig),
}

/// The part of a line, or of a request, that is looked at.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Traces<'a> {
    #[serde(borrow)]
    resource_spans: Vec<&'a RawValue>,
}

impl TraceExporter {
    /// To the service that the environment names, if it does.
    pub fn from_env(setup: &Setup) -> Result<Option<Self>, ConfigError> {
        let Some(settings) = TracesSettings::from_env()? else {
            return Ok(None);
        };
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| ConfigError::new("TRACES_ENDPOINT", error.to_string()))?;

        let identity = match (aws_region(&settings.endpoint), settings.header_secret) {
            (_, Some(secret)) => Identity::Header(secret, setup.secrets()),
            (Some(region), None) => Identity::Role(region, setup.shared_aws()),
            (None, None) => Identity::Nobody,
        };
        Ok(Some(Self {
            http,
            endpoint: settings.endpoint,
            identity,
        }))
    }

    /// Sends what these log lines hold. A line that is none of ours is passed over. An error means
    /// that it is worth trying again; what the service refuses for good is given up.
    pub async fn export(&self, lines: &[String], deadline: Deadline) -> Result<(), Error> {
        let lines = lines.iter().filter_map(|line| {
            let traces: Traces<'_> = serde_json::from_str(line).ok()?;
            Some(traces.resource_spans)
        });
        for body in requests(lines.flatten(), MAX_REQUEST_BYTES) {
            Box::pin(self.send(body, deadline)).await?;
        }
        Ok(())
    }

    async fn send(&self, body: Vec<u8>, deadline: Deadline) -> Result<(), Error> {
        let sent = Box::pin(async {
            let headers = self.headers(&body).await?;
            let request = self.http.post(self.endpoint.clone());
            let answer = request.headers(headers).body(body).send().await;
            Ok::<_, BoxError>(answer.map_err(reqwest::Error::without_url)?.status())
        });

        let status = match deadline.at_most(REQUEST_TIMEOUT).run(sent).await {
            Ok(Ok(status)) => status,
            Ok(Err(error)) => return Err(unsent(error)),
            Err(elapsed) => return Err(unsent(elapsed.into())),
        };
        if status.is_success() {
            metrics::count("TraceExport", &[("outcome", "sent")]);
            return Ok(());
        }
        if matches!(status.as_u16(), 429 | 502..=504) {
            return Err(unsent(format!("status {status}").into()));
        }
        let status = status.as_u16();
        metrics::count("TraceExport", &[("outcome", "refused")]);
        tracing::error!(
            status,
            "the service refuses traces; see TracesEndpoint and TracesSecret"
        );
        Ok(())
    }

    async fn headers(&self, body: &[u8]) -> Result<HeaderMap, BoxError> {
        let json = HeaderValue::from_static("application/json");
        let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, json)]);
        match &self.identity {
            Identity::Nobody => {}
            Identity::Header(secret, secrets) => {
                let (name, value) = read_header(&secrets.get(secret).await?)?;
                headers.insert(name, value);
            }
            Identity::Role(region, aws) => self.sign(region, aws, body, &mut headers).await?,
        }
        Ok(headers)
    }

    async fn sign(
        &self,
        region: &str,
        aws: &SharedConfig,
        body: &[u8],
        headers: &mut HeaderMap,
    ) -> Result<(), BoxError> {
        let provider = aws.get().await.credentials_provider();
        let provider = provider.ok_or("no credentials")?;
        let identity = provider.provide_credentials().await?.into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name("xray")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()?
            .into();

        let signed = [("content-type", "application/json")];
        let body = SignableBody::Bytes(body);
        let endpoint = self.endpoint.as_str();
        let request = SignableRequest::new("POST", endpoint, signed.into_iter(), body)?;
        let (instructions, _) = sign(request, &parameters)?.into_parts();
        for (name, value) in instructions.headers() {
            let mut value = HeaderValue::from_str(value)?;
            value.set_sensitive(true);
            headers.insert(HeaderName::from_bytes(name.as_bytes())?, value);
        }
        Ok(())
    }
}

fn unsent(cause: BoxError) -> Error {
    metrics::count("TraceExport", &[("outcome", "failed")]);
    Error::new(ErrorKind::Unavailable, "The traces could not be sent.").with_source(cause)
}

/// The region of an endpoint of AWS, such as `https://xray.eu-central-1.amazonaws.com/v1/traces`.
fn aws_region(endpoint: &Url) -> Option<String> {
    let host = endpoint.host_str()?;
    let mut suffixes = AWS_SUFFIXES.iter();
    let name = suffixes.find_map(|suffix| host.strip_suffix(suffix))?;
    Some(name.rsplit('.').next()?.to_owned())
}

/// A header as one writes it: `name: value`.
fn read_header(text: &str) -> Result<(HeaderName, HeaderValue), BoxError> {
    let header = text.trim().split_once(':');
    let (name, value) = header.ok_or("TracesSecret is no header; write it as `name: value`")?;
    let mut value = HeaderValue::from_str(value.trim())?;
    value.set_sensitive(true);
    Ok((HeaderName::from_bytes(name.trim().as_bytes())?, value))
}

/// The bodies of as few requests as hold all spans, each of so many bytes at most; one that is
/// larger by itself goes alone.
fn requests<'a>(spans: impl Iterator<Item = &'a RawValue>, max_bytes: usize) -> Vec<Vec<u8>> {
    let mut bodies = Vec::new();
    let mut waiting: Vec<&RawValue> = Vec::new();
    let mut bytes = 0;
    for part in spans {
        if bytes + part.get().len() > max_bytes && !waiting.is_empty() {
            bodies.extend(body_of(std::mem::take(&mut waiting)));
            bytes = 0;
        }
        bytes += part.get().len();
        waiting.push(part);
    }
    bodies.extend(body_of(waiting));
    bodies
}

fn body_of(resource_spans: Vec<&RawValue>) -> Option<Vec<u8>> {
    let traces = Traces { resource_spans };
    let body = (!traces.resource_spans.is_empty()).then(|| serde_json::to_vec(&traces));
    body?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_many_lines_go_in_few_requests() {
        let part = |number: u32| RawValue::from_string(format!("{{\"n\":{number}}}")).unwrap();
        let parts: Vec<_> = (0..5).map(part).collect();
        let bodies = |max_bytes| {
            let bodies = requests(parts.iter().map(AsRef::as_ref), max_bytes).into_iter();
            let bodies = bodies.map(|body| String::from_utf8(body).unwrap());
            bodies.collect::<Vec<_>>()
        };

        let all = r#"{"resourceSpans":[{"n":0},{"n":1},{"n":2},{"n":3},{"n":4}]}"#;
        assert_eq!(bodies(1_000), [all]);
        assert_eq!(
            bodies(14),
            [
                r#"{"resourceSpans":[{"n":0},{"n":1}]}"#,
                r#"{"resourceSpans":[{"n":2},{"n":3}]}"#,
                r#"{"resourceSpans":[{"n":4}]}"#,
            ]
        );
        assert_eq!(bodies(1).len(), 5);
        assert!(requests(std::iter::empty(), 1_000).is_empty());
    }

    #[test]
    fn requests_are_signed_for_hosts_of_aws_alone() {
        let region = |url: &str| aws_region(&url.parse().unwrap());
        let xray = "https://xray.eu-central-1.amazonaws.com/v1/traces";
        assert_eq!(region(xray).as_deref(), Some("eu-central-1"));
        let china = "https://xray.cn-north-1.amazonaws.com.cn/v1/traces";
        assert_eq!(region(china).as_deref(), Some("cn-north-1"));
        assert_eq!(region("https://api.honeycomb.io/v1/traces"), None);
        assert_eq!(region("https://amazonaws.com.example.org/v1/traces"), None);
    }

    #[test]
    fn a_secret_is_a_header() {
        let (name, value) = read_header("x-honeycomb-team: a key\n").unwrap();
        assert_eq!(
            (name.as_str(), value.to_str().unwrap()),
            ("x-honeycomb-team", "a key")
        );
        assert!(value.is_sensitive());
        assert!(read_header("a key").is_err());
        assert!(read_header("a name: x").is_err());
    }
}
