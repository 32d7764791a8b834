//! Reads the tables of `compiler` where they stand in the binary: nothing is built.

mod numbers;
mod texts;

pub(super) use numbers::{NumberLists, Numbers, TableReader, Tables};
pub(super) use texts::TextTable;
