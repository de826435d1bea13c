//! *Loads* of the files of an export: what is waited for after they have landed, and what their
//! counts are compared with.

use std::time::Duration;

use fhirmill_postgres::ledger::{ExportFile, ExportJob};
use fhirmill_postgres::lock::lock;
use tracing::warn;

use super::{ExportRun, Loads};
use crate::feeds::http::Failure;
use crate::inbox::is_there;

/// How long to wait before asking the ledger again whether files are loaded.
const LOOK_AT_LOADS: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(5)];
/// How often files that landed may turn out not to have been loaded by this process.
pub(super) const MOST_LOADS: u32 = 3;

impl ExportRun<'_> {
    /// Waits until all files are loaded. False if some were lost and must be fetched again.
    pub(super) fn loaded(&self, id: i64) -> Result<bool, Failure> {
        let mut wait = LOOK_AT_LOADS[0];
        let mut loads = 0;
        loop {
            let files = {
                let connection = &mut lock(&self.connection);
                ExportFile::follow(connection, id)?;
                ExportFile::list(connection, id)?
            };
            let landed: Vec<&ExportFile> = files.iter().filter(|file| file.status == "landed").collect();
            if landed.is_empty() {
                return Ok(true);
            }
            if self.fetch_lost(id, &landed)? {
                return Ok(false);
            }
            if let Loads::Here(load) = &self.loads
                && loads < MOST_LOADS
            {
                loads += 1;
                load().map_err(Failure::Permanent)?;
                wait = LOOK_AT_LOADS[0];
                continue;
            }
            if matches!(self.loads, Loads::Here(_))
                && ExportFile::have_failed(&mut lock(&self.connection), id)?
            {
                return Err(Failure::Permanent(
                    "some of its files cannot be loaded: see `fhirmill files`".to_owned(),
                ));
            }
            self.wait(wait)?;
            wait = (wait * 2).min(LOOK_AT_LOADS[1]);
        }
    }

    /// Whether files that landed have left the inbox without having been claimed; they are
    /// fetched again.
    fn fetch_lost(&self, id: i64, landed: &[&ExportFile]) -> Result<bool, Failure> {
        let inbox = &self.settings.inbox_dir;
        let is_missing =
            |file: &&&ExportFile| !file.landed_path.as_deref().is_some_and(|path| is_there(inbox, path));
        let missing: Vec<i32> = landed.iter().filter(is_missing).map(|file| file.number).collect();
        if missing.is_empty() {
            return Ok(false);
        }
        // Asked for after the look at the folder: a file is claimed before it leaves.
        let connection = &mut lock(&self.connection);
        let unclaimed = ExportFile::unclaimed(connection, id)?;
        let lost: Vec<i32> = missing.into_iter().filter(|number| unclaimed.contains(number)).collect();
        if lost.is_empty() {
            return Ok(false);
        }
        warn!(
            export = id,
            "{} files of export {id} have disappeared from the inbox, and are fetched again",
            lost.len()
        );
        ExportFile::fetch_again(connection, id, &lost)?;
        ExportJob::set_status(connection, id, "fetching")?;
        Ok(true)
    }

    pub(super) fn tell_differences(&self, id: i64) -> Result<(), Failure> {
        for difference in ExportFile::differences(&mut lock(&self.connection), id)? {
            let name = difference.resource_type.as_deref().unwrap_or("resources");
            warn!(
                export = id,
                "file {} of export {id} has {} records of {name}, but the server announced {}",
                difference.number,
                difference.seen,
                difference.announced
            );
        }
        Ok(())
    }
}
