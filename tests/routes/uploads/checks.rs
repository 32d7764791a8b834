//! What a file is held against: the checksum and the size that were declared, the form's time; and
//! what a photo loses.

use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::{DynamicImage, ImageFormat, RgbImage};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{ask, follow, get, hash_of, looked_at, patient, send, upload};
use crate::support::{STACK, User, read, run_python};

/// An upload with a declared checksum.
async fn accepted_with(user: &User, size: usize, sha256: &str) -> Value {
    let body = json!({
        "file_name": "x.txt", "content_type": "text/plain", "size": size, "sha256": sha256,
    });
    read(ask(user, &body).await, StatusCode::ACCEPTED).await
}

/// Puts a file where the form would put it, past all that S3 holds against the form.
async fn put_past_the_form(user: &User, accepted: &Value, bytes: &[u8]) {
    let id = accepted["id"].as_str().unwrap();
    let put = wenzhen::aws::s3(&STACK.aws().await).put_object();
    put.bucket(STACK.env("UPLOADS_BUCKET").unwrap())
        .key(format!("incoming/{}/{id}", user.tenant))
        .body(bytes.to_vec().into())
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_declared_checksum_is_held_against_the_file() {
    let user = patient().await;
    let accepted = accepted_with(&user, 5, &hash_of(b"hello")).await;
    assert_eq!(send(&accepted["form"], b"hello").await, StatusCode::CREATED);
    let ready = looked_at(&user, &accepted["id"]).await;
    assert_eq!(ready["state"], "ready");
    assert_eq!(ready["sha256"], hash_of(b"hello"));

    // S3 itself would refuse another file of the same size. The emulator holds no checksum of a
    // form against it, so here the verification does.
    let accepted = accepted_with(&user, 5, &hash_of(b"hello")).await;
    send(&accepted["form"], b"jello").await;
    let rejected = looked_at(&user, &accepted["id"]).await;
    assert_eq!(rejected["reason"], "other_checksum");

    let accepted = accepted_with(&user, 5, &hash_of(b"hello")).await;
    put_past_the_form(&user, &accepted, b"hello!").await;
    let rejected = looked_at(&user, &accepted["id"]).await;
    assert_eq!(rejected["reason"], "other_size");
}

/// The form of an hour ago, signed again as it was then.
#[tokio::test]
async fn an_expired_form_takes_nothing() {
    let user = patient().await;
    let accepted = accepted_with(&user, 5, &hash_of(b"hello")).await;
    let mut form = accepted["form"].clone();
    let policy = form["fields"]["policy"].as_str().unwrap();
    let mut policy: Value = serde_json::from_slice(&STANDARD.decode(policy).unwrap()).unwrap();
    assert_eq!(policy["expiration"], form["expires_at"]);
    policy["expiration"] = json!("2026-01-01T00:00:00Z");
    let policy = STANDARD.encode(policy.to_string());

    let program = "\
import sys
from botocore.auth import S3SigV4PostAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
policy, at, region = sys.argv[1:]
request = AWSRequest()
request.context['timestamp'] = at
print(S3SigV4PostAuth(Credentials('local', 'local'), 's3', region).signature(policy, request))";
    let at = form["fields"]["x-amz-date"].as_str().unwrap();
    let credential = form["fields"]["x-amz-credential"].as_str().unwrap();
    let region = credential.split('/').nth(2).unwrap();
    let signed = run_python(program, &[&policy, at, region]);
    let signature = String::from_utf8(signed.stdout).unwrap();
    form["fields"]["policy"] = json!(policy);
    form["fields"]["x-amz-signature"] = json!(signature.trim());

    assert_eq!(send(&form, b"hello").await, StatusCode::FORBIDDEN);
    let pending = read(get(&user, &accepted["id"]).await, StatusCode::OK).await;
    assert_eq!(pending["state"], "pending");
    let original = send(&accepted["form"], b"hello").await;
    assert_eq!(original, StatusCode::CREATED, "its time alone was wrong");
}

/// A JPEG with the position at which it was taken: EXIF with a GPS directory (EXIF 2.3, JEITA
/// CP-3451C), 39° 54' 20" north.
fn photo_with_position() -> Vec<u8> {
    let pixels = RgbImage::from_pixel(16, 16, image::Rgb([200, 90, 80]));
    let mut plain = Cursor::new(Vec::new());
    let image = DynamicImage::ImageRgb8(pixels);
    image.write_to(&mut plain, ImageFormat::Jpeg).unwrap();
    let plain = plain.into_inner();

    let mut exif = Vec::from(*b"Exif\0\0MM\0*\0\0\0\x08");
    exif.extend(*b"\0\x01\x88\x25\0\x04\0\0\0\x01\0\0\0\x1a\0\0\0\0"); // IFD0: where GPS is
    exif.extend(*b"\0\x02\0\x01\0\x02\0\0\0\x02N\0\0\0"); // GPSLatitudeRef
    exif.extend(*b"\0\x02\0\x05\0\0\0\x03\0\0\0\x38\0\0\0\0"); // GPSLatitude
    for number in [39_u32, 1, 54, 1, 20, 1] {
        exif.extend(number.to_be_bytes());
    }
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    [&plain[..2], b"\xff\xe1", &length, &exif, &plain[2..]].concat()
}

fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[tokio::test]
async fn a_photo_is_delivered_without_its_position() {
    let (user, photo) = (patient().await, photo_with_position());
    let latitude = b"\0\0\0\x27\0\0\0\x01\0\0\0\x36\0\0\0\x01";
    assert!(has(&photo, b"Exif") && has(&photo, latitude));

    let ready = upload(&user, "rash.jpg", "image/jpeg", &photo).await;
    assert_eq!(ready["state"], "ready", "{ready}");
    let delivered = follow(&ready["link"], None).await.bytes().await.unwrap();
    assert!(!has(&delivered, b"Exif") && !has(&delivered, latitude));
    assert_eq!(
        image::load_from_memory(&delivered).unwrap(),
        image::load_from_memory(&photo).unwrap()
    );
}
