//! Numbers with units: body temperatures, the ages of infants, and counts of pills.

mod infant_age;
mod numbers;
mod overdose;
mod temperature;

pub(super) use infant_age::{InfantAge, infant_age};
pub(super) use overdose::find_overdoses;
pub(super) use temperature::find_fevers;
