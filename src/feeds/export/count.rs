//! *Counts* of what is in files of an export, beside those that the ledger has of their load.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use fhirmill_core::read::{self, Frame, ReadDefect, ReadLimits};
use serde::Deserialize;

use crate::feeds::http::Failure;

/// The longest record that can be a header.
const LONGEST_HEADER: usize = 64 << 10;

/// The records of an organized file that only say which resource the next ones belong to. What
/// cannot be read is told when it is loaded.
pub(super) fn count_headers(path: &Path, limits: &ReadLimits) -> Result<i64, Failure> {
    let mut count = 0;
    each(path, limits, &mut |found| {
        let is_it = found.is_ok_and(|frame| frame.bundle.is_none() && is_header(frame.bytes));
        count += i64::from(is_it);
    })?;
    Ok(count)
}

/// The Bundles that have entries, of a file with deletes.
pub(super) fn count_bundles(path: &Path, limits: &ReadLimits) -> Result<i64, Failure> {
    let (mut count, mut last) = (0, None);
    each(path, limits, &mut |found| {
        let number = found.ok().and_then(|frame| Some(frame.bundle?.number()));
        if number.is_some() && number != last {
            (count, last) = (count + 1, number);
        }
    })?;
    Ok(count)
}

/// The lines that are not blank.
pub(super) fn count_lines(path: &Path) -> io::Result<i64> {
    let (mut reader, mut count, mut is_blank) = (BufReader::new(File::open(path)?), 0, true);
    loop {
        let bytes = reader.fill_buf()?;
        if bytes.is_empty() {
            return Ok(count + i64::from(!is_blank));
        }
        for byte in bytes {
            if *byte == b'\n' {
                count += i64::from(!is_blank);
                is_blank = true;
            } else if !byte.is_ascii_whitespace() {
                is_blank = false;
            }
        }
        let length = bytes.len();
        reader.consume(length);
    }
}

fn each(
    path: &Path,
    limits: &ReadLimits,
    note: &mut dyn FnMut(Result<Frame<'_>, ReadDefect<'_>>),
) -> Result<(), Failure> {
    let read = read::read_each(File::open(path)?, limits, |found| {
        note(found);
        Ok(())
    });
    match read {
        Err(failure) if failure.is_retryable() => Err(io::Error::other(failure).into()),
        _ => Ok(()),
    }
}

/// Whether a record is what the mapper skips as a header: a Parameters with the parameter `header`.
fn is_header(record: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Typed<'r> {
        #[serde(rename = "resourceType", borrow)]
        resource_type: Cow<'r, str>,
        #[serde(default, borrow)]
        parameter: Vec<Parameter<'r>>,
    }
    #[derive(Deserialize)]
    struct Parameter<'r> {
        #[serde(borrow)]
        name: Option<Cow<'r, str>>,
        #[serde(rename = "valueReference")]
        reference: Option<serde::de::IgnoredAny>,
    }
    let is_named = |parameter: &Parameter<'_>| {
        parameter.name.as_deref() == Some("header") && parameter.reference.is_some()
    };
    record.len() <= LONGEST_HEADER
        && serde_json::from_slice::<Typed<'_>>(record)
            .is_ok_and(|typed| typed.resource_type == "Parameters" && typed.parameter.iter().any(is_named))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn lines_with_something_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        for (text, count) in [("", 0), ("{}\n\n \n{}", 2), ("{}\r\n{}\r\n", 2)] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(count_lines(&path).unwrap(), count, "{text:?}");
        }
    }

    #[test]
    fn bundles_and_headers_are_counted_and_other_records_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let header = r#"{"parameter":[{"name":"header","valueReference":{"reference":"Patient/1"}}],"resourceType":"Parameters"}"#;
        let other = r#"{"resourceType":"Parameters","parameter":[{"name":"header","valueString":"x"}]}"#;
        let entry = |id: u8| format!(r#"{{"request":{{"method":"DELETE","url":"Patient/{id}"}}}}"#);
        let bundle = |from: u8| {
            let entries = [entry(from), entry(from + 1)].join(",");
            format!(r#"{{"resourceType":"Bundle","type":"transaction","entry":[{entries}]}}"#)
        };
        std::fs::write(&path, [header, other, &bundle(1), &bundle(3), header].join("\n")).unwrap();
        let limits = ReadLimits::default();
        assert_eq!(count_headers(&path, &limits).unwrap(), 2);
        assert_eq!(count_bundles(&path, &limits).unwrap(), 2);
    }
}
