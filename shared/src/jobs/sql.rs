//! The statements of this module, which stand in `sql/*.sql`.
//!
//! Every statement that can end a job is put together by [`transition_sql`] or [`completion_sql`].
//! Both append `remove_outbox_rows.sql`, so the removal of an ended job's outbox row stands once.

/// The text of a file in `sql/`.
macro_rules! sql_file {
    ($file:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/jobs/sql/", $file))
    };
}
pub(super) use sql_file;

/// A statement that changes a job's state: the file with its `WITH` list, in which `transition`
/// returns the job's new state; the removal of the outbox row; and what the statement answers. The
/// sweep is one too: its `transition` returns the state in which it found the job.
macro_rules! transition_sql {
    ($file:literal, $answer:literal) => {
        concat!(
            $crate::jobs::sql::sql_file!($file),
            $crate::jobs::sql::sql_file!("remove_outbox_rows.sql"),
            $answer
        )
    };
}
pub(super) use transition_sql;

/// A statement that completes the job of a lease and writes its result. The lease's tenant, job and
/// token are `$1`, `$2` and `$3`. The result is written from `transition`, which has no row if the
/// run has lost its lease: then nothing is written.
macro_rules! completion_sql {
    ($result:literal) => {
        concat!(
            include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/src/jobs/sql/complete.sql"
            )),
            include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/src/jobs/sql/remove_outbox_rows.sql"
            )),
            $result
        )
    };
}
pub(crate) use completion_sql;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    /// The files of `sql/` with their texts.
    fn sql_files() -> Vec<(String, String)> {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/jobs/sql");
        let entries = fs::read_dir(directory).unwrap();
        entries
            .map(|entry| entry.unwrap())
            .map(|entry| {
                let name = entry.file_name().into_string().unwrap();
                (name, fs::read_to_string(entry.path()).unwrap())
            })
            .collect()
    }

    /// A statement that sets a final state has it in `transition`, which the removal reads.
    #[test]
    fn outbox_rows_of_ended_jobs_are_removed_in_one_place() {
        let files = sql_files();
        let removals = files
            .iter()
            .filter(|(_, sql)| sql.contains("DELETE FROM outbox"));
        let removals: Vec<_> = removals.map(|(name, _)| name.as_str()).collect();
        assert_eq!(removals, ["remove_outbox_rows.sql"]);

        for (name, sql) in &files {
            let can_end_a_job =
                sql.contains("finished_at = ") && !sql.contains("finished_at = NULL");
            assert_eq!(sql.contains("transition AS ("), can_end_a_job, "{name}");
        }
    }

    #[test]
    fn no_sql_line_is_wider_than_100_columns() {
        for (name, sql) in sql_files() {
            let widest = sql.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(100), "{name}: {widest:?}");
        }
    }
}
