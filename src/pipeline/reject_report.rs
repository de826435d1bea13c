//! Gathers from the ledger what the report on a rejected file says, or on a loaded one some
//! of whose records were rejected.

use fhirmill_postgres::ledger::{RejectReason, Run};

use super::error::PipelineError;
use crate::report::{MOST_RECORDS, reject_report};

/// The report on a loaded file, if records of it were rejected.
pub(super) fn on_loaded(run: &mut Run, file_id: i64, path: &str) -> Result<Option<String>, PipelineError> {
    match run.rejected_file(file_id)?.rejected {
        0 => Ok(None),
        _ => of(run, file_id, path).map(Some),
    }
}

/// The report on a file, records of which were rejected.
pub(super) fn of(run: &mut Run, file_id: i64, path: &str) -> Result<String, PipelineError> {
    let file = run.rejected_file(file_id)?;
    let reasons = run.reject_reasons(file_id)?;
    let records = run.rejected_records(file_id, MOST_RECORDS)?;
    Ok(reject_report(path, &file, &reasons, &records))
}

/// The reasons for which records of a file were rejected, with their counts, for the
/// log: `2 invalid_value, 1 not_json`.
pub(super) fn reasons(run: &mut Run, file_id: i64) -> Result<String, PipelineError> {
    let count = |RejectReason { records, reason, .. }| format!("{records} {reason}");
    Ok(run.reject_reasons(file_id)?.into_iter().map(count).collect::<Vec<_>>().join(", "))
}

/// The number of the reject whose retry put the file into the inbox, judging by the
/// file's name.
pub(super) fn retried_by(path: &str) -> Option<i64> {
    let name = path.rsplit('/').next()?;
    let number = name.strip_prefix("retry-")?.strip_suffix(".json")?;
    // A counter behind it tells files of one name apart.
    number.split('-').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retry_is_known_by_its_name() {
        for (path, number) in [
            ("retry-12.json", Some(12)),
            ("st-marys/retry-12-2.json", Some(12)),
            ("retry-x.json", None),
            ("retry-12.ndjson", None),
            ("my-retry-12.json", None),
        ] {
            assert_eq!(retried_by(path), number, "{path}");
        }
    }
}
