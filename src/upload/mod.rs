//! *Uploads*: files that arrive in parts, whatever interface they come by.
//!
//! An upload is begun, its parts are written in any order and at once, and it is
//! completed or aborted. Its bytes are in the *spool*, a hidden folder of the inbox, so
//! that a complete file enters the inbox by a rename. A part counts once it is on disk
//! and in the ledger; whatever was not recorded can be sent again. A process may die at
//! any point: [`Uploads::recover`] finishes what was being completed, and nothing
//! unfinished is ever in the inbox.
//!
//! Parts of the same size are written to their place in one file, so that completing
//! costs no copy. Parts of other sizes have files of their own until then.
//!
//! All of this blocks; the network interfaces call it on threads for that.

mod assemble;
mod checksum;
mod complete;
mod error;
mod part;
mod spool;
mod whole;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use diesel::PgConnection;
use fhirmill_postgres::ledger::{NewUpload, Queue, Upload, UploadPart};
use tokio::sync::Notify;
use tracing::{info, warn};
use uuid::Uuid;

pub use checksum::{Algorithm, Checksums, Expected, Sum};
pub use error::UploadError;
pub use part::{PartWriter, Repeated, WrittenPart};
pub use whole::{Kind, of_parts, value_of};

use crate::config::Settings;
use spool::Spool;

/// The largest number of a part, as in S3.
pub const MOST_PARTS: i32 = 10_000;
/// The longest name of a file, in bytes; as in S3.
const LONGEST_FILENAME: usize = 1024;

/// Who uploads, and within which limits.
#[derive(Clone, Debug)]
pub struct Uploader {
    /// The sender's number.
    pub sender_id: i32,
    /// The name of its source's folder in the inbox.
    pub source: String,
    /// The most uploads that it may have open.
    pub max_open_uploads: i32,
    /// The most bytes that its open uploads may hold together.
    pub max_open_bytes: i64,
}

/// What is known of a file when its upload begins.
#[derive(Clone, Debug, Default)]
pub struct Announced {
    /// Its name; slashes separate folders.
    pub filename: String,
    /// The number of its parts.
    pub part_count: Option<i32>,
    /// Its size.
    pub size: Option<u64>,
    /// Its SHA-256.
    pub sha256: Option<[u8; 32]>,
    /// What identifies the call, so that it can be made again.
    pub idempotency_key: Option<String>,
    /// What the sender wants to be kept with the file, as a JSON object.
    pub metadata: Option<serde_json::Value>,
    /// The checksum that is computed of every part, and what that of the whole file is.
    pub checksum: Option<(Algorithm, Kind)>,
}

/// What there must be room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// A new upload.
    New,
    /// A part; `counts` if its bytes were not announced when its upload began.
    OfPart { counts: bool },
}

/// The uploads of this service.
#[derive(Clone, Debug)]
pub struct Uploads {
    spool: Arc<Spool>,
    expiry: Duration,
    max_upload_bytes: u64,
    max_queued_files: u64,
    wake: Arc<Notify>,
    totals: Arc<Totals>,
}

/// What came in since the process started.
#[derive(Debug, Default)]
pub struct Totals {
    /// Uploads that were begun, completed, aborted, and removed because their time was over.
    pub begun: AtomicU64,
    pub completed: AtomicU64,
    pub aborted: AtomicU64,
    pub expired: AtomicU64,
    /// Parts that were stored.
    pub parts: AtomicU64,
    /// Their bytes.
    pub bytes: AtomicU64,
}

impl Uploads {
    /// Opens the spool of the settings' inbox. `wake` is notified when a file has entered
    /// the inbox.
    pub fn open(settings: &Settings, wake: Arc<Notify>) -> std::io::Result<Self> {
        Ok(Uploads {
            spool: Arc::new(Spool::open(&settings.inbox_dir)?),
            expiry: settings.server.upload_expiry,
            max_upload_bytes: settings.server.max_upload_bytes,
            max_queued_files: settings.server.max_queued_files,
            wake,
            totals: Arc::default(),
        })
    }

