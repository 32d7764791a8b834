//! Keyset pages: a query's `limit` and an opaque `cursor` that names the last row of the page
//! before, so that rows added or removed meanwhile neither shift nor repeat a page.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use uuid::Uuid;

use crate::error::Error;
use crate::identity::UserId;

const DEFAULT_PAGE_LIMIT: u16 = 20;
const MAX_PAGE_LIMIT: u16 = 100;

/// The value that a list is ordered by and a cursor names.
pub trait Cursor: Sized {
    /// The first byte of a cursor, so that its form can change, and no list takes another's.
    const VERSION: u8;

    /// The value's bytes, as a cursor holds them.
    fn to_bytes(&self) -> Vec<u8>;

    /// The value that a cursor's bytes hold; none if they hold something else.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

impl Cursor for Uuid {
    const VERSION: u8 = 1;

    fn to_bytes(&self) -> Vec<u8> {
        self.as_bytes().to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::from_slice(bytes).ok()
    }
}

impl Cursor for UserId {
    const VERSION: u8 = 2;

    fn to_bytes(&self) -> Vec<u8> {
        self.as_str().as_bytes().to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8(bytes.to_vec()).ok()?;
        text.try_into().ok()
    }
}

/// The part of a list that a query asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page<C = Uuid> {
    /// Rows on the page: 1 to 100.
    pub limit: u16,
    /// The last row of the page before; none for the first page.
    pub after: Option<C>,
}

/// One page on the wire.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(rename = "PageOf{T}")]
pub struct PageItems<T> {
    /// The rows in the order of their list, at most [`Page::limit`].
    pub items: Vec<T>,
    /// The caller's `cursor` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

impl<C: Cursor> Page<C> {
    /// Reads the query parameters `limit` (20 by default) and `cursor`.
    pub fn parse(limit: Option<&str>, cursor: Option<&str>) -> Result<Self, Error> {
        let limit = limit.map_or(Ok(DEFAULT_PAGE_LIMIT), parse_limit)?;
        let after = cursor.map(parse_cursor).transpose()?;
        Ok(Self { limit, after })
    }

    /// Makes the page of `rows`. A store reads one row more than the limit, whose presence says
    /// that another page follows.
    pub fn items<T>(self, mut rows: Vec<T>, cursor_of: impl Fn(&T) -> C) -> PageItems<T> {
        let limit = usize::from(self.limit);
        let has_next = rows.len() > limit;
        rows.truncate(limit);

        let last = rows.last().filter(|_| has_next);
        let next_cursor = last.map(|row| encode_cursor(&cursor_of(row)));
        PageItems {
            items: rows,
            next_cursor,
        }
    }
}

fn parse_limit(text: &str) -> Result<u16, Error> {
    text.parse()
        .ok()
        .filter(|limit| (1..=MAX_PAGE_LIMIT).contains(limit))
        .ok_or_else(|| Error::field("limit", "must be a whole number from 1 to 100"))
}

fn parse_cursor<C: Cursor>(text: &str) -> Result<C, Error> {
    decode_cursor(text)
        .ok_or_else(|| Error::field("cursor", "must be a `next_cursor` from an earlier page"))
}

fn encode_cursor<C: Cursor>(value: &C) -> String {
    let mut bytes = vec![C::VERSION];
    bytes.extend(value.to_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decode_cursor<C: Cursor>(cursor: &str) -> Option<C> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (version, value) = bytes.split_first()?;

    if *version == C::VERSION {
        C::from_bytes(value)
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
        let cursor = encode_cursor(&id);

        assert_eq!(decode_cursor(&cursor), Some(id));
        let of_another_list: Option<UserId> = decode_cursor(&cursor);
        assert_eq!(of_another_list, None);
    }

    #[test]
    fn a_wrong_limit_or_cursor_is_refused() {
        for limit in ["0", "101", "-1", "ten", "", "1.5"] {
            let error = Page::<Uuid>::parse(Some(limit), None).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unprocessable, "{limit}");
        }

        for cursor in ["", "x", "AAAA", "../../etc/passwd"] {
            let error = Page::<Uuid>::parse(None, Some(cursor)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unprocessable, "{cursor}");
        }
    }

    #[test]
    fn only_a_page_with_more_behind_it_has_a_cursor() {
        let page = Page {
            limit: 2,
            after: None,
        };
        let rows: Vec<_> = (0..3).map(|_| Uuid::now_v7()).collect();

        let first = page.items(rows.clone(), |id| *id);
        assert_eq!(first.next_cursor, Some(encode_cursor(&rows[1])));

        let last = page.items(rows[..2].to_vec(), |id| *id);
        assert_eq!(last.next_cursor, None);
    }
}
