//! Pages of other origins (CORS). HTTP APIs tell browsers by themselves which of them may read an
//! answer; behind a REST API that streams, it is the function that tells. Source: "CORS for REST
//! APIs in API Gateway", Amazon API Gateway developer guide.

use http::{HeaderMap, HeaderValue, header};

use crate::config::{self, ConfigError};

/// Stands for all origins.
const ANY: &str = "*";

/// What pages may read besides the headers that every page may. The template says the same of the
/// HTTP API.
const READABLE_HEADERS: &str = "ratelimit, ratelimit-policy, retry-after, x-request-id";

/// The origins whose pages may read answers.
pub(super) struct AllowedPages(Vec<String>);

impl AllowedPages {
    /// Of `ALLOWED_ORIGINS`.
    pub(super) fn from_env() -> Result<Self, ConfigError> {
        Ok(Self(config::allowed_origins()?))
    }

    /// Tells the browser whether the page, which says its origin, may read the answer.
    pub(super) fn write_headers(&self, page: Option<&HeaderValue>, headers: &mut HeaderMap) {
        let any = HeaderValue::from_static(ANY);
        let allowed = if self.0.iter().any(|origin| origin == ANY) {
            Some(&any)
        } else {
            // The answer to another page would be another one.
            headers.append(header::VARY, HeaderValue::from_static("origin"));
            page.filter(|page| self.0.iter().any(|origin| *page == origin))
        };

        if let Some(allowed) = allowed {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed.clone());
            let readable = HeaderValue::from_static(READABLE_HEADERS);
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, readable);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a page of `origin` is told.
    fn told(allowed: &[&str], origin: Option<&'static str>) -> HeaderMap {
        let allowed = allowed.iter().map(|&origin| origin.to_owned());
        let page = origin.map(HeaderValue::from_static);
        let mut headers = HeaderMap::new();
        AllowedPages(allowed.collect()).write_headers(page.as_ref(), &mut headers);
        headers
    }

    #[test]
    fn all_pages_may_read_where_all_are_allowed() {
        for page in [None, Some("https://any.example")] {
            let headers = told(&["*"], page);
            assert_eq!(headers["access-control-allow-origin"], "*");
            assert!(!headers.contains_key("vary"));
        }
    }

    #[test]
    fn a_page_of_the_list_is_told_its_own_origin_and_no_other() {
        let allowed = ["https://a.example", "https://b.example"];
        let headers = told(&allowed, Some("https://b.example"));
        assert_eq!(headers["access-control-allow-origin"], "https://b.example");
        assert_eq!(headers["vary"], "origin");
        let readable = headers["access-control-expose-headers"].to_str().unwrap();
        assert!(readable.contains("retry-after"));

        for page in [None, Some("https://b.example.evil"), Some("null")] {
            let headers = told(&allowed, page);
            assert!(!headers.contains_key("access-control-allow-origin"));
            assert_eq!(headers["vary"], "origin");
        }
        assert!(!told(&[], Some("https://a.example")).contains_key("access-control-allow-origin"));
    }
}
