//! The FHIR servers of the sources of a run, as far as they are known: from the
//! ledger, and from the files that were read.

use std::collections::BTreeMap;

use fhirmill_core::fhir::is_same_base;
use fhirmill_postgres::ledger::ClaimedFile;

/// The most servers that are learned of a source: somebody who has more forwards
/// what others have.
const MAX_SERVERS: usize = 16;

/// See the module.
#[derive(Default)]
pub(super) struct KnownServers {
    /// Base URLs by source.
    base_urls: BTreeMap<i16, Vec<String>>,
    learned: Vec<(i16, String)>,
}

impl KnownServers {
    /// Takes over what the ledger knows of the file's source.
    pub fn begin_file(&mut self, file: &ClaimedFile) {
        let known = self.base_urls.entry(file.source_id).or_default();
        for base_url in &file.base_urls {
            if !known.contains(base_url) {
                known.push(base_url.clone());
            }
        }
    }

    /// Notes that the source has this server.
    pub fn learn(&mut self, source_id: i16, base_url: &str) {
        let known = self.base_urls.entry(source_id).or_default();
        if known.len() < MAX_SERVERS && !known.iter().any(|known| is_same_base(known, base_url)) {
            known.push(base_url.to_owned());
            self.learned.push((source_id, base_url.to_owned()));
        }
    }

    /// The base URLs of the source's servers.
    pub fn of(&self, source_id: i16) -> Vec<String> {
        self.base_urls.get(&source_id).cloned().unwrap_or_default()
    }

    /// What was learned since the last call.
    pub fn take_learned(&mut self) -> Vec<(i16, String)> {
        std::mem::take(&mut self.learned)
    }
}