    /// What came in since the process started.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// The folder that files enter once they are complete.
    pub fn inbox(&self) -> &Path {
        self.spool.inbox()
    }

    /// Begins an upload by the interface `face`: `rest`, `batch` or `s3`.
    pub fn begin(
        &self,
        connection: &mut PgConnection,
        uploader: &Uploader,
        face: &str,
        announced: &Announced,
    ) -> Result<Upload, UploadError> {
        check_filename(&announced.filename)?;
        if let Some(count) = announced.part_count
            && !(1..=MOST_PARTS).contains(&count)
        {
            return Err(UploadError::Invalid(format!("the number of parts must be from 1 to {MOST_PARTS}")));
        }
        self.check_room(connection, uploader, announced.size.unwrap_or(0), Room::New)?;
        let id = Uuid::new_v4();
        let upload = NewUpload {
            id,
            sender_id: uploader.sender_id,
            face,
            filename: &announced.filename,
            part_count: announced.part_count,
            size_bytes: announced.size.and_then(|size| i64::try_from(size).ok()),
            sha256: announced.sha256.as_ref().map(<[u8; 32]>::as_slice),
            idempotency_key: announced.idempotency_key.as_deref(),
            metadata: announced.metadata.as_ref(),
            checksum: announced.checksum.map(|(algorithm, kind)| (algorithm.code(), kind.name())),
            expires_in_seconds: self.expiry.as_secs().cast_signed(),
        };
        if !Upload::begin(connection, &upload)? {
            return Err(UploadError::Conflict("a call with this Idempotency-Key is in progress".to_owned()));
        }
        self.totals.begun.fetch_add(1, Ordering::Relaxed);
        Self::find(connection, uploader, id)
    }

    /// The upload with that id, whatever its status.
    pub fn find(connection: &mut PgConnection, uploader: &Uploader, id: Uuid) -> Result<Upload, UploadError> {
        Upload::find(connection, id, uploader.sender_id)?.ok_or(UploadError::NotFound)
    }

    /// The upload with that id, if it can take parts.
    pub fn find_open(
        connection: &mut PgConnection,
        uploader: &Uploader,
        id: Uuid,
    ) -> Result<Upload, UploadError> {
        let upload = Self::find(connection, uploader, id)?;
        error::require_open(&upload)?;
        Ok(upload)
    }

    /// Refuses to take more if the sender has too much, or there is no room for `bytes`.
    pub(crate) fn check_room(
        &self,
        connection: &mut PgConnection,
        uploader: &Uploader,
        bytes: u64,
        room: Room,
    ) -> Result<(), UploadError> {
        if bytes > self.max_upload_bytes || bytes > uploader.max_open_bytes.unsigned_abs() {
            let most = self.max_upload_bytes.min(uploader.max_open_bytes.unsigned_abs());
            return Err(UploadError::TooLarge { most });
        }
        let is_new = room == Room::New;
        if room == (Room::OfPart { counts: false }) {
            return self.spool.check_space(bytes);
        }
        let open = Upload::open_of(connection, uploader.sender_id)?;
        if is_new && open.uploads >= i64::from(uploader.max_open_uploads) {
            return Err(UploadError::Busy(format!(
                "{} uploads are open, and no more are allowed: complete or abort some",
                open.uploads
            )));
        }
        if open.bytes.unsigned_abs().saturating_add(bytes) > uploader.max_open_bytes.unsigned_abs() {
            return Err(UploadError::Busy(format!(
                "open uploads hold {} bytes, and no more than {} are allowed: complete or abort some",
                open.bytes, uploader.max_open_bytes
            )));
        }
        if is_new {
            let queue = Queue::of_sender(connection, uploader.sender_id)?;
            if queue.files.unsigned_abs() >= self.max_queued_files {
                return Err(UploadError::Busy(format!("{} files wait to be loaded", queue.files)));
            }
        }
        self.spool.check_space(bytes)
    }

