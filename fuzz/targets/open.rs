//! Archives and compression: reading any file terminates, within the limits.

#![no_main]

use fhirmill_fuzz::{limits, read};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (recorder, result) = read(bytes, &limits());
    // Nothing is lost silently. An archive may be empty, though.
    let is_archive = bytes.starts_with(b"PK")
        || bytes.starts_with(b"\x1f\x8b")
        || bytes.starts_with(b"\x28\xb5\x2f\xfd")
        || bytes.get(1..4) == Some(b"\x2a\x4d\x18")
        || bytes.get(148..156).is_some_and(|sum| sum.iter().all(|byte| b" 01234567\0".contains(byte)));
    assert!(is_archive || result.is_err() || !recorder.lines.is_empty());
});
