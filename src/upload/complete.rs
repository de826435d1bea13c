//! *Completion*: an upload becomes a file in the inbox.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use diesel::PgConnection;
use fhirmill_postgres::ledger::{Upload, UploadPart};
use md5::Md5;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{MOST_PARTS, UploadError, Uploader, Uploads, error, whole};
use crate::inbox::{self, DEFAULT_SOURCE, escaped, source_folder};

impl Uploads {
    /// Completes an upload: its file enters the inbox. Completing it again changes
    /// nothing. `wanted` are the numbers of its parts, where the sender names them;
    /// otherwise all that it announced, or all that were received.
    pub fn complete(
        &self,
        connection: &mut PgConnection,
        uploader: &Uploader,
        id: Uuid,
        wanted: Option<&[i32]>,
    ) -> Result<Upload, UploadError> {
        let upload = Self::find(connection, uploader, id)?;
        match upload.status.as_str() {
            "completed" => return Ok(upload),
            "completing" => {}
            _ => {
                error::require_open(&upload)?;
                let parts = UploadPart::list(connection, id)?;
                check_parts(&upload, &parts, wanted)?;
                if let Some(wanted) = wanted {
                    self.drop_unwanted(connection, &upload, &parts, wanted)?;
                }
            }
        }
        self.finish(connection, &upload)?;
        Self::find(connection, uploader, id)
    }

    /// Forgets the parts that the sender does not name.
    fn drop_unwanted(
        &self,
        connection: &mut PgConnection,
        upload: &Upload,
        parts: &[UploadPart],
        wanted: &[i32],
    ) -> Result<(), UploadError> {
        let unwanted = |part: &&UploadPart| !wanted.contains(&part.part_number);
        for part in parts.iter().filter(unwanted) {
            UploadPart::remove(connection, upload.id, part.part_number)?;
            if let Some(name) = &part.file_name {
                let _ = std::fs::remove_file(self.spool.named(name));
            }
        }
        Ok(())
    }

    /// Takes an upload from `open` or `completing` to `completed`, from wherever a process
    /// that died left it.
    pub(super) fn finish(&self, connection: &mut PgConnection, upload: &Upload) -> Result<(), UploadError> {
        let id = upload.id;
        let done = Upload::exclusively(connection, id, |connection| {
            // It may have ended while this call waited for its turn.
            let Some(upload) = Upload::find(connection, id, upload.sender_id)? else {
                return Err(UploadError::NotFound);
            };
            match upload.status.as_str() {
                "completed" => Ok(()),
                "open" => match Upload::advance(connection, id, "open", "completing")? {
                    true => self.finish_exclusively(connection, &upload),
                    false => Err(UploadError::Conflict("the upload is no longer open".to_owned())),
                },
                "completing" => self.finish_exclusively(connection, &upload),
                _ => error::require_open(&upload),
            }
        })?;
        done.unwrap_or_else(|| Err(UploadError::Conflict("the upload is being completed".to_owned())))
    }

    fn finish_exclusively(&self, connection: &mut PgConnection, upload: &Upload) -> Result<(), UploadError> {
        let has_landed = upload.landed_path.is_some() && !self.has_pieces(upload);
        if !has_landed {
            let landed = self.assemble_and_land(connection, upload);
            if let Err(error) = landed {
                // The sender can send what is missing, try again, or abort.
                Upload::advance(connection, upload.id, "completing", "open")?;
                return Err(error);
            }
        }
        let parts = UploadPart::list(connection, upload.id)?;
        let checksum = whole::of_upload(upload, &parts);
        Upload::note_sums(connection, upload.id, &etag(upload, &parts), checksum.as_ref())?;
        Upload::advance(connection, upload.id, "completing", "completed")?;
        self.totals.completed.fetch_add(1, Ordering::Relaxed);
        self.wake.notify_one();
        UploadPart::forget(connection, &[upload.id])?;
        self.remove_pieces(upload);
        Ok(())
    }

    fn assemble_and_land(&self, connection: &mut PgConnection, upload: &Upload) -> Result<(), UploadError> {
        let parts = UploadPart::list(connection, upload.id)?;
        check_parts(upload, &parts, None)?;
        let size: u64 = parts.iter().map(|part| part.size_bytes.unsigned_abs()).sum();
        if size > self.max_upload_bytes {
            return Err(UploadError::TooLarge { most: self.max_upload_bytes });
        }
        if upload.size_bytes.is_some_and(|announced| announced.unsigned_abs() != size) {
            return Err(UploadError::WrongWhole(format!(
                "the parts have {size} bytes, which is not the number announced"
            )));
        }
        // Locked until it has landed.
        let (path, size, _locked) = self.assemble(upload, &parts)?;
        if let Some(expected) = &upload.sha256 {
            check_whole(&path, expected)?;
        }
        let (folder, name) = self.destination(upload)?;
        inbox::land_file(&path, &folder, &name, &mut |target| {
            let below = target.strip_prefix(self.inbox()).map_err(io::Error::other)?;
            Upload::note_landing(connection, upload.id, &escaped(below.as_os_str()), size.cast_signed())
                .map_err(io::Error::other)
        })?;
        Ok(())
    }

    /// The folder and the name that the file is to have in the inbox.
    fn destination(&self, upload: &Upload) -> io::Result<(PathBuf, String)> {
        let folder = source_folder(self.inbox(), &upload.source)?;
        // A folder at the top of the inbox would be another source.
        if upload.source == DEFAULT_SOURCE {
            return Ok((folder, upload.filename.clone()));
        }
        Ok(match upload.filename.rsplit_once('/') {
            Some((folders, name)) => (folder.join(folders), name.to_owned()),
            None => (folder, upload.filename.clone()),
        })
    }
}

/// The ETag as in S3: the MD5 of a file that came in one piece, otherwise that of the MD5s
/// of its parts, with their number.
fn etag(upload: &Upload, parts: &[UploadPart]) -> String {
    let hexadecimal = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    if let [part] = parts
        && upload.part_count == Some(1)
    {
        return hexadecimal(&part.md5);
    }
    let mut whole = Md5::new();
    parts.iter().for_each(|part| whole.update(&part.md5));
    format!("{}-{}", hexadecimal(&whole.finalize()), parts.len())
}

/// All parts are there that the sender announced or names.
fn check_parts(upload: &Upload, parts: &[UploadPart], wanted: Option<&[i32]>) -> Result<(), UploadError> {
    let missing = match wanted {
        Some(wanted) => {
            let is_missing = |number: &i32| !parts.iter().any(|part| part.part_number == *number);
            wanted.iter().copied().filter(is_missing).collect()
        }
        None => Uploads::missing(upload, parts),
    };
    if !missing.is_empty() {
        return Err(UploadError::Missing(missing));
    }
    if parts.is_empty() || parts.len() > MOST_PARTS as usize {
        return Err(UploadError::Missing(vec![1]));
    }
    Ok(())
}

fn check_whole(path: &Path, expected: &[u8]) -> Result<(), UploadError> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(0))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            count => hasher.update(&buffer[..count]),
        }
    }
    if hasher.finalize()[..] == *expected {
        return Ok(());
    }
    Err(UploadError::WrongWhole("the SHA-256 of the whole file is another than was announced".to_owned()))
}
