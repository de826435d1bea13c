//! The account of a batch, and its entry in the ledger.

use diesel::PgConnection;

use super::{Load, LoadFile};
use crate::LoadError;
use crate::failpoint::{self, Step};
use crate::ledger::{Account, BatchClaim, BatchPart, NewReject, UnmappedElement};
use crate::registry::decide::{Outcome, Outcomes};

/// The files of the batch, as claimed by its run.
fn claim(load: &Load<'_>) -> BatchClaim {
    BatchClaim { run_id: load.run_id, file_ids: load.files.iter().map(|file| file.id).collect() }
}

/// Makes sure that the files are still claimed by this run.
pub(super) fn check_claims(connection: &mut PgConnection, load: &Load<'_>) -> Result<(), LoadError> {
    if load.is_remap || claim(load).is_held(connection)? { Ok(()) } else { Err(LoadError::ClaimLost) }
}

/// Marks the batch's files as failed: what was found shows a defect of the
/// program.
pub(super) fn fail(
    connection: &mut PgConnection,
    load: &Load<'_>,
    reason: &LoadError,
) -> Result<(), LoadError> {
    Ok(claim(load).fail(connection, &reason.to_string())?)
}

/// What became of the records of each of the batch's files.
pub(super) fn accounts(load: &Load<'_>, outcomes: &Outcomes) -> Vec<Account> {
    let not_loaded =
        |file: &LoadFile| Account { skipped: file.skipped, unchanged: file.known, ..Account::default() };
    let mut accounts: Vec<Account> = load.files.iter().map(not_loaded).collect();
    let of_resources = load.origins.iter().map(|origin| origin.file).zip(&outcomes.of_resources);
    let of_deletes = load.deletes.iter().map(|delete| delete.file).zip(&outcomes.of_deletes);
    for (file, outcome) in of_resources.chain(of_deletes) {
        let account = &mut accounts[file];
        match outcome {
            Outcome::Inserted(_) => account.inserted += 1,
            Outcome::Updated(_) => account.updated += 1,
            Outcome::Deleted(_) => account.deleted += 1,
            Outcome::Unchanged => account.unchanged += 1,
            Outcome::Stale => account.stale += 1,
        }
    }
    for reject in load.rejects {
        accounts[reject.file].rejected += 1;
    }
    accounts
}

/// Writes rejects, unmapped elements and each file's part of the account.
pub(super) fn record(
    connection: &mut PgConnection,
    load: &Load<'_>,
    accounts: &[Account],
) -> Result<(), LoadError> {
    insert_rejects(connection, load)?;
    for unmapped in load.batch.unmapped() {
        let element = UnmappedElement {
            resource_type: unmapped.resource_type.name(),
            element: unmapped.element,
            resources: unmapped.resources,
            last_file_id: load.files[load.origins[unmapped.last_resource].file].id,
        };
        element.add(connection)?;
    }
    let part = |(file, account): (&LoadFile, &Account)| BatchPart {
        file_id: file.id,
        positions: file.records,
        account: *account,
    };
    BatchPart::insert(connection, &load.files.iter().zip(accounts).map(part).collect::<Vec<_>>())?;
    failpoint::passed(Step::Accounted);
    Ok(())
}

fn insert_rejects(connection: &mut PgConnection, load: &Load<'_>) -> Result<(), LoadError> {
    let rejects = load.rejects.iter().map(|reject| NewReject {
        file_id: load.files[reject.file].id,
        position: reject.position,
        location: &reject.location,
        resource_type: reject.resource_type.as_deref(),
        fhir_id: reject.fhir_id.as_deref(),
        reason: &reject.reason,
        message: &reject.message,
        raw: &reject.raw,
    });
    let kept = NewReject::insert(connection, rejects)?;
    let count = load.rejects.len();
    if kept != count {
        return Err(LoadError::RejectsMissing { count, kept });
    }
    Ok(())
}
