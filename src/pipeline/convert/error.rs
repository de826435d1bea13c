//! Why a conversion failed.

use std::io;
use std::path::{Path, PathBuf};

use fhirmill_arrow::{DecodeError, SchemaError, WriteError};

/// Why a conversion failed. It has no manifest then.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    /// An input that cannot be read at all.
    #[error("cannot read {}", path.display())]
    Input {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The folder of the conversion cannot be written.
    #[error("cannot write {}", path.display())]
    Output {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Rows that do not fit the table. A defect of fhirmill.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A table that cannot be written in the format.
    #[error("cannot write {}: {reason}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A table without a schema. A defect of fhirmill.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The folder has other things in it.
    #[error("{} is not empty, and no conversion of fhirmill", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// The folder has a conversion that is not to be replaced.
    #[error("{} has a conversion already", path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// An object store, in a build without them.
    #[cfg(not(feature = "storage"))]
    #[error("this fhirmill was built without the feature `storage`, and converts to folders only")]
    NoStorage,
    /// Another process is at it.
    #[error("another process is converting to {}", path.display())]
    Busy {
        /// The folder.
        path: PathBuf,
    },
}

impl ConvertError {
    /// A file or folder that cannot be written.
    pub(super) fn output(path: &Path) -> impl Fn(io::Error) -> ConvertError + '_ {
        |source| ConvertError::Output { path: path.to_owned(), source }
    }

    /// A file that cannot be written.
    pub(super) fn write(path: &Path) -> impl Fn(WriteError) -> ConvertError + '_ {
        |error| match error {
            WriteError::Io(source) => ConvertError::Output { path: path.to_owned(), source },
            WriteError::Format(reason) => ConvertError::Format { path: path.to_owned(), reason },
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            ConvertError::Output { source, .. } if source.kind() == io::ErrorKind::StorageFull => Some(
                "the disk is full, or the quota is used up; nothing there is taken for a conversion: free some space, \
                 or convert to another disk, and start again",
            ),
            ConvertError::NotEmpty { .. } => Some("convert into a folder that is empty or does not exist"),
            ConvertError::Exists { .. } => Some("to replace it: --replace"),
            ConvertError::Busy { .. } => Some("wait for it to end, or convert into another folder"),
            ConvertError::Decode(_) | ConvertError::Schema(_) => {
                Some("this is a defect of fhirmill; please report it with the message")
            }
            _ => None,
        }
    }

    /// Whether the arguments are to blame, and nothing was done.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            ConvertError::NotEmpty { .. } | ConvertError::Exists { .. } | ConvertError::Input { .. }
        )
    }
}
