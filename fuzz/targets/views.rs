//! ViewDefinitions: any text is one or has mistakes, which can be shown; and what is
//! one runs over a resource.

#![no_main]

use fhirmill_core::map::{Input, ViewRunner};
use fhirmill_core::views::{Format, RowWriter, render};

const PATIENT: &[u8] = br#"{"resourceType":"Patient","id":"n","name":[{"family":"N","given":["a","b"]}],"birthDate":"1970-01"}"#;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut runner = match ViewRunner::new(text) {
        Ok(runner) => runner,
        Err(found) => {
            assert!(!found.is_empty());
            for diagnostic in found {
                assert!(!render(&diagnostic, "view.json", text).is_empty());
            }
            return;
        }
    };
    let input = Input {
        bytes: PATIENT,
        id: None,
        full_url: None,
        full_urls: None,
        base_urls: &[],
        effective_at: None,
        earlier: None,
        wanted: None,
    };
    let mut writer = RowWriter::new(runner.view(), Format::Ndjson, std::io::sink());
    let _ = runner.run(&input, &mut writer);
});
