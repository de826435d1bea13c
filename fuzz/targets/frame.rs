//! Framing: wherever the stream is cut into pieces, the frames are the same;
//! and whether a Bundle is held or read twice, they stand where they say.

#![no_main]

use fhirmill_core::read::ReadLimits;
use fhirmill_fuzz::{limits, read};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((step, text)) = bytes.split_first() else { return };
    // Archives are another target's.
    if text.starts_with(b"\x1f\x8b") || text.starts_with(b"PK") {
        return;
    }
    // What is just too large to be held may or may not be held, by the step.
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
