//! The *account* of a batch: its records by outcome, for every file, and their
//! entry in the ledger.

use diesel::PgConnection;
use fhirmill_core::sink::{BatchId, Mode, Outcome, Outcomes};

use super::batch::{Delivery, FilePart, Load, SkippedType};
use crate::LoadError;
use crate::failpoint::{self, Step};
use crate::ledger::forward::{BatchNote, note_parts};
use crate::ledger::{
    Account, BatchClaim, BatchPart, DeviatingElement, NewReject, SkippedRange, UnmappedElement,
};

/// The files of the batch as claimed by its run; `None` for archived files, which
/// are not claimed.
fn claim(load: &Load<'_>) -> Option<BatchClaim> {
    match (load.mode, load.delivery) {
        (_, Delivery::Archived { .. } | Delivery::Replayed) => None,
        (Mode::Load(id), Delivery::Claimed) => {
            let file_ids = load.files.iter().map(|file| file.file_id).collect();
            Some(BatchClaim { run_id: id.run, file_ids })
        }
        (Mode::Remap, _) => None,
    }
}

/// Makes sure that the files are still claimed by the batch's run.
pub(super) fn check_claims(connection: &mut PgConnection, load: &Load<'_>) -> Result<(), LoadError> {
    let Some(claim) = claim(load) else { return Ok(()) };
    if claim.is_held(connection)? { Ok(()) } else { Err(LoadError::ClaimLost) }
}

/// Marks the batch's files as failed, because of a defect of the program.
pub(super) fn fail(
    connection: &mut PgConnection,
    load: &Load<'_>,
    reason: &LoadError,
) -> Result<(), LoadError> {
    let Some(claim) = claim(load) else { return Ok(()) };
    Ok(claim.fail(connection, &reason.to_string())?)
}

/// The account of each of the batch's files.
pub(super) fn accounts(load: &Load<'_>, outcomes: &Outcomes) -> Vec<Account> {
    let not_mapped =
        |file: &FilePart| Account { skipped: file.skipped, unchanged: file.unchanged, ..Account::default() };
    let mut accounts: Vec<Account> = load.files.iter().map(not_mapped).collect();
    let of_resources = load.origins.iter().map(|origin| origin.file).zip(&outcomes.of_resources);
    let of_deletes = load.deletes.iter().map(|delete| delete.file).zip(&outcomes.of_deletes);
    for (file, outcome) in of_resources.chain(of_deletes) {
        let account = &mut accounts[file];
        match outcome {
            Outcome::Inserted { .. } => account.inserted += 1,
            Outcome::Updated { .. } => account.updated += 1,
            Outcome::Deleted { .. } => account.deleted += 1,
            Outcome::Unchanged => account.unchanged += 1,
            Outcome::Stale => account.stale += 1,
        }
    }
    for reject in load.rejects {
        accounts[reject.file].rejected += 1;
    }
    accounts
}

/// Writes rejects, unmapped and deviating elements and each file's account into the ledger; of
/// a remap, or of what is loaded again, nothing.
pub(super) fn record(
    connection: &mut PgConnection,
    load: &Load<'_>,
    accounts: &[Account],
    moved: usize,
) -> Result<(), LoadError> {
    let Mode::Load(id) = load.mode else { return Ok(()) };
    if matches!(load.delivery, Delivery::Replayed) {
        return Ok(());
    }
    let note = note(load, id, accounts, moved);
    insert_rejects(connection, load)?;
    for unmapped in load.rows.unmapped() {
        let element = UnmappedElement {
            resource_type: unmapped.resource_type.name(),
            element: unmapped.element,
            resources: unmapped.resources,
            last_file_id: load.files[load.origins[unmapped.last_resource].file].file_id,
        };
        element.add(connection)?;
    }
    let deviations = load.rows.deviations();
    let deviations = deviations.iter().map(|deviant| DeviatingElement {
        resource_type: deviant.resource_type.name(),
        element: deviant.element,
        deviation: deviant.deviation.name(),
        resources: deviant.resources,
        last_file_id: load.files[load.origins[deviant.last_resource].file].file_id,
    });
    DeviatingElement::add(connection, &deviations.collect::<Vec<_>>())?;
    match load.delivery {
        Delivery::Claimed => insert_parts(connection, load, accounts, note)?,
        Delivery::Archived { resource_types } if !resource_types.is_empty() => {
            for (file, account) in load.files.iter().zip(accounts) {
                let loaded = account.total() - account.skipped;
                if !SkippedRange::settle(connection, (file.file_id, file.records.0), resource_types, account)?
                {
                    return Err(LoadError::SkippedDiffer { loaded });
                }
            }
            let places: Vec<_> = load.files.iter().map(|file| (file.file_id, file.records)).collect();
            note_parts(connection, &places, note)?;
        }
        Delivery::Archived { .. } | Delivery::Replayed => {}
    }
    failpoint::passed(Step::Accounted);
    Ok(())
}

/// What sinks may have to be told of: versions that are current now, wherever they were before,
/// and deletions.
fn note(load: &Load<'_>, id: BatchId, accounts: &[Account], moved: usize) -> BatchNote {
    let applied: u64 = accounts.iter().map(|account| account.inserted + account.updated).sum();
    let resources = applied + moved as u64 + load.deletes.len() as u64;
    BatchNote { source_id: load.source_id, run_id: id.run, number: id.number, resources }
}

fn insert_parts(
    connection: &mut PgConnection,
    load: &Load<'_>,
    accounts: &[Account],
    note: BatchNote,
) -> Result<(), LoadError> {
    let part = |(file, account): (&FilePart, &Account)| BatchPart {
        file_id: file.file_id,
        positions: file.records,
        account: *account,
    };
    BatchPart::insert(connection, &load.files.iter().zip(accounts).map(part).collect::<Vec<_>>(), note)?;
    let range = |skipped: &SkippedType| {
        let file = &load.files[skipped.file];
        let resource_type = skipped.resource_type.name();
        SkippedRange { file_id: file.file_id, records: file.records, resource_type, count: skipped.records }
    };
    SkippedRange::insert(connection, &load.skipped.iter().map(range).collect::<Vec<_>>())?;
    Ok(())
}

fn insert_rejects(connection: &mut PgConnection, load: &Load<'_>) -> Result<(), LoadError> {
    let rejects = load.rejects.iter().map(|reject| NewReject {
        file_id: load.files[reject.file].file_id,
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
