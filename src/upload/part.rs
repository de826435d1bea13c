//! A *part* on its way to the disk.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use chrono::Utc;
use diesel::PgConnection;
use fhirmill_postgres::ledger::{Upload, UploadPart};
use uuid::Uuid;

use super::{
    Algorithm, Checksums, Expected, MOST_PARTS, Room, Sum, UploadError, Uploader, Uploads, spool, whole,
};

/// What a part does that was received before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeated {
    /// The same bytes are welcome again, others are refused.
    Compare,
    /// It takes the place of the one before, as in S3.
    Replace,
}

/// A part that was received and recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenPart {
    /// Its size.
    pub size: u64,
    /// Its MD5.
    pub md5: [u8; 16],
    /// Its other checksums, of the kinds that the sender told.
    pub sums: Vec<Sum>,
}

/// Where the bytes of a part go.
enum Target {
    /// Nowhere: they are compared with what was received before.
    Compare(UploadPart),
    /// To their place in the upload's file, where no other part may begin before
    /// `end`; locked until dropped.
    Place { file: File, start: u64, end: u64 },
    /// To a file of their own, removed unless it was recorded.
    Own { file: File, name: String, path: PathBuf, is_recorded: bool },
}

impl Drop for Target {
    fn drop(&mut self) {
        if let Target::Own { path, is_recorded: false, .. } = self {
            // What remains is removed when the upload ends.
            let _ = fs::remove_file(path);
        }
    }
}

/// Writes one part. Give it the bytes, then call [`PartWriter::finish`]; dropped, it
/// leaves nothing behind.
pub struct PartWriter {
    uploads: Uploads,
    upload_id: Uuid,
    number: i32,
    repeated: Repeated,
    expected: Expected,
    sums: Checksums,
    target: Target,
}

impl std::fmt::Debug for PartWriter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("PartWriter").field("upload", &self.upload_id).finish_non_exhaustive()
    }
}

impl Uploads {
    /// Begins a part of an open upload.
    pub fn begin_part(
        &self,
        connection: &mut PgConnection,
        uploader: &Uploader,
        (id, number): (Uuid, i32),
        expected: Expected,
        repeated: Repeated,
    ) -> Result<PartWriter, UploadError> {
        let upload = Self::find_open(connection, uploader, id)?;
        let most = upload.part_count.unwrap_or(MOST_PARTS);
        if !(1..=most).contains(&number) {
            return Err(UploadError::Invalid(format!("the number of a part must be from 1 to {most}")));
        }
        // An announced size was counted when the upload began.
        let counts = upload.size_bytes.is_none() && upload.part_count.is_none();
        self.check_room(connection, uploader, expected.size.unwrap_or(0), Room::OfPart { counts })?;
        let target = self.target(connection, uploader, &upload, number, &expected, repeated)?;
        let announced = upload.checksum_algorithm.as_deref().and_then(Algorithm::of_code);
        let sums = Checksums::of(&expected, announced);
        Ok(PartWriter { uploads: self.clone(), upload_id: id, number, repeated, expected, sums, target })
    }

    fn target(
        &self,
        connection: &mut PgConnection,
        uploader: &Uploader,
        upload: &Upload,
        number: i32,
        expected: &Expected,
        repeated: Repeated,
    ) -> Result<Target, UploadError> {
        let place = match expected.size {
            Some(size) => self.place(connection, upload, number, size)?,
            None => None,
        };
        // Only now: while the place is locked, nobody records this part, and nobody
        // completes the upload in place.
        let upload = Self::find_open(connection, uploader, upload.id)?;
        let existing = UploadPart::find(connection, upload.id, number)?;
        Ok(match (existing, repeated, place) {
            (Some(part), Repeated::Compare, _) => Target::Compare(part),
            (None, _, Some(place)) => place,
            _ => {
                let (name, file) = self.spool.create_part(upload.id, number)?;
                let path = self.spool.named(&name);
                Target::Own { file, name, path, is_recorded: false }
            }
        })
    }

