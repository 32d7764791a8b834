//! Compiles the lists of patterns under `data/` whose sections say what a pattern means.

use std::error::Error;
use std::path::Path;

use crate::compiler::pattern_tables::compile_patterns;
use crate::compiler::syntax::{Pattern, PatternError};
use crate::compiler::writer::{CompiledTables, number};
use crate::data::WordList;
use crate::table_files::write_files;

const PATTERN_LISTS: &[WordList] = &[
    WordList {
        name: "context_cues.txt",
        text: include_str!("../src/triage/data/context_cues.txt"),
    },
    WordList {
        name: "record_headings.txt",
        text: include_str!("../src/triage/data/record_headings.txt"),
    },
];

/// Writes the tables of every list.
pub fn write_tables(out: &Path) -> Result<(), Box<dyn Error>> {
    for list in PATTERN_LISTS {
        let name = list.name.trim_end_matches(".txt");
        write_files(out, name, compile_list(*list)?)?;
    }
    Ok(())
}

/// The tables of a list; the key of a pattern is the place of its section among those of the list.
fn compile_list(list: WordList) -> Result<CompiledTables, PatternError> {
    let sections = sections_of(list);
    let mut patterns = Vec::new();

    for (section, source) in list.sections(Some) {
        let key = sections.iter().position(|known| *known == section);
        let place = format!("{}, section {section}", list.name);
        let pattern = Pattern::parse(&place, source)?;
        patterns.push((number(key.unwrap_or_default()), pattern));
    }
    Ok(compile_patterns(&patterns))
}

/// The sections of every list, as tables of Rust.
pub fn sections_source() -> String {
    let sources = PATTERN_LISTS.iter().map(|list| {
        let name = list.name.trim_end_matches(".txt").to_uppercase();
        let sections = sections_of(*list);
        format!("pub(super) const {name}_SECTIONS: &[&str] = &{sections:?};\n")
    });
    sources.collect()
}

/// The sections of a list, in the order of their first entries.
fn sections_of(list: WordList) -> Vec<&'static str> {
    let mut sections = Vec::new();

    for (section, _) in list.sections(Some) {
        if !sections.contains(&section) {
            sections.push(section);
        }
    }
    sections
}
