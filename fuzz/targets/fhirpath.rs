//! FHIRPath: any text is an expression or has a mistake, whose place is in the text.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Err(mistake) = fhirmill_core::views::check_expression(text) {
        assert!(mistake.span.start <= mistake.span.end && mistake.span.end <= text.len(), "{mistake:?}");
    }
});
