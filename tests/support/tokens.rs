//! Tokens that the user pool does not give.

use super::{STACK, run_python};

/// The same token with these claims (names with blanks between) two hours earlier, signed with the
/// emulator's own key.
pub fn sign_again(token: &str, claims: &str) -> String {
    sign(token, claims, "")
}

/// The same token without these claims.
pub fn sign_without(token: &str, claims: &str) -> String {
    sign(token, "", claims)
}

fn sign(token: &str, earlier: &str, without: &str) -> String {
    let program = "\
import base64, glob, json, sys
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
token, folder, earlier, without = sys.argv[1:]
decode = lambda part: json.loads(base64.urlsafe_b64decode(part + '=='))
encode = lambda data: base64.urlsafe_b64encode(data).rstrip(b'=')
head, claims, _ = token.split('.')
claims = decode(claims)
for name in earlier.split():
    claims[name] -= 7200
for name in without.split():
    del claims[name]
pool = claims['iss'].rsplit('/', 1)[1]
with open(f'{folder}/{pool}-id.pem', 'rb') as file:
    key = serialization.load_pem_private_key(file.read(), None)
signed = head.encode() + b'.' + encode(json.dumps(claims).encode())
signature = key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
print((signed + b'.' + encode(signature)).decode())";
    let folder = STACK.home.join("aws/state/cognito-pool-keys");
    let signed = run_python(
        program,
        &[token, folder.to_str().unwrap(), earlier, without],
    );

    let problems = String::from_utf8_lossy(&signed.stderr).into_owned();
    assert!(signed.status.success(), "{problems}");
    String::from_utf8(signed.stdout).unwrap().trim().to_owned()
}
