//! The form in which values are kept: a byte that says which, then JSON, compressed above a size.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Above this size, in bytes, compressing is worth its time.
const LARGE: usize = 1_024;

/// The largest value that is read, in bytes, whatever its compressed form claims.
const LARGEST: u64 = 8 * 1024 * 1024;

const PLAIN: u8 = b'j';
const DEFLATED: u8 = b'z';
const NOTHING: u8 = b'n';

/// A value's form, and its size before it was compressed; no value is the known absence of one.
pub(super) fn encode<V: Serialize>(value: Option<&V>) -> Option<(Vec<u8>, usize)> {
    let Some(value) = value else {
        return Some((vec![NOTHING], 0));
    };
    let json = serde_json::to_vec(value).ok()?;
    if json.len() <= LARGE {
        return Some(([&[PLAIN], json.as_slice()].concat(), json.len()));
    }
    let mut encoder = DeflateEncoder::new(vec![DEFLATED], Compression::fast());
    encoder.write_all(&json).ok()?;
    Some((encoder.finish().ok()?, json.len()))
}

/// The form is none of ours, or of another version of the value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

impl<E: std::error::Error> From<E> for Unreadable {
    fn from(_: E) -> Self {
        Self // what it says could repeat the value
    }
}

/// What a form means, and its size when it is not compressed.
pub(super) fn decode<V: DeserializeOwned>(bytes: &[u8]) -> Result<(Option<V>, usize), Unreadable> {
    match bytes.split_first().ok_or(Unreadable)? {
        (&NOTHING, []) => Ok((None, 0)),
        (&PLAIN, json) => Ok((Some(serde_json::from_slice(json)?), json.len())),
        (&DEFLATED, deflated) => {
            let mut json = Vec::new();
            DeflateDecoder::new(deflated)
                .take(LARGEST)
                .read_to_end(&mut json)?;
            Ok((Some(serde_json::from_slice(&json)?), json.len()))
        }
        _ => Err(Unreadable),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn falsy_values_are_values_and_absence_is_another_thing() {
        for value in [
            json!(0),
            json!(""),
            json!(false),
            Value::Null,
            json!([]),
            json!({}),
            json!("x".repeat(100_000)),
        ] {
            let (bytes, size) = encode(Some(&value)).unwrap();
            assert_eq!(decode::<Value>(&bytes), Ok((Some(value), size)));
        }
        assert_eq!(
            decode::<Value>(&encode::<Value>(None).unwrap().0),
            Ok((None, 0))
        );
        let (bytes, size) = encode(Some(&"x".repeat(100_000))).unwrap();
        assert!(
            bytes.len() < 1_000 && size > 100_000,
            "compressed, but weighed as it is"
        );
    }

    proptest! {
        #[test]
        fn whatever_stands_there_is_a_value_or_a_miss(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let read = decode::<u32>(&bytes);
            prop_assert!(read.is_err() || bytes[0] == PLAIN || bytes[0] == NOTHING || bytes[0] == DEFLATED);
        }
    }
}
