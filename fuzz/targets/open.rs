//! Archives and compression: any file comes to an end, within its limits.

#![no_main]

use fhirmill_fuzz::{limits, read};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (notes, result) = read(bytes, &limits());
    assert!(result.is_err() || !notes.lines.is_empty());
});
