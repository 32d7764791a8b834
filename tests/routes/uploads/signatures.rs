//! Our signatures, held against other implementations: the emulator looks at none.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use wenzhen::aws::Secrets;
use wenzhen::config::{CdnSettings, UploadRules, UploadType};
use wenzhen::identity::TenantId;
use wenzhen::uploads::{CdnSigner, UploadBucket, UploadKey, UploadRequest};

use super::{patient, picture, upload};
use crate::support::secret::StoredSecret;
use crate::support::{STACK, new_tenant, run_python};

/// The emulator looks at the policy alone: another implementation than ours makes the signature.
#[tokio::test]
async fn the_forms_signature_is_that_of_the_policy() {
    let name = STACK.env("UPLOADS_BUCKET").unwrap();
    let bucket = UploadBucket::new(&STACK.aws().await, name);
    let hash = "00ff".repeat(16);
    let request = json!({
        "file_name": "x.png", "content_type": "image/png", "size": 10, "sha256": hash,
    });
    let request: UploadRequest = serde_json::from_value(request).unwrap();
    let rules = UploadRules {
        types: vec![UploadType::Png],
        max_bytes: 100,
    };
    let upload = request.into_upload(&rules).unwrap();
    let key = UploadKey {
        tenant: TenantId::try_from(new_tenant()).unwrap(),
        id: upload.id,
    };
    let form = bucket.post_form(&key, &upload).await.unwrap();
    let field = |name: &str| form.fields[name].as_str();
    let scope: Vec<_> = field("x-amz-credential").split('/').collect();
    assert_eq!(scope[3..], ["s3", "aws4_request"]);

    let program = "\
import sys
from botocore.auth import S3SigV4PostAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
policy, at, region = sys.argv[1:]
request = AWSRequest()
request.context['timestamp'] = at
auth = S3SigV4PostAuth(Credentials('local', 'local'), 's3', region)
print(auth.signature(policy, request))";
    let (policy, at) = (field("policy"), field("x-amz-date"));
    let signed = run_python(program, &[policy, at, scope[2]]);
    let expected = String::from_utf8(signed.stdout).unwrap();
    assert_eq!(field("x-amz-signature"), expected.trim());
}

/// Verifies a link by a public key, as CloudFront does, in another implementation than ours.
const VERIFY_LINK: &str = "\
import base64, sys
from urllib.parse import urlsplit, parse_qs
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives import hashes, serialization
url, key = sys.argv[1], serialization.load_pem_public_key(open(sys.argv[2], 'rb').read())
parts = urlsplit(url)
query = {name: values[0] for name, values in parse_qs(parts.query).items()}
assert query['Hash-Algorithm'] == 'SHA256' and query['Key-Pair-Id'] == 'K2JCJMDEHXQW5F'
base = url.split('?')[0]
policy = ('{\"Statement\":[{\"Resource\":\"' + base + '\",\"Condition\":{\"DateLessThan\":'
          '{\"AWS:EpochTime\":' + query['Expires'] + '}}}]}')
signature = query['Signature'].translate(str.maketrans('-_~', '+=/'))
signature = base64.b64decode(signature)
if isinstance(key, rsa.RSAPublicKey):
    key.verify(signature, policy.encode(), padding.PKCS1v15(), hashes.SHA256())
else:
    key.verify(signature, policy.encode(), ec.ECDSA(hashes.SHA256()))
print(query['Expires'])";

/// Until when a link works, in seconds since 1970; none if its signature is wrong.
fn verified_until(link: &str, key: &Path) -> Option<i64> {
    let verified = run_python(VERIFY_LINK, &[link, key.to_str().unwrap()]);
    let is_good = verified.status.success();
    is_good.then(|| {
        String::from_utf8(verified.stdout)
            .unwrap()
            .trim()
            .parse()
            .unwrap()
    })
}

/// Its time is under its signature, and is the one that the client is told: 10 to 15 minutes.
#[tokio::test]
async fn the_links_signature_is_that_of_the_policy() {
    let user = patient().await;
    let before = OffsetDateTime::now_utc();
    let ready = upload(&user, "x.png", "image/png", &picture()).await;
    let link = ready["link"]["url"].as_str().unwrap();
    let key = STACK.home.join("cdn-key.pem");

    let until = verified_until(link, &key).expect("a good signature");
    let told = ready["link"]["expires_at"].as_str().unwrap();
    let told = OffsetDateTime::parse(told, &Rfc3339).unwrap();
    assert_eq!(until, told.unix_timestamp());
    assert!(told > before + Duration::from_mins(10));
    assert!(told <= OffsetDateTime::now_utc() + Duration::from_mins(15));

    let altered = link.replace(".png?", ".jpg?");
    assert_eq!(verified_until(&altered, &key), None);
    let longer = link.replace(&until.to_string(), &(until + 3_600).to_string());
    assert_eq!(verified_until(&longer, &key), None);
}

/// CloudFront takes RSA keys, too: in both forms of PEM.
#[tokio::test]
async fn a_link_can_be_signed_with_an_rsa_key() {
    let program = "\
import sys
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives import serialization as s
key = rsa.generate_private_key(65537, 2048)
public = key.public_key().public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo)
open(sys.argv[1], 'wb').write(public)
form = getattr(s.PrivateFormat, sys.argv[2])
print(key.private_bytes(s.Encoding.PEM, form, s.NoEncryption()).decode())";

    for form in ["PKCS8", "TraditionalOpenSSL"] {
        let public = STACK.home.join(format!("cdn-key-rsa-{form}.pem"));
        let made = run_python(program, &[public.to_str().unwrap(), form]);
        let private = String::from_utf8(made.stdout).unwrap();
        let secret = json!({ "key_id": "K2JCJMDEHXQW5F", "private_key": private });
        let secret = StoredSecret::create(&secret.to_string()).await;
        let settings = CdnSettings {
            url: "https://d111111abcdef8.cloudfront.net".parse().unwrap(),
            key_secret: secret.name,
        };
        let signer = CdnSigner::new(settings, Arc::new(Secrets::new(&STACK.aws().await)));
        let link = signer.sign_link("uploads/t/1/0/x.png").await.unwrap();

        let until = verified_until(&link.url, &public);
        assert_eq!(until, Some(link.expires_at.unix_timestamp()), "{form}");
        let altered = link.url.replace(".png?", ".jpg?");
        assert_eq!(verified_until(&altered, &public), None, "{form}");
    }
}
