//! The lines of `fhirmill status` on disk.

use crate::report::disk::{DiskUse, FileSystem, Folder};

/// The lines, without the word before the first.
pub(super) fn lines(disk: &DiskUse) -> Vec<String> {
    let stored = &disk.stored;
    let mut lines = Vec::new();
    let archive = format!("archive {} in {} files", bytes(stored.archive_bytes), stored.archive_files);
    lines.push(match disk.compression_ratio {
        Some(ratio) => format!(
            "{archive}, sent as {}; {} of them compressed, {ratio:.1} : 1",
            bytes(stored.archive_sent_bytes),
            stored.compressed_files
        ),
        None => archive,
    });
    lines.push(format!("rejects {} in {} files", bytes(stored.rejected_bytes), stored.rejected_files));
    for (name, folder) in [("inbox", disk.inbox), ("spool", disk.spool), ("logs", Some(disk.logs))] {
        if let Some(Folder { files, bytes: size, has_more }) = folder {
            let more = if has_more { ", and more" } else { "" };
            lines.push(format!("{name} {} in {files} files{more}", bytes(size.cast_signed())));
        }
    }
    if stored.snapshots > 0 {
        lines.push(format!("snapshots {} in {}", bytes(stored.snapshot_bytes), stored.snapshots));
    }
    let of = &disk.database_disk;
    lines.push(format!(
        "database: tables {}, history {}, registry {}, ledger {}, views {}, indexes {}, other {}",
        bytes(of.clinical_bytes),
        bytes(of.history_bytes),
        bytes(of.registry_bytes),
        bytes(of.ledger_bytes),
        bytes(of.view_bytes),
        bytes(of.index_bytes),
        bytes(of.other_bytes)
    ));
    for FileSystem { areas, path, free_bytes, total_bytes } in &disk.file_systems {
        lines.push(format!(
            "free {} of {} at {path}: {}",
            bytes(free_bytes.cast_signed()),
            bytes(total_bytes.cast_signed()),
            areas.join(", ")
        ));
    }
    lines
}

fn bytes(bytes: i64) -> String {
    let bytes = bytes as f64;
    match bytes {
        ..1e6 => format!("{:.1} kB", bytes / 1e3),
        1e6..1e9 => format!("{:.1} MB", bytes / 1e6),
        _ => format!("{:.1} GB", bytes / 1e9),
    }
}
