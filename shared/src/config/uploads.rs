//! Uploads: where they are, what may be uploaded, and how they are delivered.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::Url;

use super::{ConfigError, optional, required};

/// Bytes of one upload, unless `UPLOAD_MAX_BYTES` says otherwise.
const DEFAULT_MAX_BYTES: u64 = 100 * 1024 * 1024;

/// The most bytes of a file that S3 copies in one call.
const MAX_COPIED_BYTES: u64 = 5 * 1024 * 1024 * 1024;

/// A media type that can be verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub enum UploadType {
    /// JPEG.
    #[serde(rename = "image/jpeg")]
    Jpeg,
    /// PNG.
    #[serde(rename = "image/png")]
    Png,
    /// GIF.
    #[serde(rename = "image/gif")]
    Gif,
    /// `WebP`.
    #[serde(rename = "image/webp")]
    Webp,
    /// PDF.
    #[serde(rename = "application/pdf")]
    Pdf,
    /// Plain text in UTF-8.
    #[serde(rename = "text/plain")]
    Text,
    /// DICOM: X-rays, CT and other images of medicine.
    #[serde(rename = "application/dicom")]
    Dicom,
}

impl UploadType {
    /// Every type.
    pub const ALL: [Self; 7] = [
        Self::Jpeg,
        Self::Png,
        Self::Gif,
        Self::Webp,
        Self::Pdf,
        Self::Text,
        Self::Dicom,
    ];

    /// Such as `image/png`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
            Self::Pdf => "application/pdf",
            Self::Text => "text/plain",
            Self::Dicom => "application/dicom",
        }
    }

    /// Whether it is an image that browsers show.
    pub const fn is_image(self) -> bool {
        matches!(self, Self::Jpeg | Self::Png | Self::Gif | Self::Webp)
    }

    /// How names of such files end, the usual one first.
    pub const fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Jpeg => &["jpg", "jpeg"],
            Self::Png => &["png"],
            Self::Gif => &["gif"],
            Self::Webp => &["webp"],
            Self::Pdf => &["pdf"],
            Self::Text => &["txt", "text", "md", "csv", "log"],
            Self::Dicom => &["dcm", "dicom"],
        }
    }
}

impl FromStr for UploadType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut all = Self::ALL.into_iter();
        let found = all.find(|it| it.as_str().eq_ignore_ascii_case(text.trim()));
        found.ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            format!("must be a list of {known}")
        })
    }
}

/// What may be uploaded, separated by commas; everything that can be verified if nothing is named.
#[derive(Debug, Clone, PartialEq, Eq)]
struct UploadTypes(Vec<UploadType>);

impl FromStr for UploadTypes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let types = text.split(',').map(str::parse);
        types.collect::<Result<_, _>>().map(Self)
    }
}

/// What may be uploaded.
#[derive(Debug, Clone)]
pub struct UploadRules {
    /// The media types: `UPLOAD_TYPES`.
    pub types: Vec<UploadType>,
    /// The most bytes of one upload: `UPLOAD_MAX_BYTES`, by default 100 MiB.
    pub max_bytes: u64,
}

impl UploadRules {
    /// Reads `UPLOAD_TYPES` and `UPLOAD_MAX_BYTES`.
    pub fn from_env() -> Result<Self, ConfigError> {
        let types = optional::<UploadTypes>("UPLOAD_TYPES")?;
        let max_bytes = optional("UPLOAD_MAX_BYTES")?.unwrap_or(DEFAULT_MAX_BYTES);
        if !(1..=MAX_COPIED_BYTES).contains(&max_bytes) {
            let problem = "must be 1 to 5368709120, which is what S3 copies in one call";
            return Err(ConfigError::new("UPLOAD_MAX_BYTES", problem));
        }

        Ok(Self {
            types: types.map_or_else(|| UploadType::ALL.to_vec(), |types| types.0),
            max_bytes,
        })
    }
}

/// The bucket of the uploads: `UPLOADS_BUCKET`.
pub fn uploads_bucket() -> Result<String, ConfigError> {
    required("UPLOADS_BUCKET")
}

/// The queue that S3 tells of files: `UPLOADS_QUEUE_URL`.
pub fn uploads_queue_url() -> Result<String, ConfigError> {
    required("UPLOADS_QUEUE_URL")
}

/// The queue of a virus scanner, which is told of every verified upload: `SCAN_QUEUE_URL`; none if
/// there is no scanner.
pub fn scan_queue_url() -> Result<Option<String>, ConfigError> {
    optional("SCAN_QUEUE_URL")
}

/// The distribution of the CDN, whose cached copies are made invalid: `CDN_DISTRIBUTION`; none if
/// there is no CDN.
pub fn cdn_distribution() -> Result<Option<String>, ConfigError> {
    optional("CDN_DISTRIBUTION")
}

/// How links of the CDN are signed.
#[derive(Debug, Clone)]
pub struct CdnSettings {
    /// Where the CDN delivers: `CDN_URL`, such as `https://d111111abcdef8.cloudfront.net`.
    pub url: Url,
    /// The name or ARN of the secret with the key: `CDN_KEY_SECRET`.
    pub key_secret: String,
}

impl CdnSettings {
    /// Reads `CDN_URL` and `CDN_KEY_SECRET`; none if there is no key: then links are S3's own.
    pub fn from_env() -> Result<Option<Self>, ConfigError> {
        let Some(key_secret) = optional("CDN_KEY_SECRET")? else {
            return Ok(None);
        };
        let url: Url = required("CDN_URL")?;
        if url.cannot_be_a_base() || url.path() != "/" {
            let problem = "must be an address without a path, such as https://cdn.example.com";
            return Err(ConfigError::new("CDN_URL", problem));
        }
        Ok(Some(Self { url, key_secret }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_types_is_read_and_what_cannot_be_verified_is_refused() {
        let read: UploadTypes = "image/png, APPLICATION/PDF".parse().unwrap();
        assert_eq!(read.0, [UploadType::Png, UploadType::Pdf]);

        for text in ["image/svg+xml", "", "image/png,", "*/*"] {
            let refused = text.parse::<UploadTypes>().unwrap_err();
            assert!(refused.contains("application/dicom"), "{text}");
        }
    }

    #[test]
    fn names_of_types_are_those_of_the_wire() {
        for it in UploadType::ALL {
            let json = serde_json::to_value(it).unwrap();
            assert_eq!(json, it.as_str());
        }
    }
}
