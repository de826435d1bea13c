//! Framing: wherever the stream is cut into pieces, and whether a Bundle is
//! held or read twice, the frames are the same and stand where they say.

#![no_main]

use fhirmill::source::Limits;
use fhirmill_fuzz::{limits, read};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((step, text)) = bytes.split_first() else { return };
    // Archives are another target's.
    if text.starts_with(b"\x1f\x8b") || text.starts_with(b"PK") {
        return;
    }
    let (whole, _) = read(text, &limits());
    let (in_steps, _) = read(text, &Limits { read_bytes: usize::from(*step) + 1, ..limits() });
    assert_eq!(whole, in_steps);
    for (_, offset, frame) in &whole.frames {
        let start = *offset as usize;
        assert_eq!(&text[start..start + frame.len()], frame);
    }
});
