//! The files that tables are written to.

use std::fs;
use std::io;
use std::path::Path;

use crate::compiler::writer::CompiledTables;

/// Writes the numbers and the text of tables.
pub fn write_files(out: &Path, name: &str, tables: CompiledTables) -> io::Result<()> {
    let numbers = tables.numbers.concat();

    fs::write(out.join(format!("triage_{name}.bin")), numbers)?;
    fs::write(out.join(format!("triage_{name}.txt")), tables.text)
}
