//! Keyset pages: `limit` and an opaque `cursor` that names the last row seen, so that rows added or removed meanwhile
//! neither shift nor repeat a page.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use uuid::Uuid;

use crate::error::Error;
use crate::identity::UserId;

const DEFAULT_LIMIT: u16 = 20;
const LARGEST_LIMIT: u16 = 100;

/// What rows are in order of, and a cursor names.
pub trait Cursor: Sized {
    /// The first byte of a cursor, so that its form can change, and no list takes another's.
    const VERSION: u8;

    /// As it stands in a cursor.
    fn bytes(&self) -> Vec<u8>;

    /// From what stands in a cursor.
    fn read(bytes: &[u8]) -> Option<Self>;
}

impl Cursor for Uuid {
    const VERSION: u8 = 1;

    fn bytes(&self) -> Vec<u8> {
        self.as_bytes().to_vec()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        Self::from_slice(bytes).ok()
    }
}

impl Cursor for UserId {
    const VERSION: u8 = 2;

    fn bytes(&self) -> Vec<u8> {
        self.as_str().as_bytes().to_vec()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        String::from_utf8(bytes.to_vec()).ok()?.try_into().ok()
    }
}

/// What part of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page<C = Uuid> {
    /// Rows on the page: 1 to 100.
    pub limit: u16,
    /// The id of the last row of the page before.
    pub after: Option<C>,
}

/// One page on the wire.
#[derive(Debug, Serialize)]
pub struct Items<T> {
    /// The rows, newest first.
    pub items: Vec<T>,
    /// What to send as `cursor` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

impl<C: Cursor> Page<C> {
    /// Reads the query parameters `limit` (20 unless told otherwise) and `cursor`.
    pub fn parse(limit: Option<&str>, cursor: Option<&str>) -> Result<Self, Error> {
        let limit = match limit.map(str::parse::<u16>) {
            None => DEFAULT_LIMIT,
            Some(Ok(limit)) if (1..=LARGEST_LIMIT).contains(&limit) => limit,
            Some(_) => {
                return Err(Error::field(
                    "limit",
                    "must be a whole number from 1 to 100",
                ));
            }
        };
        let after = match cursor.map(decode) {
            None => None,
            Some(Some(id)) => Some(id),
            Some(None) => {
                return Err(Error::field(
                    "cursor",
                    "must be a `next_cursor` from an earlier page",
                ));
            }
        };
        Ok(Self { limit, after })
    }

    /// Makes the page of `rows`, which were read with one more than the limit to see whether another page follows.
    pub fn items<T>(self, mut rows: Vec<T>, id: impl Fn(&T) -> C) -> Items<T> {
        let more = rows.len() > usize::from(self.limit);
        rows.truncate(usize::from(self.limit));
        let next_cursor = if more {
            rows.last().map(|row| encode(&id(row)))
        } else {
            None
        };
        Items {
            items: rows,
            next_cursor,
        }
    }
}

fn encode<C: Cursor>(id: &C) -> String {
    URL_SAFE_NO_PAD.encode([&[C::VERSION], id.bytes().as_slice()].concat())
}

fn decode<C: Cursor>(cursor: &str) -> Option<C> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (&version, id) = bytes.split_first()?;
    if version == C::VERSION {
        C::read(id)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn a_cursor_survives_the_round_trip() {
        let id = Uuid::now_v7();
        assert_eq!(decode(&encode(&id)), Some(id));
        assert_eq!(
            decode::<UserId>(&encode(&id)),
            None,
            "a cursor of another list"
        );
    }

    #[test]
    fn a_wrong_limit_or_cursor_is_refused() {
        for limit in ["0", "101", "-1", "ten", "", "1.5"] {
            assert_eq!(
                Page::<Uuid>::parse(Some(limit), None).unwrap_err().kind(),
                ErrorKind::Unprocessable,
                "{limit}"
            );
        }
        for cursor in ["", "x", "AAAA", "../../etc/passwd"] {
            assert_eq!(
                Page::<Uuid>::parse(None, Some(cursor)).unwrap_err().kind(),
                ErrorKind::Unprocessable,
                "{cursor}"
            );
        }
    }

    #[test]
    fn only_a_page_with_more_behind_it_has_a_cursor() {
        let page = Page {
            limit: 2,
            after: None,
        };
        let rows: Vec<_> = (0..3).map(|_| Uuid::now_v7()).collect();
        assert_eq!(
            page.items(rows.clone(), |id| *id).next_cursor,
            Some(encode(&rows[1]))
        );
        assert_eq!(page.items(rows[..2].to_vec(), |id| *id).next_cursor, None);
    }
}
