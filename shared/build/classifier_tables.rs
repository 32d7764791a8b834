//! Compiles the weights of the text classifier, which `cargo xtask triage-train` writes.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use crate::compiler::text_table::hash_bytes;
use crate::compiler::writer::TableWriter;
use crate::table_files::write_files;

/// The line that has the limits, in the place of a sequence of words.
const LIMITS: &str = "@limits";

/// A line of the file: a sequence of words, its rarity, and what it weighs, in thousandths.
struct Line<'f> {
    words: &'f str,
    numbers: [i32; 3],
}

/// Writes the tables: the limits; then of each sequence, in the order of the hashes, the hash, the
/// rarity, and the weight towards an emergency and towards what is urgent.
pub fn write_tables(weights: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
    let text = fs::read_to_string(weights)?;
    let mut limits = None;
    let mut by_hash = BTreeMap::new();

    for (number, line) in (1..).zip(text.lines()) {
        if line.starts_with('#') && !line.contains('\t') {
            continue;
        }

        let place = || format!("{}, line {number}", weights.display());
        let Line { words, numbers } =
            read_line(line).ok_or_else(|| format!("{} is no line of weights", place()))?;
        if words == LIMITS {
            limits = Some(numbers);
            continue;
        }
        if by_hash
            .insert(hash_bytes(words.as_bytes()), numbers)
            .is_some()
        {
            return Err(format!("{} has the hash of another line", place()).into());
        }
    }
    let [calm, emergency, urgent] =
        limits.ok_or_else(|| format!("{} has no line {LIMITS}", weights.display()))?;

    let mut writer = TableWriter::default();
    writer.push_list(&[emergency, urgent, calm].map(i32::cast_unsigned));
    let hashes: Vec<u32> = by_hash.keys().copied().collect();
    writer.push_list(&hashes);
    for column in 0..3 {
        let numbers = by_hash.values().filter_map(|numbers| numbers.get(column));
        let numbers: Vec<u32> = numbers.map(|number| number.cast_unsigned()).collect();
        writer.push_list(&numbers);
    }
    write_files(out, "classifier", writer.finish())?;
    Ok(())
}

fn read_line(line: &str) -> Option<Line<'_>> {
    let mut columns = line.split('\t');
    let words = columns.next()?;
    let numbers: Result<Vec<i32>, _> = columns.map(str::parse).collect();

    let numbers = numbers.ok()?.try_into().ok()?;
    Some(Line { words, numbers })
}
