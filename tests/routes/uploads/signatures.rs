//! Our signatures, held against other implementations: the emulator looks at none.

use serde_json::json;
use wenzhen::config::{UploadRules, UploadType};
use wenzhen::identity::TenantId;
use wenzhen::uploads::{UploadBucket, UploadKey, UploadRequest};

use super::{patient, picture, upload};
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

/// By another implementation than ours, as CloudFront verifies it.
#[tokio::test]
async fn the_links_signature_is_that_of_the_policy() {
    let user = patient().await;
    let ready = upload(&user, "x.png", "image/png", &picture()).await;
    let link = ready["link"]["url"].as_str().unwrap();

    let program = "\
import base64, sys
from urllib.parse import urlsplit, parse_qs
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives import hashes, serialization
url, key = sys.argv[1], serialization.load_pem_public_key(open(sys.argv[2], 'rb').read())
parts = urlsplit(url)
query = {name: values[0] for name, values in parse_qs(parts.query).items()}
assert query['Hash-Algorithm'] == 'SHA256' and query['Key-Pair-Id'] == 'K2JCJMDEHXQW5F'
base = url.split('?')[0]
policy = ('{\"Statement\":[{\"Resource\":\"' + base + '\",\"Condition\":{\"DateLessThan\":'
          '{\"AWS:EpochTime\":' + query['Expires'] + '}}}]}')
signature = query['Signature'].translate(str.maketrans('-_~', '+=/'))
key.verify(base64.b64decode(signature), policy.encode(), ec.ECDSA(hashes.SHA256()))";
    let key = STACK.home.join("cdn-key.pem");
    let verify = |link: &str| run_python(program, &[link, key.to_str().unwrap()]);
    let verified = verify(link);
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    assert!(verified.status.success(), "{said}");
    let altered = link.replace(".png?", ".jpg?");
    assert!(!verify(&altered).status.success());
}
