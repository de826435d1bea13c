//! The check of the settings of object storage.

use std::path::PathBuf;

use super::check::{Check, folder};
use super::storage_settings::{StorageSettings, StorageUrl};
use super::values;

/// What a URL of the settings names.
enum Named {
    Folder(PathBuf),
    Store(StorageUrl),
}

impl Check<'_> {
    /// The settings of object storage, and the folders that their URLs name instead of a store: of
    /// the inbox, the archive and the rejects.
    pub(super) fn storage(&mut self) -> Option<([Option<PathBuf>; 3], StorageSettings)> {
        let mut folders = [None, None, None];
        let mut stores = [None, None, None];
        for (number, name) in ["INBOX_URL", "ARCHIVE_URL", "REJECTS_URL"].into_iter().enumerate() {
            match self.storage_url(name) {
                Some(Named::Folder(path)) => folders[number] = Some(path),
                Some(Named::Store(url)) => stores[number] = Some(url),
                None => {}
            }
        }
        let [inbox, archive, rejects] = stores;
        for (name, url) in [("ARCHIVE_URL", &archive), ("REJECTS_URL", &rejects)] {
            if let (Some(inbox), Some(url)) = (&inbox, url)
                && inbox.contains(url)
            {
                self.complain_of(name, "must not be inside INBOX_URL");
            }
        }
        let allow_http = self.value("STORAGE_ALLOW_HTTP", values::on_or_off);
        let read_ahead_bytes = self.value("STORAGE_READ_AHEAD", values::size(1 << 20, 1 << 40));
        let scan_keys = self.value("STORAGE_SCAN_KEYS", values::whole_number(1, 10_000_000));
        let local_copies = self.value("STORAGE_LOCAL_COPIES", values::on_or_off);
        let storage = StorageSettings {
            inbox,
            archive,
            rejects,
            allow_http: allow_http?,
            read_ahead_bytes: read_ahead_bytes?,
            scan_keys: scan_keys?,
            local_copies: local_copies?,
        };
        Some((folders, storage))
    }

    /// A URL of a folder or, with the feature `storage`, of a store. A wrong one is not shown: it may
    /// have credentials.
    fn storage_url(&mut self, name: &'static str) -> Option<Named> {
        let text = self.optional(name, |text| Ok(text.to_owned()))?;
        if let Some(path) = text.strip_prefix("file://") {
            if !path.starts_with('/') {
                self.complain_of(name, "must have an absolute path, as file:///FOLDER");
                return None;
            }
            return match folder(path) {
                Ok(path) => Some(Named::Folder(path)),
                Err(expectation) => {
                    self.complain_of(name, &format!("must be {expectation}"));
                    None
                }
            };
        }
        match StorageUrl::parse(&text) {
            Err(expectation) => {
                self.complain_of(name, &format!("must be {expectation}"));
                None
            }
            Ok(_) if !cfg!(feature = "storage") => {
                self.complain_of(
                    name,
                    "is a store of objects, but this fhirmill was built without the feature `storage`",
                );
                None
            }
            Ok(url) => Some(Named::Store(url)),
        }
    }
}
