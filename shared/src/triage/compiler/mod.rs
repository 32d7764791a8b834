//! Compiles patterns to flat tables of numbers, which are read where they stand.
//!
//! A function that starts has no time to compile thousands of patterns, so the build script does
//! it: it includes this very folder, which is why nothing here needs more than the standard
//! library, `data` and `text::is_han`. The crate compiles only small sets of patterns with it.
//!
//! | file | what |
//! |---|---|
//! | `syntax`, `groups` | the pattern language |
//! | `phrase_tree` | one tree of the phrases of many patterns |
//! | `pattern_tables` | the tables of many patterns |
//! | `text_table`, `writer` | the form of the tables |
//! | `sound_key`, `initials` | how the vocabulary for misspelt words is looked up |

mod groups;
pub mod initials;
pub mod pattern_tables;
mod phrase_tree;
pub mod sound_key;
pub mod syntax;
pub mod text_table;
pub mod writer;
