//! The FHIR servers of the sources of a run, as far as they are known: from the
//! ledger, and from the files that were read.

use std::collections::BTreeMap;

use fhirmill_core::fhir::Servers;
use fhirmill_postgres::ledger::ClaimedFile;

/// See the module.
#[derive(Default)]
pub(super) struct KnownServers {
    by_source: BTreeMap<i16, Servers>,
    learned: Vec<(i16, String)>,
}

impl KnownServers {
    /// Takes over what the ledger knows of the file's source.
    pub fn begin_file(&mut self, file: &ClaimedFile) {
        let known = self.by_source.entry(file.source_id).or_default();
        file.base_urls.iter().for_each(|base_url| known.add(base_url));
    }

    /// Notes that the source has this server.
    pub fn learn(&mut self, source_id: i16, base_url: &str) {
        if self.by_source.entry(source_id).or_default().learn(base_url) {
            self.learned.push((source_id, base_url.to_owned()));
        }
    }

    /// The base URLs of the source's servers.
    pub fn of(&self, source_id: i16) -> Vec<String> {
        self.by_source.get(&source_id).map_or_else(Vec::new, |known| known.base_urls().to_vec())
    }

    /// What was learned since the last call.
    pub fn take_learned(&mut self) -> Vec<(i16, String)> {
        std::mem::take(&mut self.learned)
    }
}
