//! The hash by which a page's Content-Security-Policy names its script.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// `sha256-…` of what stands within the page's one `<script>`; of nothing if there is none, so that
/// browsers run none.
pub fn script_hash(html: &str) -> String {
    let script = html
        .split_once("<script>")
        .and_then(|(_, rest)| rest.split_once("</script>"))
        .map_or("", |(script, _)| script);
    format!("sha256-{}", STANDARD.encode(Sha256::digest(script)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From `printf 'alert(1)' | openssl dgst -sha256 -binary | base64`.
    #[test]
    fn it_is_the_hash_of_the_script_alone() {
        let hash = "sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI=";
        assert_eq!(script_hash("<p>x</p><script>alert(1)</script>"), hash);
        assert_ne!(script_hash("<script>alert(2)</script>"), hash);
    }
}
