//! Archives and compression: any file comes to an end, within its limits.

#![no_main]

use fhirmill_fuzz::{limits, read};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (notes, result) = read(bytes, &limits());
    // Nothing is lost without a word; but an archive may well be empty.
    let is_archive = bytes.starts_with(b"PK") || bytes.starts_with(b"\x1f\x8b");
    assert!(is_archive || result.is_err() || !notes.lines.is_empty());
});
