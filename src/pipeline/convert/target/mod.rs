//! Where a conversion is put: a folder, or a prefix of an object store. Nothing is taken for a
//! conversion before its manifest is there, which comes last.

mod folder;
#[cfg(feature = "storage")]
mod store;

use std::path::Path;

use self::folder::FolderTarget;
#[cfg(feature = "storage")]
use self::store::StoreTarget;
use super::error::ConvertError;
use super::manifest::{Manifest, TableOutput};
use super::{Conversion, Progress};
use crate::config::{Settings, SnapshotTarget};

/// See the module.
pub(super) enum Target {
    Folder(FolderTarget),
    #[cfg(feature = "storage")]
    Store(StoreTarget),
}

impl Target {
    /// Prepares the place. `known` are the tables that a conversion may have.
    ///
    /// # Errors
    /// The place has anything else in it, or a conversion that is not to be replaced.
    pub fn prepare(
        conversion: &Conversion,
        settings: &Settings,
        known: &[String],
    ) -> Result<Self, ConvertError> {
        match &conversion.to {
            SnapshotTarget::Folder(folder) => {
                FolderTarget::prepare(folder, conversion.replace, known).map(Target::Folder)
            }
            #[cfg(feature = "storage")]
            SnapshotTarget::Store(url) => {
                StoreTarget::prepare(url, &settings.storage, conversion.replace, known).map(Target::Store)
            }
            #[cfg(not(feature = "storage"))]
            SnapshotTarget::Store(_) => {
                let _ = settings;
                Err(ConvertError::NoStorage)
            }
        }
    }

    /// The folder where everything is written first.
    pub fn staging(&self) -> &Path {
        match self {
            Target::Folder(target) => target.staging(),
            #[cfg(feature = "storage")]
            Target::Store(target) => target.staging(),
        }
    }

    /// Puts the tables to their places, and then the manifest; `false` if that was interrupted.
    pub fn commit(
        self,
        tables: &[TableOutput],
        manifest: &Manifest,
        progress: Progress<'_>,
    ) -> Result<bool, ConvertError> {
        #[cfg(not(feature = "storage"))]
        let _ = (progress.progress, progress.cancel);
        match self {
            Target::Folder(target) => target.commit(tables, manifest).map(|()| true),
            #[cfg(feature = "storage")]
            Target::Store(target) => target.commit(tables, manifest, progress),
        }
    }

    /// Removes what was written.
    pub fn abandon(self) -> Result<(), ConvertError> {
        match self {
            Target::Folder(target) => target.abandon(),
            #[cfg(feature = "storage")]
            Target::Store(_) => Ok(()),
        }
    }
}
