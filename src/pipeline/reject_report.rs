//! Gathers from the ledger what the report beside a rejected file says.

use fhirmill_postgres::ledger::{RejectReason, Run};

use super::error::PipelineError;
use crate::report::{MOST_RECORDS, reject_report};

/// The report of a file that the ledger has as rejected.
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
