//! Brings traces from the log to where they are looked at: any service that takes OTLP over HTTP,
//! AWS X-Ray among them.
//!
//! Each function writes its spans as log lines ([`crate::telemetry::span_lines`]). CloudWatch hands
//! these lines to the function `forward-traces`, which sends them on in as few requests as they
//! need. So a service that is slow or gone holds up no caller.
//!
//! Sources: "OTLP Specification 1.9", OpenTelemetry; "OTLP endpoint", Amazon CloudWatch user guide.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
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

/// Bytes of an answer that are read; it says how many spans the service has not taken.
const MAX_ANSWER_BYTES: usize = 16 * 1024;

/// The hosts of AWS, of which only X-Ray's own takes spans.
const AWS_SUFFIXES: [&str; 3] = [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"];

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

        let region = xray_region(&settings.endpoint)?;
        let identity = match (region, settings.header_secret) {
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
        let sent = Box::pin(self.request(Bytes::from(body)));
        let (status, answer) = match deadline.at_most(REQUEST_TIMEOUT).run(sent).await {
            Ok(Ok(answered)) => answered,
            Ok(Err(error)) => return Err(unsent(error)),
            Err(elapsed) => return Err(unsent(elapsed.into())),
        };

        let outcome = Outcome::of(status, &answer);
        match outcome {
            Outcome::Sent => {}
            Outcome::Partial(spans) => {
                tracing::warn!(spans, "the service has not taken some spans");
            }
            Outcome::Refused => {
                let advice = "the service refuses traces; see TracesEndpoint and TracesSecret";
                tracing::error!(status, "{advice}");
            }
            Outcome::Failed => return Err(unsent(format!("status {status}").into())),
        }
        metrics::count("TraceExport", &[("outcome", outcome.name())]);
        Ok(())
    }

    /// One request; a second one if the header that the service refuses has been rotated.
    async fn request(&self, body: Bytes) -> Result<(u16, Vec<u8>), BoxError> {
        let headers = self.headers(&body).await?;
        let (status, answer) = self.post(headers, body.clone()).await?;
        if !matches!(status, 401 | 403) {
            return Ok((status, answer));
        }
        match self.rotated_headers().await? {
            Some(headers) => self.post(headers, body).await,
            None => Ok((status, answer)),
        }
    }

    async fn post(&self, headers: HeaderMap, body: Bytes) -> Result<(u16, Vec<u8>), BoxError> {
        let request = self.http.post(self.endpoint.clone());
        let answer = request.headers(headers).body(body).send().await;
        let mut answer = answer.map_err(reqwest::Error::without_url)?;

        let mut read = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
            read.extend_from_slice(&chunk);
            if read.len() > MAX_ANSWER_BYTES {
                break;
            }
        }
        Ok((answer.status().as_u16(), read))
    }

    /// With another secret than the one that was refused, if there is one by now.
    async fn rotated_headers(&self) -> Result<Option<HeaderMap>, BoxError> {
        let Identity::Header(secret, secrets) = &self.identity else {
            return Ok(None);
        };
        let refused = secrets.get(secret).await?;
        let Some(rotated) = secrets.get_rotated(secret, &refused).await else {
            return Ok(None);
        };
        let (name, value) = read_header(&rotated)?;
        let mut headers = json_headers();
        headers.insert(name, value);
        Ok(Some(headers))
    }

    async fn headers(&self, body: &[u8]) -> Result<HeaderMap, BoxError> {
        let mut headers = json_headers();
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

/// What has become of a request.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Sent,
    /// So many spans were not taken.
    Partial(u64),
    /// It would be refused again.
    Refused,
    /// It is worth trying again.
    Failed,
}

/// The answer to a request that was taken ("Partial success" in the specification).
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ExportAnswer {
    partial_success: Option<PartialSuccess>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PartialSuccess {
    /// A number, which JSON of protocol buffers writes as a text.
    rejected_spans: serde_json::Value,
}

impl Outcome {
    fn of(status: u16, answer: &[u8]) -> Self {
        match status {
            200..=299 => match rejected_spans(answer) {
                0 => Self::Sent,
                spans => Self::Partial(spans),
            },
            429 | 502..=504 => Self::Failed,
            _ => Self::Refused,
        }
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Partial(_) => "partial",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// An answer that is no JSON, as of a service that answers in protocol buffers, rejects none.
fn rejected_spans(answer: &[u8]) -> u64 {
    let answer: ExportAnswer = serde_json::from_slice(answer).unwrap_or_default();
    let rejected = answer.partial_success.unwrap_or_default().rejected_spans;
    let as_text = rejected.as_str().and_then(|text| text.parse().ok());
    rejected.as_u64().or(as_text).unwrap_or_default()
}

fn unsent(cause: BoxError) -> Error {
    metrics::count("TraceExport", &[("outcome", "failed")]);
    Error::new(ErrorKind::Unavailable, "The traces could not be sent.").with_source(cause)
}

fn json_headers() -> HeaderMap {
    HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))])
}