    /// The part's place in the upload's file, if it has the regular size, or is shorter
    /// and may be the last, and if nobody else is writing there.
    fn place(
        &self,
        connection: &mut PgConnection,
        upload: &Upload,
        number: i32,
        size: u64,
    ) -> Result<Option<Target>, UploadError> {
        let is_last = upload.part_count == Some(number);
        let part_bytes = match upload.part_bytes {
            Some(bytes) => bytes,
            None if size == 0 || (is_last && number > 1) => return Ok(None),
            None => Upload::learn_part_bytes(connection, upload.id, size.cast_signed())?,
        };
        let part_bytes = part_bytes.unsigned_abs();
        let may_be_short = is_last || upload.part_count.is_none();
        if size > part_bytes || (size < part_bytes && !may_be_short) {
            return Ok(None);
        }
        let start = (number as u64 - 1) * part_bytes;
        let file = self.spool.open_data(upload.id)?;
        if !spool::lock(&file, start, part_bytes)? {
            return Ok(None);
        }
        Ok(Some(Target::Place { file, start, end: start + size }))
    }
}

impl PartWriter {
    /// Takes the next bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), UploadError> {
        let at = self.sums.size();
        if at + bytes.len() as u64 > self.expected.size.unwrap_or(self.uploads.max_upload_bytes) {
            let most = self.expected.size.unwrap_or(self.uploads.max_upload_bytes);
            return Err(UploadError::TooLarge { most });
        }
        match &self.target {
            Target::Compare(_) => {}
            Target::Place { file, start, end } => {
                debug_assert!(start + at + bytes.len() as u64 <= *end);
                file.write_all_at(bytes, start + at)?;
            }
            Target::Own { file, .. } => file.write_all_at(bytes, at)?,
        }
        self.sums.update(bytes);
        Ok(())
    }

    /// Expects a checksum that the sender told only after the bytes.
    pub fn expect(&mut self, sum: Sum) {
        self.expected.sums.push(sum);
    }

    /// Checks the sums, waits for the disk, and records the part.
    pub fn finish(mut self, connection: &mut PgConnection) -> Result<WrittenPart, UploadError> {
        let size = self.sums.size();
        let (md5, sums) = self.sums.clone().finish(&self.expected)?;
        let written = WrittenPart { size, md5, sums };
        let file_name = match &self.target {
            Target::Compare(part) => return is_same(part, &written).map(|()| written),
            Target::Place { file, .. } => {
                file.sync_data()?;
                None
            }
            Target::Own { file, name, .. } => {
                file.sync_all()?;
                Some(name.clone())
            }
        };
        self.uploads.spool.sync()?;
        let part = UploadPart {
            part_number: self.number,
            size_bytes: size.cast_signed(),
            md5: md5.to_vec(),
            file_name,
            received_at: Utc::now(),
            checksums: whole::recorded(&written.sums),
        };
        let replaced = UploadPart::find(connection, self.upload_id, self.number)?;
        let may_replace = self.repeated == Repeated::Replace;
        if !part.record(connection, self.upload_id, may_replace)? {
            return self.not_recorded(connection, &written);
        }
        if let Target::Own { is_recorded, .. } = &mut self.target {
            *is_recorded = true;
        }
        self.uploads.totals.parts.fetch_add(1, Ordering::Relaxed);
        self.uploads.totals.bytes.fetch_add(written.size, Ordering::Relaxed);
        self.forget(replaced)?;
        Ok(written)
    }

    /// Another call recorded the part first, or the upload is no longer open.
    fn not_recorded(
        &self,
        connection: &mut PgConnection,
        written: &WrittenPart,
    ) -> Result<WrittenPart, UploadError> {
        match UploadPart::find(connection, self.upload_id, self.number)? {
            Some(part) => is_same(&part, written).map(|()| written.clone()),
            None => Err(UploadError::Conflict("the upload is no longer open".to_owned())),
        }
    }

    /// Removes the file of the part that this one replaced.
    fn forget(&self, replaced: Option<UploadPart>) -> io::Result<()> {
        match replaced.and_then(|part| part.file_name) {
            Some(name) => fs::remove_file(self.uploads.spool.named(&name)),
            None => Ok(()),
        }
    }
}

fn is_same(part: &UploadPart, written: &WrittenPart) -> Result<(), UploadError> {
    if part.size_bytes.unsigned_abs() == written.size && part.md5 == written.md5 {
        return Ok(());
    }
    Err(UploadError::Conflict(format!("part {} was received before with other bytes", part.part_number)))
}
