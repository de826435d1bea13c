//! The *report* on a file that was rejected, or some of whose records were: for its
//! sender, who may see no more than the folder with the rejects. It says which records cannot be loaded, why, and what to do, and
//! never shows their values.

use std::fmt::Write as _;

use fhirmill_postgres::ledger::{RejectReason, RejectedFile, RejectedRecord};

/// How many records a report lists.
pub const MOST_RECORDS: usize = 1000;
/// The longest text of a record's line that is shown of an id or a message.
const MOST_LETTERS: usize = 300;

/// The text of the report.
pub fn reject_report(
    path: &str,
    file: &RejectedFile,
    reasons: &[RejectReason],
    records: &[RejectedRecord],
) -> String {
    let mut text = format!("{path}\n\n");
    let reason = match &file.error {
        Some(error) => format!("The file could not be loaded to its end: {error}"),
        None if file.rejected < file.seen => {
            "The file was loaded without the records that are listed here; they are not in the tables."
                .to_owned()
        }
        None => "No record of the file could be loaded.".to_owned(),
    };
    // Writing to a string cannot fail.
    let _ = write!(text, "{reason}\n\nRecords seen: {}, of them rejected: {}.", file.seen, file.rejected);
    for RejectReason { records, reason, example } in reasons {
        let _ = write!(text, "\n{records} {reason}, such as {}", shown(example));
    }
    if !reasons.is_empty() {
        text.push_str("\n\nWhat to do:\n");
        for RejectReason { reason, .. } in reasons {
            let _ = writeln!(text, "{reason}: {}", advice(reason));
        }
        text.push_str("\nRejected records: place in the file | resource | reason | what is wrong\n");
        for record in in_order(records) {
            let _ = writeln!(text, "{}", line(record));
        }
        let others = file.rejected.saturating_sub(records.len() as u64);
        if others > 0 {
            let _ = writeln!(text, "… and {others} more");
        }
    } else {
        text.push('\n');
    }
    let _ = write!(
        text,
        "\nLocation and reason of each: fhirmill rejects --file {}\n\
         Drop the corrected file into the inbox again; records that are loaded already do no harm.\n",
        file.id
    );
    text
}

fn line(record: &RejectedRecord) -> String {
    let resource = match (&record.resource_type, &record.fhir_id) {
        (Some(resource_type), Some(id)) => format!("{resource_type}/{}", shown(id)),
        (Some(resource_type), None) => resource_type.clone(),
        (None, _) => "unknown".to_owned(),
    };
    format!("{} | {resource} | {} | {}", shown(&record.location), record.reason, shown(&record.message))
}

/// The text in one line, cut off if it is long.
fn shown(text: &str) -> String {
    let letters = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    let mut shown: String = letters.take(MOST_LETTERS).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// The records in the order of their places in the file: line 2 comes before line 10.
fn in_order(records: &[RejectedRecord]) -> Vec<&RejectedRecord> {
    let mut ordered: Vec<&RejectedRecord> = records.iter().collect();
    ordered.sort_by_cached_key(|record| parts(&record.location));
    ordered
}

/// Words and numbers of a place; numbers are compared as such.
fn parts(location: &str) -> Vec<(String, u64)> {
    let mut parts = Vec::new();
    let mut rest = location;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| letter.is_ascii_digit()).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(digits);
        let end = behind.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(behind.len());
        parts.push((word.to_owned(), behind[..end].parse().unwrap_or(0)));
        rest = &behind[end..];
    }
    parts
}

/// What the sender can do about records that are rejected for this reason.
fn advice(reason: &str) -> &'static str {
    match reason {
        "invalid_value" => "correct the value at the JSON path that is named",
        "not_json" => "write the record as valid JSON in UTF-8: one object per line, or a Bundle",
        "not_an_object" => "write each record as a JSON object",
        "truncated" => "the record or the file ends too early: send it whole",
        "damaged" => "the compressed file is damaged: pack and send it again",
        "unbalanced" => "close every bracket and quote, and separate entries by commas",
        "too_large" => "split the record, or ask the operator to raise the limit that is named",
        "too_deep" => "nest values and Bundles less deeply",
        "encrypted" => "send the archive without a password",
        "unsupported_compression" => "pack the files with the usual method of zip (deflate) or with gzip",
        "no_resource_type" => "give the record the resourceType of FHIR R4 that it has",
        "unknown_resource_type" => "correct the resourceType: FHIR R4 has none of that name",
        "view_not_allowed" => "ask the operator to allow views of this source, or send no ViewDefinitions",
        "faulty_view" => "correct the definition at the place that is shown",
        "patch" => "send the whole resource instead of a PATCH",
        "conditional_delete" => "name the resource to delete as Type/id",
        "refused_by_database" => "ask the operator: a constraint in the database refuses the record",
        _ => "correct the record as its line says",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(location: &str, id: Option<&str>) -> RejectedRecord {
        RejectedRecord {
            location: location.to_owned(),
            resource_type: id.map(|_| "Patient".to_owned()),
            fhir_id: id.map(str::to_owned),
            reason: "invalid_value".to_owned(),
            message: "birthDate: not a date".to_owned(),
        }
    }

    #[test]
    fn records_come_in_the_order_of_the_file_and_each_in_one_short_line() {
        let long = "x".repeat(1000);
        let records =
            [record("line 10", Some("a\nb")), record("a.json, entry 3", None), record("line 2", Some(&long))];
        let file = RejectedFile { id: 7, seen: 5, rejected: 5, error: None };
        let reasons = [RejectReason {
            records: 5,
            reason: "invalid_value".to_owned(),
            example: "line 2: x".to_owned(),
        }];
        let report = reject_report("north/p.ndjson", &file, &reasons, &records);
        let lines: Vec<&str> = report.lines().collect();
        assert_eq!(lines[0], "north/p.ndjson");
        assert_eq!(lines[5], "5 invalid_value, such as line 2: x");
        assert_eq!(lines[8], "invalid_value: correct the value at the JSON path that is named");
        assert_eq!(lines[11], "a.json, entry 3 | unknown | invalid_value | birthDate: not a date");
        assert!(lines[12].starts_with("line 2 | Patient/xxx") && lines[12].len() < 400, "{}", lines[12]);
        assert_eq!(lines[13], "line 10 | Patient/a b | invalid_value | birthDate: not a date");
        assert_eq!(lines[14], "… and 2 more");
    }
}