/// The region of X-Ray's endpoint, `https://xray.REGION.amazonaws.com/v1/traces`; none of a
/// service that is not AWS'. An error for others of AWS, which take no spans.
fn xray_region(endpoint: &Url) -> Result<Option<String>, ConfigError> {
    let host = endpoint.host_str().unwrap_or_default();
    let mut suffixes = AWS_SUFFIXES.iter();
    let Some(name) = suffixes.find_map(|suffix| host.strip_suffix(suffix)) else {
        return Ok(None);
    };
    let region = name.strip_prefix("xray.").filter(|it| !it.contains('.'));
    let region = region.filter(|_| !host.ends_with(".api.aws"));
    let problem = "must be https://xray.REGION.amazonaws.com/v1/traces, if it is of AWS";
    let region = region.ok_or_else(|| ConfigError::new("TRACES_ENDPOINT", problem))?;
    Ok(Some(region.to_owned()))
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
    use aws_config::{Region, SdkConfig};
    use aws_credential_types::Credentials;
    use aws_credential_types::provider::SharedCredentialsProvider;

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
        let region = |url: &str| xray_region(&url.parse().unwrap());
        let signed = |url: &str| region(url).unwrap();
        let xray = "https://xray.eu-central-1.amazonaws.com/v1/traces";
        assert_eq!(signed(xray).as_deref(), Some("eu-central-1"));
        let china = "https://xray.cn-north-1.amazonaws.com.cn/v1/traces";
        assert_eq!(signed(china).as_deref(), Some("cn-north-1"));
        assert_eq!(signed("https://api.honeycomb.io/v1/traces"), None);
        assert_eq!(signed("https://amazonaws.com.example.org/v1/traces"), None);
        for other in [
            "https://s3.eu-central-1.amazonaws.com/v1/traces",
            "https://vpce-1.xray.eu-central-1.vpce.amazonaws.com/v1/traces",
            "https://xray.eu-central-1.api.aws/v1/traces",
        ] {
            assert!(region(other).is_err(), "{other}");
        }
    }

    #[test]
    fn an_answer_says_whether_it_is_worth_trying_again() {
        let partial = br#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"old"}}"#;
        let number = br#"{"partialSuccess":{"rejectedSpans":2}}"#;
        for (status, answer, outcome) in [
            (200, &b"{}"[..], Outcome::Sent),
            (200, b"", Outcome::Sent),
            (202, br#"{"partialSuccess":null}"#, Outcome::Sent),
            (200, partial, Outcome::Partial(3)),
            (200, number, Outcome::Partial(2)),
            (429, b"", Outcome::Failed),
            (503, b"", Outcome::Failed),
            (400, b"", Outcome::Refused),
            (403, b"", Outcome::Refused),
            (500, b"", Outcome::Refused),
        ] {
            assert_eq!(Outcome::of(status, answer), outcome, "{status}");
        }
    }

    #[tokio::test]
    async fn a_request_to_x_ray_is_signed_with_the_functions_role() {
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
        let aws = SdkConfig::builder()
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials));
        let endpoint = "https://xray.eu-central-1.amazonaws.com/v1/traces";
        let exporter = TraceExporter {
            http: reqwest::Client::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .build()
                .unwrap(),
            endpoint: endpoint.parse().unwrap(),
            identity: Identity::Role("eu-central-1".to_owned(), aws.build().into()),
        };

        let headers = exporter.headers(b"{}").await.unwrap();
        let authorization = headers["authorization"].to_str().unwrap();
        assert!(authorization.contains("/eu-central-1/xray/aws4_request"));
        assert!(authorization.contains("SignedHeaders=content-type;host;x-amz-date"));
        assert!(headers["authorization"].is_sensitive());
        assert!(headers.contains_key("x-amz-date"));
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
