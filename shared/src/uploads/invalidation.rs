//! The end of what the CDN has cached of removed objects.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_cloudfront::Client;
use aws_sdk_cloudfront::error::SdkError;
use aws_sdk_cloudfront::operation::create_invalidation::CreateInvalidationError;
use aws_sdk_cloudfront::types::{InvalidationBatch, Paths};
use url::Url;

use super::removal::RemovalBatch;
use crate::aws;
use crate::error::Error;

/// The wait until a throttled invalidation is made again: the next run.
const RETRY_AFTER: Duration = Duration::from_mins(1);

/// One distribution.
pub struct Invalidations {
    client: Client,
    distribution: String,
}

impl Invalidations {
    /// For the distribution with this id.
    pub fn new(config: &SdkConfig, distribution: String) -> Self {
        Self {
            client: Client::new(config),
            distribution,
        }
    }

    /// Makes what the CDN has cached of a batch's objects invalid, in one call. The batch's id is
    /// the caller's reference, so a call that is made again is the same invalidation.
    pub async fn invalidate(&self, batch: &RemovalBatch) -> Result<(), Error> {
        let served = batch.served().into_iter();
        let paths: Vec<_> = served.filter_map(served_path).collect();
        if paths.is_empty() {
            return Ok(());
        }

        let quantity = i32::try_from(paths.len()).unwrap_or(i32::MAX);
        let paths = Paths::builder().quantity(quantity).set_items(Some(paths));
        let paths = paths.build().map_err(Error::internal)?;
        let invalidation = InvalidationBatch::builder()
            .paths(paths)
            .caller_reference(batch.id.to_string());
        let invalidation = invalidation.build().map_err(Error::internal)?;

        let request = self.client.create_invalidation();
        let made = request
            .distribution_id(&self.distribution)
            .invalidation_batch(invalidation)
            .send()
            .await;
        match made {
            Ok(_) => Ok(()),
            Err(error) => Err(sort_error(&error)),
        }
    }
}

/// What `CloudFront` says in words may quote a path, and so a file's name: its code alone is kept.
fn sort_error(error: &SdkError<CreateInvalidationError>) -> Error {
    // Too many invalidations at once is a 400 of its own name.
    let is_full = CreateInvalidationError::is_too_many_invalidations_in_progress;
    let cause = aws::error_code("CloudFront", error);
    if aws::is_outage(error) || error.as_service_error().is_some_and(is_full) {
        Error::unavailable("cdn", RETRY_AFTER, cause)
    } else {
        Error::internal(cause)
    }
}

/// The path by which the CDN delivers an object, escaped as links have it. Paths with an asterisk
/// would be shorter, but only 15 of them are taken at once.
fn served_path(object: &str) -> Option<String> {
    let mut url = Url::parse("https://cdn.invalid").ok()?;
    url.path_segments_mut().ok()?.extend(object.split('/'));
    Some(url.path().to_owned())
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudfront::error::ErrorMetadata;
    use aws_sdk_s3::primitives::SdkBody;

    use super::*;
    use crate::error::{ErrorKind, error_chain};

    fn answered(code: &str, text: &str) -> SdkError<CreateInvalidationError> {
        let metadata = ErrorMetadata::builder().code(code).message(text).build();
        let raw = http::Response::builder().status(400);
        let raw = raw.body(SdkBody::from(text)).unwrap();
        let error = CreateInvalidationError::generic(metadata);
        SdkError::service_error(error, raw.try_into().unwrap())
    }

    #[test]
    fn an_error_that_quotes_a_path_is_cut_to_its_code() {
        let path = "/uploads/clinic-1/0/HIV.pdf";
        for (code, kind) in [
            ("Throttling", ErrorKind::Unavailable),
            ("InvalidArgument", ErrorKind::Internal),
        ] {
            let error = sort_error(&answered(code, path));
            assert_eq!(error.kind(), kind);
            let logged = format!("{error} {}", error_chain(&error));
            assert!(logged.contains(code), "{logged}");
            assert!(!logged.contains("HIV"), "{logged}");
        }
    }

    #[test]
    fn paths_are_escaped_as_links_have_them() {
        let path = served_path("uploads/clinic-1/0/单.png");
        assert_eq!(path.as_deref(), Some("/uploads/clinic-1/0/%E5%8D%95.png"));
    }
}