    /// The numbers of the parts that are missing, if it is known how many there are.
    pub fn missing(upload: &Upload, parts: &[UploadPart]) -> Vec<i32> {
        let count = upload.part_count.unwrap_or(0);
        let mut received = parts.iter().map(|part| part.part_number).peekable();
        (1..=count)
            .filter(|number| {
                while received.next_if(|found| found < number).is_some() {}
                received.next_if_eq(number).is_none()
            })
            .collect()
    }

    /// Aborts an open upload and removes what was received of it. An upload that is
    /// aborted already stays so.
    pub fn abort(
        &self,
        connection: &mut PgConnection,
        uploader: &Uploader,
        id: Uuid,
    ) -> Result<(), UploadError> {
        let upload = Self::find(connection, uploader, id)?;
        if upload.status != "aborted" {
            if !Upload::advance(connection, id, "open", "aborted")? {
                error::require_open(&Self::find(connection, uploader, id)?)?;
            }
            self.totals.aborted.fetch_add(1, Ordering::Relaxed);
        }
        self.spool.remove(id);
        UploadPart::forget(connection, &[id])?;
        Upload::release_key(connection, id)?;
        Ok(())
    }

    /// Whether a part of the upload is being written, by this process or another.
    pub fn is_in_use(&self, upload: &Upload) -> Result<bool, UploadError> {
        Ok(!spool::lock(&self.spool.open_data(upload.id)?, 0, 0)?)
    }

    /// Removes uploads whose time is over, and files that no upload has any more.
    pub fn expire(&self, connection: &mut PgConnection) -> Result<(), UploadError> {
        let expired = Upload::expire(connection)?;
        for id in &expired {
            self.spool.remove(*id);
            Upload::release_key(connection, *id)?;
        }
        UploadPart::forget(connection, &expired)?;
        self.totals.expired.fetch_add(expired.len() as u64, Ordering::Relaxed);
        if !expired.is_empty() {
            info!(
                uploads = expired.len(),
                "removed {} uploads that were not completed in time",
                expired.len()
            );
        }
        // An upload is in the ledger before it has files.
        let mut forgotten = self.spool.ids()?;
        let ids: Vec<Uuid> = forgotten.iter().copied().collect();
        for id in Upload::unfinished(connection, &ids)? {
            forgotten.remove(&id);
        }
        forgotten.into_iter().for_each(|id| self.spool.remove(id));
        Ok(())
    }

    /// Removes what single calls left behind that died with their process. Whoever made
    /// them has no answer, and makes them anew.
    pub fn abandon(&self, connection: &mut PgConnection) -> Result<(), UploadError> {
        for upload in Upload::list_stale_puts(connection)? {
            if !self.is_in_use(&upload)? && Upload::advance(connection, upload.id, "open", "aborted")? {
                self.totals.aborted.fetch_add(1, Ordering::Relaxed);
                self.spool.remove(upload.id);
                UploadPart::forget(connection, &[upload.id])?;
            }
        }
        Ok(())
    }

    /// Finishes what a process that died was completing.
    pub fn recover(&self, connection: &mut PgConnection) -> Result<(), UploadError> {
        for upload in Upload::list_completing(connection)? {
            if let Err(error) = self.finish(connection, &upload) {
                warn!(upload = %upload.id, "an upload could not be completed: {error}");
            }
        }
        Ok(())
    }
}

/// A name has no folder that leads elsewhere, no empty one, and no control characters.
fn check_filename(filename: &str) -> Result<(), UploadError> {
    let is_wrong = filename.is_empty()
        || filename.len() > LONGEST_FILENAME
        || filename.chars().any(|character| character.is_control() || character == '\\')
        || filename.split('/').any(|name| name.is_empty() || name.starts_with('.'));
    if is_wrong {
        return Err(UploadError::Invalid(
            "the file name must be a relative path of visible names without control characters".to_owned(),
        ));
    }
    Ok(())
}
