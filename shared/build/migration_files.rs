//! The migrations of the database, as a table of the binary. `sqlx::migrate!` would do the same,
//! with a second build of the driver.

use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// Writes `MIGRATION_FILES`: the number, the words and the text of each `<number>_<words>.sql`.
pub fn write_table(folder: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        paths.push(entry?.path());
    }
    paths.sort();

    let mut table = String::from("const MIGRATION_FILES: &[(i64, &str, &str)] = &[\n");
    for path in &paths {
        let name = path.file_stem().and_then(|name| name.to_str());
        let named = name.and_then(|name| name.split_once('_'));
        let unnamed = || format!("{} is not named <number>_<words>.sql", path.display());
        let (number, words) = named.ok_or_else(unnamed)?;

        let (number, words): (i64, _) = (number.parse()?, words.replace('_', " "));
        let text = path.display().to_string();
        writeln!(table, "    ({number}, {words:?}, include_str!({text:?})),")?;
    }
    table.push_str("];\n");

    fs::write(out.join("migration_files.rs"), table)?;
    Ok(())
}
