//! The form in which values are kept: a byte that says which, then JSON, compressed above a size.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Above this size, in bytes, compressing is worth its time.
const COMPRESSION_THRESHOLD: usize = 1_024;

/// The largest value that is read, in bytes: a compressed form may claim any size.
const MAX_DECODED_BYTES: u64 = 8 * 1024 * 1024;

const PLAIN: u8 = b'j';
const DEFLATED: u8 = b'z';
const ABSENT: u8 = b'n';

/// The stored form of a value.
#[derive(Default)]
pub(super) struct Encoded {
    /// Never empty, unless there is no form.
    pub(super) bytes: Vec<u8>,
    /// The size of the JSON in bytes, before it was compressed.
    pub(super) size: usize,
}

/// The value of a stored form.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decoded<V> {
    /// `None` is the known absence of a value.
    pub(super) value: Option<V>,
    /// The size of the JSON in bytes.
    pub(super) size: usize,
}

/// The form is none of ours, or of another version of the value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

impl<E: std::error::Error> From<E> for Unreadable {
    fn from(_: E) -> Self {
        Self // the error's text could repeat the value
    }
}

/// The form of a value, or of its absence; `None` for a value that has no JSON form.
pub(super) fn encode<V: Serialize>(value: Option<&V>) -> Option<Encoded> {
    let Some(value) = value else {
        return Some(Encoded {
            bytes: vec![ABSENT],
            size: 0,
        });
    };

    let json = serde_json::to_vec(value).ok()?;
    let size = json.len();
    let bytes = if size <= COMPRESSION_THRESHOLD {
        [&[PLAIN], json.as_slice()].concat()
    } else {
        deflate(&json)?
    };
    Some(Encoded { bytes, size })
}

/// The value of a form.
pub(super) fn decode<V: DeserializeOwned>(bytes: &[u8]) -> Result<Decoded<V>, Unreadable> {
    match bytes.split_first().ok_or(Unreadable)? {
        (&ABSENT, []) => Ok(Decoded {
            value: None,
            size: 0,
        }),
        (&PLAIN, json) => parse(json),
        (&DEFLATED, deflated) => parse(&inflate(deflated)?),
        _ => Err(Unreadable),
    }
}

fn parse<V: DeserializeOwned>(json: &[u8]) -> Result<Decoded<V>, Unreadable> {
    let value = serde_json::from_slice(json)?;
    Ok(Decoded {
        value: Some(value),
        size: json.len(),
    })
}

fn deflate(json: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(vec![DEFLATED], Compression::fast());
    encoder.write_all(json).ok()?;
    encoder.finish().ok()
}

fn inflate(deflated: &[u8]) -> Result<Vec<u8>, Unreadable> {
    let mut json = Vec::new();
    let mut decoder = DeflateDecoder::new(deflated).take(MAX_DECODED_BYTES);
    decoder.read_to_end(&mut json)?;
    Ok(json)
}

#[cfg(test)]
mod tests {
    use proptest::collection;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn falsy_values_are_values_and_absence_is_another_thing() {
        let values = [
            json!(0),
            json!(""),
            json!(false),
            Value::Null,
            json!([]),
            json!({}),
            json!("x".repeat(100_000)),
        ];
        for value in values {
            let Encoded { bytes, size } = encode(Some(&value)).unwrap();
            let value = Some(value);
            assert_eq!(decode::<Value>(&bytes), Ok(Decoded { value, size }));
        }

        let absent = encode::<Value>(None).unwrap();
        let (value, size) = (None, 0);
        assert_eq!(decode::<Value>(&absent.bytes), Ok(Decoded { value, size }));
    }

    #[test]
    fn a_large_value_is_compressed_and_weighed_as_it_is() {
        let Encoded { bytes, size } = encode(Some(&"x".repeat(100_000))).unwrap();
        assert!(bytes.len() < 1_000 && size > 100_000);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_value_or_a_miss(bytes in collection::vec(any::<u8>(), 0..200)) {
            let is_read = decode::<u32>(&bytes).is_ok();
            prop_assert!(!is_read || [PLAIN, ABSENT, DEFLATED].contains(&bytes[0]));
        }
    }
}
