//! Archives and compression: reading any file terminates, within the limits.

#![no_main]

use fhirmill_fuzz::{limits, read};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (recorder, result) = read(bytes, &limits());
    // Nothing is lost silently. An archive may be empty, though.
    let is_archive = bytes.starts_with(b"PK") || bytes.starts_with(b"\x1f\x8b");
    assert!(is_archive || result.is_err() || !recorder.lines.is_empty());
});
