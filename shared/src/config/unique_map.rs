//! A JSON object by name, in which no name stands twice.

use std::collections::BTreeMap;
use std::fmt::{Formatter, Result as FormatResult};
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

/// The members of a JSON object. serde's own maps keep the last of two members with one name, so
/// half of a setting would be lost without a word.
pub(super) struct UniqueMap<V>(pub(super) BTreeMap<String, V>);

struct UniqueMapVisitor<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for UniqueMap<V> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_map(UniqueMapVisitor(PhantomData))
    }
}

impl<'de, V: Deserialize<'de>> Visitor<'de> for UniqueMapVisitor<V> {
    type Value = UniqueMap<V>;

    fn expecting(&self, formatter: &mut Formatter<'_>) -> FormatResult {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut members = BTreeMap::new();
        while let Some(name) = access.next_key::<String>()? {
            if members.contains_key(&name) {
                return Err(A::Error::custom(format_args!(
                    "`{name}` stands there twice"
                )));
            }

            let value = access.next_value()?;
            members.insert(name, value);
        }

        Ok(UniqueMap(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_stands_twice_is_refused_however_it_is_written() {
        let read = |json: &str| serde_json::from_str::<UniqueMap<u8>>(json);
        assert_eq!(read(r#"{"a":1,"b":2}"#).unwrap().0.len(), 2);
        assert!(read("{}").unwrap().0.is_empty());

        for twice in [r#"{"a":1,"a":1}"#, r#"{"a":1,"b":2,"\u0061":3}"#] {
            let error = read(twice).err().unwrap().to_string();
            assert!(error.starts_with("`a` stands there twice"), "{error}");
        }
    }
}
