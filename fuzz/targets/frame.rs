//! Framing: the frames do not depend on the size of the reads; and each frame
//! is at the offset that it states, whether a Bundle is held or read twice.

#![no_main]

use fhirmill_core::read::ReadLimits;
use fhirmill_fuzz::{limits, read};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((step, text)) = bytes.split_first() else { return };
    // Archives have a target of their own.
    if text.starts_with(b"\x1f\x8b") || text.starts_with(b"PK") {
        return;
    }
    // Whether a value at the limit is held depends on the size of the reads, so
    // everything is held here.
    let held = ReadLimits { memory_document_bytes: 1 << 20, resource_bytes: 1 << 20, ..limits() };
    let (whole, _) = read(text, &held);
    let (in_steps, _) = read(text, &ReadLimits { read_bytes: usize::from(*step) + 1, ..held });
    assert_eq!(whole, in_steps);
    let (twice, _) = read(text, &limits());
    for (_, offset, frame) in whole.frames.iter().chain(&twice.frames) {
        let start = *offset as usize;
        assert_eq!(&text[start..start + frame.len()], frame);
    }
});
