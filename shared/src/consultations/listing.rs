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
    /// Of those that the filter lets through, the most urgent first, and the newest first within an
    /// urgency.
    ByUrgency(UrgencyFilter, Page<Place>),
}

/// Which consultations a list by urgency has; by default all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UrgencyFilter {
    /// Those of one urgency.
    pub urgency: Option<Urgency>,
    /// Those that are still to be reviewed.
    pub is_to_review: bool,
}

/// Where a consultation stands in a list by urgency and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The list's filter: a place of one list is none of another's.
    pub filter: UrgencyFilter,
    /// How urgent it is.
    pub urgency: Urgency,
    /// Its id, which tells its time.
    pub id: Uuid,
}

/// A place that names no one urgency as its list's.
const OF_ANY_URGENCY: u8 = b'*';

/// A place that names its own urgency as its list's.
const OF_ONE_URGENCY: u8 = b'=';

impl Cursor for Place {
    const VERSION: u8 = 4;

    fn to_bytes(&self) -> Vec<u8> {
        let of = match self.filter.urgency {
            None => OF_ANY_URGENCY,
            Some(_) => OF_ONE_URGENCY,
        };
        let list = [of, u8::from(self.filter.is_to_review)];
        let name = self.urgency.as_str().as_bytes();
        [&list, &self.id.as_bytes()[..], name].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let ([of, is_to_review], bytes) = bytes.split_first_chunk()?;
        let (id, name) = bytes.split_first_chunk()?;
        let urgency = std::str::from_utf8(name).ok().and_then(urgency_of)?;

        let of_list = match *of {
            OF_ANY_URGENCY => None,
            OF_ONE_URGENCY => Some(urgency),
            _ => return None,
        };
        Some(Self {
            filter: UrgencyFilter {
                urgency: of_list,
                is_to_review: *is_to_review == 1,
            },
            urgency,
            id: Uuid::from_bytes(*id),
        })
    }
}

impl Listing {
    /// The list that a query asks for: `order=urgency` or the newest first, of the `urgency` that
    /// it names, of what is still to be reviewed, or of all, and its page. One urgency, and what is
    /// to be reviewed, have one order.
    pub fn from_query(query: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let urgency = query("urgency").map(|name| parse_urgency(&name));
        let is_by_urgency = query("order").map(|name| parse_order(&name));
        let is_to_review = query("reviewed").map(|name| parse_reviewed(&name));
        let filter = UrgencyFilter {
            urgency: urgency.transpose()?,
            is_to_review: is_to_review.transpose()?.is_some(),
        };
        let is_by_urgency = is_by_urgency.transpose()?.is_some();

        let (limit, cursor) = (query("limit"), query("cursor"));
        let (limit, cursor) = (limit.as_deref(), cursor.as_deref());
        if !is_by_urgency && filter == UrgencyFilter::default() {
            return Ok(Self::Newest(Page::parse(limit, cursor)?));
        }
        let page = Page::parse(limit, cursor)?;
        require_same_list(filter, page.after)?;
        Ok(Self::ByUrgency(filter, page))
    }

    /// Makes the page of the rows that [`super::store::list`] has read.
    pub fn items(self, rows: Vec<ConsultationSummary>) -> PageItems<ConsultationSummary> {
        match self {
            Self::Newest(page) => page.items(rows, |row| row.id),
            Self::ByUrgency(filter, page) => page.items(rows, |row| Place {
                filter,
                urgency: row.urgency,
                id: row.id,
            }),
        }
    }
}

/// A page of another list would leave out what stands between the two lists' places.
fn require_same_list(filter: UrgencyFilter, after: Option<Place>) -> Result<(), Error> {
    if after.is_none_or(|place| place.filter == filter) {
        return Ok(());
    }

    let detail = "is of a list with another `urgency` or `reviewed`: begin without a cursor";
    Err(Error::field("cursor", detail))
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

fn parse_reviewed(name: &str) -> Result<(), Error> {
    match name {
        "false" => Ok(()),
        _ => Err(Error::field("reviewed", "must be false, or be left out")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_filters() -> impl Iterator<Item = UrgencyFilter> {
        let urgencies = Urgency::ALL.map(Some).into_iter().chain([None]);
        urgencies.flat_map(|urgency| {
            [false, true].map(|is_to_review| UrgencyFilter {
                urgency,
                is_to_review,
            })
        })
    }

    #[test]
    fn a_place_survives_the_round_trip_as_a_cursor() {
        for filter in all_filters() {
            let place = Place {
                filter,
                urgency: filter.urgency.unwrap_or(Urgency::Urgent),
                id: Uuid::now_v7(),
            };
            assert_eq!(Place::from_bytes(&place.to_bytes()), Some(place));
        }

        let id_alone = Uuid::now_v7().to_bytes();
        let of_no_list = [b"?\0", &id_alone[..], b"urgent"].concat();
        let of_no_urgency = [b"*\0", &id_alone[..], b"calm"].concat();
        for bytes in [id_alone, of_no_list, of_no_urgency] {
            assert_eq!(Place::from_bytes(&bytes), None);
        }
    }

    #[test]
    fn a_place_of_one_list_is_refused_in_every_other() {
        for filter in all_filters() {
            let place = Place {
                filter,
                urgency: filter.urgency.unwrap_or(Urgency::Urgent),
                id: Uuid::now_v7(),
            };
            for other in all_filters() {
                let result = require_same_list(other, Some(place));
                assert_eq!(result.is_ok(), other == filter, "{filter:?} {other:?}");
            }
        }
    }
}
