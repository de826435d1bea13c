//! *Assembly*: the parts of an upload become one file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::path::PathBuf;

use fhirmill_postgres::ledger::{Upload, UploadPart};

use super::{UploadError, Uploads, spool};

/// Where a part is, and where it belongs.
struct Piece<'p> {
    part: &'p UploadPart,
    /// Where it begins in the whole file.
    start: u64,
    /// Where it begins in the upload's file, if it is there.
    stored_at: Option<u64>,
}

impl Uploads {
    /// Puts the parts, given in their order, together; returns the file on disk and its
    /// size. Whatever this leaves when it fails, it can be repeated.
    pub(super) fn assemble(
        &self,
        upload: &Upload,
        parts: &[UploadPart],
    ) -> Result<(PathBuf, u64, Option<File>), UploadError> {
        let part_bytes = upload.part_bytes.unwrap_or(0).unsigned_abs();
        let mut size = 0;
        let mut pieces = Vec::with_capacity(parts.len());
        for part in parts {
            let place = (part.part_number as u64 - 1) * part_bytes;
            pieces.push(Piece { part, start: size, stored_at: part.file_name.is_none().then_some(place) });
            size += part.size_bytes.unsigned_abs();
        }
        let are_in_place = pieces.iter().all(|piece| piece.stored_at.is_none_or(|at| at == piece.start));
        let data = self.spool.open_data(upload.id)?;
        // A call that still writes to the file, to a part that is not recorded, would go
        // on after the file has left the spool.
        if are_in_place && spool::lock(&data, 0, 0)? {
            for piece in pieces.iter().filter(|piece| piece.stored_at.is_none()) {
                self.copy(piece, &data, &data)?;
            }
            data.set_len(size)?;
            data.sync_all()?;
            return Ok((self.spool.data(upload.id), size, Some(data)));
        }
        let path = self.spool.whole(upload.id);
        let whole = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path)?;
        for piece in &pieces {
            self.copy(piece, &data, &whole)?;
        }
        whole.sync_all()?;
        Ok((path, size, None))
    }

    /// Copies a part to its place in `whole`. The system does it without the bytes
    /// passing through this process, where it can.
    fn copy(&self, piece: &Piece<'_>, data: &File, whole: &File) -> io::Result<()> {
        let size = piece.part.size_bytes.unsigned_abs();
        let (mut from, at) = match (&piece.part.file_name, piece.stored_at) {
            (Some(name), _) => (File::open(self.spool.named(name))?, 0),
            (None, at) => (data.try_clone()?, at.unwrap_or(0)),
        };
        from.seek(SeekFrom::Start(at))?;
        let mut to = whole;
        to.seek(SeekFrom::Start(piece.start))?;
        let copied = io::copy(&mut io::Read::take(&mut from, size), &mut to)?;
        if copied == size { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    /// Removes the files of parts, once the whole file has left the spool.
    pub(super) fn remove_pieces(&self, upload: &Upload) {
        self.spool.remove(upload.id);
    }

    /// Whether anything of an upload is in the spool.
    pub(super) fn has_pieces(&self, upload: &Upload) -> bool {
        fs::exists(self.spool.data(upload.id)).unwrap_or(true)
            || fs::exists(self.spool.whole(upload.id)).unwrap_or(true)
    }
}
