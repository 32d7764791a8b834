//! What of the consultations a list shows, and in which order.

use uuid::Uuid;

use super::view::ConsultationSummary;
use crate::error::Error;
use crate::page::{Cursor, Page, PageItems};
use crate::triage::Urgency;

/// One page of a list of consultations.
#[derive(Debug, Clone, Copy)]
pub enum Listing {
    /// Of all, the newest first.
    Newest(Page),
    /// Of those of one urgency, the newest first.
    OfUrgency(Urgency, Page),
    /// Of all, the most urgent first, and the newest first within an urgency.
    ByUrgency(Page<Place>),
}

/// Where a consultation stands by urgency and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// How urgent it is.
    pub urgency: Urgency,
    /// Its id, which tells its time.
    pub id: Uuid,
}

impl Place {
    /// Before all that there are.
    pub(super) const FIRST: Self = Self {
        urgency: Urgency::Emergency,
        id: Uuid::max(),
    };
}

impl Cursor for Place {
    const VERSION: u8 = 3;

    fn to_bytes(&self) -> Vec<u8> {
        let name = self.urgency.as_str().as_bytes();
        [self.id.as_bytes(), name].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (id, name) = bytes.split_first_chunk()?;
        let urgency = std::str::from_utf8(name).ok().and_then(urgency_of)?;
        Some(Self {
            urgency,
            id: Uuid::from_bytes(*id),
        })
    }
}

impl Listing {
    /// The list that a query asks for: `order=urgency` or the newest first, of the `urgency` that
    /// it names or of all, and its page. One urgency has one order.
    pub fn from_query(query: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let urgency = query("urgency").map(|name| parse_urgency(&name));
        let urgency = urgency.transpose()?;
        let is_by_urgency = query("order").map(|name| parse_order(&name));
        let is_by_urgency = is_by_urgency.transpose()?.is_some();

        let (limit, cursor) = (query("limit"), query("cursor"));
        let (limit, cursor) = (limit.as_deref(), cursor.as_deref());
        Ok(match urgency {
            Some(urgency) => Self::OfUrgency(urgency, Page::parse(limit, cursor)?),
            None if is_by_urgency => Self::ByUrgency(Page::parse(limit, cursor)?),
            None => Self::Newest(Page::parse(limit, cursor)?),
        })
    }

    /// Makes the page of the rows that [`super::store::list`] has read.
    pub fn items(self, rows: Vec<ConsultationSummary>) -> PageItems<ConsultationSummary> {
        match self {
            Self::Newest(page) | Self::OfUrgency(_, page) => page.items(rows, |row| row.id),
            Self::ByUrgency(page) => page.items(rows, |row| Place {
                urgency: row.urgency,
                id: row.id,
            }),
        }
    }
}

fn urgency_of(name: &str) -> Option<Urgency> {
    let mut all = Urgency::ALL.into_iter();
    all.find(|urgency| urgency.as_str() == name)
}

fn parse_urgency(name: &str) -> Result<Urgency, Error> {
    let detail = "must be emergency, urgent, routine or self_care, or be left out";
    urgency_of(name).ok_or_else(|| Error::field("urgency", detail))
}

fn parse_order(name: &str) -> Result<(), Error> {
    match name {
        "urgency" => Ok(()),
        _ => Err(Error::field("order", "must be urgency, or be left out")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_the_round_trip_as_a_cursor() {
        for urgency in Urgency::ALL {
            let id = Uuid::now_v7();
            let place = Place { urgency, id };
            assert_eq!(Place::from_bytes(&place.to_bytes()), Some(place));
        }

        let id_alone = Uuid::now_v7().to_bytes();
        for bytes in [&id_alone, &[id_alone.clone(), b"calm".to_vec()].concat()] {
            assert_eq!(Place::from_bytes(bytes), None);
        }
    }
}
