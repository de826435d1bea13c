//! *Objects* of a store among the files of a run: those that the ledger knows are not read to be
//! hashed, and the others as rarely as can be.

use std::collections::HashMap;

use fhirmill_postgres::ledger::{NewFile, Run};

use super::error::PipelineError;
use crate::archive::at_once;
use crate::inbox::{FileContent, InboxFile};
use crate::report::Summary;

/// The most files that the ledger is asked about at once.
const AT_ONCE: usize = 10_000;

/// Tells the objects that the ledger has in the same version what their hashes are.
pub(super) fn recognize(run: &mut Run, files: &[InboxFile]) -> Result<(), PipelineError> {
    let objects: Vec<&InboxFile> = files.iter().filter(|file| file.place.version().is_some()).collect();
    for objects in objects.chunks(AT_ONCE) {
        let asked: Vec<NewFile<'_>> =
            objects.iter().map(|file| file.with_content(&FileContent::UNKNOWN)).collect();
        for (number, sha256) in run.known_objects(&asked)? {
            if let Some(file) = objects.get(number) {
                file.place.recognize(sha256);
            }
        }
    }
    Ok(())
}

/// Hashes objects that may have the bytes of others: of the same sender and size, in the ledger or
/// among the files. An object that cannot be read leaves the list.
pub(super) fn hash_twins(
    run: &mut Run,
    files: &mut Vec<(&InboxFile, FileContent)>,
    summary: &mut Summary,
) -> Result<(), PipelineError> {
    let unhashed: Vec<usize> = (0..files.len()).filter(|number| !files[*number].1.is_hashed).collect();
    if unhashed.is_empty() {
        return Ok(());
    }
    let mut of_size: HashMap<(&str, u64), usize> = HashMap::new();
    for (file, _) in files.iter() {
        *of_size.entry((&file.source, file.size)).or_default() += 1;
    }
    let asked: Vec<NewFile<'_>> =
        unhashed.iter().map(|number| files[*number].0.with_content(&files[*number].1)).collect();
    let in_ledger = run.twins(&asked)?;
    let twins: Vec<usize> = (0..unhashed.len())
        .filter(|number| {
            let (file, _) = files[unhashed[*number]];
            in_ledger.contains(number) || of_size[&(file.source.as_str(), file.size)] > 1
        })
        .map(|number| unhashed[number])
        .collect();
    let hashed = at_once(&twins, true, |number| files[*number].0.place.hashed_content());
    let mut lost = Vec::new();
    for (number, content) in twins.into_iter().zip(hashed) {
        match content {
            Ok(content) => files[number].1 = content,
            Err(error) => {
                let file = files[number].0;
                if file.place.is_there() {
                    let reason = format!("it cannot be read and stays in the inbox: {error}");
                    summary.skip(file.relative.clone(), reason);
                }
                lost.push(number);
            }
        }
    }
    let mut number = 0;
    files.retain(|_| {
        number += 1;
        !lost.contains(&(number - 1))
    });
    Ok(())
}
