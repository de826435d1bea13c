//! Decimals: every JSON number that fits into `numeric` keeps its digits.

#![no_main]

use fhirmill_core::json::{JsonType, Parser};
use fhirmill_core::rows::RowBuffer;
use fhirmill_fuzz::{numeric_text, plain};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut buffer = RowBuffer::default();
    let written = buffer.numeric(text);
    let mut parser = Parser::default();
    let Ok(tree) = parser.parse(bytes) else { return };
    let root = tree.root();
    if root.json_type() != JsonType::Number || root.raw() != text {
        return;
    }
    assert_eq!(written.is_err(), tree.excessive_number().is_some());
    if written.is_ok() {
        assert_eq!(numeric_text(&buffer.as_bytes()[4..]), plain(text));
    }
});
