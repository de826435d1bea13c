//! A *message* becomes lines of a file: a resource, a Bundle or each resource of NDJSON is a
//! line, and a deletion is a Bundle that deletes. What cannot be read has a line that stands
//! for it.

use std::borrow::Cow;
use std::io::Read;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use fhirmill_core::fhir::Address;
use flate2::bufread::MultiGzDecoder;
use rdkafka::message::{Headers as _, Message};
use serde_json::json;

use super::top::{Top, is_plain_resource};
use crate::pipeline::updates::{BadMessage, MessageLine, MessagePlace, Messages};

/// The most bytes of a message that cannot be read that are kept.
const MOST_RAW_BYTES: usize = 64 << 10;
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// A message as it was received.
#[derive(Clone, Copy, Debug, Default)]
pub struct Received<'m> {
    /// Its value; none is a tombstone.
    pub value: Option<&'m [u8]>,
    /// Its key.
    pub key: Option<&'m [u8]>,
    /// Its headers.
    pub headers: Headers<'m>,
}

/// The headers of a message that have a meaning, whatever the case of their names.
#[derive(Clone, Copy, Debug, Default)]
pub struct Headers<'m> {
    /// `deleted`.
    pub deleted: Option<&'m [u8]>,
    /// `time`.
    pub time: Option<&'m [u8]>,
    /// `source`.
    pub source: Option<&'m [u8]>,
}

impl<'m> Headers<'m> {
    /// The first of each name.
    pub fn of<M: Message>(message: &'m M) -> Self {
        let mut found = Headers::default();
        let Some(headers) = message.headers() else { return found };
        for header in headers.iter() {
            let place =
                [("deleted", &mut found.deleted), ("time", &mut found.time), ("source", &mut found.source)]
                    .into_iter()
                    .find(|(name, _)| header.key.eq_ignore_ascii_case(name));
            if let Some((_, place)) = place {
                place.get_or_insert(header.value.unwrap_or_default());
            }
        }
        found
    }
}

/// Why a message is not what it should be.
type Bad = (&'static str, String);

/// What a header that was received says.
pub fn header_text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().map(str::trim)
}

/// Appends the lines of a message.
pub fn append(messages: &mut Messages, received: &Received<'_>, place: &MessagePlace, most_bytes: usize) {
    if let Err(bad) = append_good(messages, received, place, most_bytes) {
        append_bad(messages, place, bad, received.value.or(received.key).unwrap_or_default());
    }
}

/// Appends a line for a message whose header names a source that it may not name.
pub fn append_not_allowed(messages: &mut Messages, received: &Received<'_>, place: &MessagePlace) {
    let message = "the header source names a source that is not among header_sources".to_owned();
    append_bad(messages, place, ("source_not_allowed", message), received.value.unwrap_or_default());
}

/// Appends a line for a message that is rejected for that reason.
pub fn append_bad(messages: &mut Messages, place: &MessagePlace, (reason, message): Bad, raw: &[u8]) {
    let raw = &raw[..raw.len().min(MOST_RAW_BYTES)];
    let line = json!({"resourceType": "RejectedMessage", "place": place.to_string(), "reason": reason});
    let bad = BadMessage { reason, message, raw: raw.to_vec() };
    push(messages, place, Some(bad), |lines| lines.extend_from_slice(line.to_string().as_bytes()));
}

fn push(
    messages: &mut Messages,
    place: &MessagePlace,
    bad: Option<BadMessage>,
    line: impl FnOnce(&mut Vec<u8>),
) {
    // Nobody else has them while they are gathered.
    let lines = Arc::make_mut(&mut messages.lines);
    messages.of_lines.push(MessageLine { start: lines.len(), place: place.clone(), bad });
    line(lines);
    lines.push(b'\n');
}

fn append_good(
    messages: &mut Messages,
    received: &Received<'_>,
    place: &MessagePlace,
    most_bytes: usize,
) -> Result<(), Bad> {
    let Headers { deleted, time, .. } = received.headers;
    let time = time.map(header_time).transpose()?;
    let is_deleted = deleted.is_some_and(is_true);
    let Some(value) = received.value else {
        let key = received.key.and_then(key_text).unwrap_or_default();
        let message =
            "a message without a value deletes the resource that its key names, and its key is not Type/id";
        return append_delete(messages, place, key, (time, message));
    };
    let value = unpacked(value, most_bytes)?;
    if time.is_none() && !is_deleted && is_plain_resource(&value) {
        push(messages, place, None, |lines| lines.extend_from_slice(&value));
        return Ok(());
    }
    let value = value.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&value);
    if value.trim_ascii().is_empty() {
        return Err(("not_json", "the message is empty".to_owned()));
    }
    match Top::read(value) {
        Ok(top) if is_deleted => {
            let named =
                top.resource_type.zip(top.id).map(|(resource_type, id)| format!("{resource_type}/{id}"));
            let key = named.as_deref().or_else(|| key_text(received.key?)).unwrap_or_default();
            let message = "the message says that a resource is deleted, and neither it nor its key names one";
            append_delete(messages, place, key, (time, message))
        }
        Ok(top) => append_document(messages, place, value, (&top, time)),
        Err(failure) => append_lines(messages, place, value, (failure, time)),
    }
}

/// The lines of NDJSON, each of which may be bad.
fn append_lines(
    messages: &mut Messages,
    place: &MessagePlace,
    value: &[u8],
    (failure, time): (serde_json::Error, Option<DateTime<Utc>>),
) -> Result<(), Bad> {
    let lines = || value.split(|byte| *byte == b'\n').enumerate();
    let is_text = |line: &[u8]| !line.trim_ascii().is_empty();
    let is_good = |line: &[u8]| is_text(line) && Top::read(line).is_ok();
    let count = lines().filter(|(_, line)| is_text(line)).count();
    if count < 2 || !lines().any(|(_, line)| is_good(line)) {
        return Err(bad_json(&failure));
    }
    for (number, line) in lines().filter(|(_, line)| is_text(line)) {
        let place = MessagePlace { line: Some(number + 1), ..place.clone() };
        let appended = Top::read(line)
            .map_err(|failure| bad_json(&failure))
            .and_then(|top| append_document(messages, &place, line, (&top, time)));
        if let Err(bad) = appended {
            append_bad(messages, &place, bad, line);
        }
    }
    Ok(())
}

/// A resource or a Bundle, on one line.
fn append_document(
    messages: &mut Messages,
    place: &MessagePlace,
    value: &[u8],
    (top, time): (&Top, Option<DateTime<Utc>>),
) -> Result<(), Bad> {
    let Some(resource_type) = &top.resource_type else {
        return Err(("no_resource_type", "the message is a JSON object without resourceType".to_owned()));
    };
    let value = value.trim_ascii();
    // Line breaks are only between the tokens of JSON.
    let flat = |byte: &u8| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte };
    let time = time.filter(|_| resource_type != "Bundle");
    push(messages, place, None, |line| {
        line.reserve(value.len() + 1);
        let Some(time) = time else { return line.extend(value.iter().map(flat)) };
        let response = json!({"lastModified": time.to_rfc3339_opts(SecondsFormat::Millis, true)});
        let head = format!(
            r#"{{"resourceType":"Bundle","type":"collection","entry":[{{"response":{response},"resource":"#
        );
        line.extend_from_slice(head.as_bytes());
        line.extend(value.iter().map(flat));
        line.extend_from_slice(b"}]}");
    });
    Ok(())
}

/// The deletion of the resource with that address.
fn append_delete(
    messages: &mut Messages,
    place: &MessagePlace,
    address: &str,
    (time, refusal): (Option<DateTime<Utc>>, &str),
) -> Result<(), Bad> {
    let Address::Rest { resource_type, id, .. } = Address::parse(address) else {
        return Err(("no_resource_named", refusal.to_owned()));
    };
    let mut entry = json!({"request": {"method": "DELETE", "url": format!("{}/{id}", resource_type.name())}});
    if let Some(time) = time {
        entry["response"] = json!({"lastModified": time.to_rfc3339_opts(SecondsFormat::Millis, true)});
    }
    let bundle = json!({"resourceType": "Bundle", "type": "batch", "entry": [entry]});
    push(messages, place, None, |line| line.extend_from_slice(bundle.to_string().as_bytes()));
    Ok(())
}

/// The value without its compression.
fn unpacked(value: &[u8], most_bytes: usize) -> Result<Cow<'_, [u8]>, Bad> {
    let too_large =
        || ("too_large", format!("the message is larger than max_message_bytes, {most_bytes} bytes"));
    if !value.starts_with(&GZIP) {
        return if value.len() > most_bytes { Err(too_large()) } else { Ok(Cow::Borrowed(value)) };
    }
    let mut unpacked = Vec::with_capacity((value.len() * 4).min(most_bytes));
    let mut reader = MultiGzDecoder::new(value).take(most_bytes as u64 + 1);
    match reader.read_to_end(&mut unpacked) {
        Ok(_) if unpacked.len() > most_bytes => Err(too_large()),
        Ok(_) => Ok(Cow::Owned(unpacked)),
        Err(failure) if failure.kind() == std::io::ErrorKind::UnexpectedEof => {
            Err(("truncated", "the message is gzip that ends too early".to_owned()))
        }
        Err(_) => Err(("damaged", "the message is gzip that is damaged".to_owned())),
    }
}

fn bad_json(failure: &serde_json::Error) -> Bad {
    let place = format!("line {} column {}", failure.line(), failure.column());
    match failure.classify() {
        serde_json::error::Category::Eof => {
            ("truncated", format!("the message is JSON that ends too early, at {place}"))
        }
        _ => ("not_json", format!("the message is neither a JSON object nor NDJSON: see {place}")),
    }
}

/// The key as text; keys that were written as JSON have quotes.
fn key_text(key: &[u8]) -> Option<&str> {
    let text = header_text(key)?;
    Some(text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text))
}

fn is_true(header: &[u8]) -> bool {
    !header_text(header)
        .is_some_and(|text| matches!(text.to_ascii_lowercase().as_str(), "false" | "0" | "no"))
}

/// A time as FHIR writes it, or milliseconds since 1970.
fn header_time(header: &[u8]) -> Result<DateTime<Utc>, Bad> {
    let text = header_text(header).unwrap_or_default();
    let milliseconds = || DateTime::from_timestamp_millis(text.parse().ok()?);
    DateTime::parse_from_rfc3339(text).map(|time| time.to_utc()).ok().or_else(milliseconds).ok_or_else(|| {
        let message =
            "the header time is neither a time with a zone, such as 2026-01-31T06:00:00Z, nor milliseconds";
        ("invalid_header", message.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use pretty_assertions::assert_eq;

    const MOST: usize = 4096;

    fn lines(received: &Received<'_>) -> Vec<(String, Option<&'static str>)> {
        let mut messages = Messages::default();
        let place = MessagePlace { topic: "t".into(), partition: 0, offset: 7, line: None };
        append(&mut messages, received, &place, MOST);
        let text = std::str::from_utf8(&messages.lines).unwrap();
        assert_eq!(text.lines().count(), messages.of_lines.len());
        let starts: Vec<usize> = messages.of_lines.iter().map(|line| line.start).collect();
        assert!(starts.iter().all(|start| text[*start..].starts_with('{')), "{text}");
        let of_line =
            |(line, of): (&str, &MessageLine)| (line.to_owned(), of.bad.as_ref().map(|bad| bad.reason));
        text.lines().zip(&messages.of_lines).map(of_line).collect()
    }

    fn of_value(value: &[u8]) -> Vec<(String, Option<&'static str>)> {
        lines(&Received { value: Some(value), ..Received::default() })
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_message_is_a_resource_or_ndjson_plain_or_gzip() {
        let good = |line: &str| (line.to_owned(), None);
        let patient = r#"{"resourceType":"Patient","id":"1"}"#;
        assert_eq!(of_value(patient.as_bytes()), [good(patient)]);
        assert_eq!(of_value(&gzip(patient.as_bytes())), [good(patient)]);
        let pretty = "{\r\n  \"resourceType\": \"Patient\"\n}\n";
        assert_eq!(of_value(pretty.as_bytes()), [good("{    \"resourceType\": \"Patient\" }")]);
        let several = format!("{patient}\n\n{patient}\r\n");
        assert_eq!(of_value(several.as_bytes()), [good(patient), good(patient)]);
        let broken = format!("{patient}\n{{\"resourceType\":\n{patient}");
        let reasons: Vec<_> = of_value(broken.as_bytes()).into_iter().map(|(_, reason)| reason).collect();
        assert_eq!(reasons, [None, Some("truncated"), None]);
    }

    #[test]
    fn what_cannot_be_read_has_a_line_that_stands_for_it() {
        let truncated = gzip(&[b'x'; 900]);
        let bomb = gzip(&vec![b' '; MOST * 100]);
        let values: [(&[u8], &str); 11] = [
            (b"", "not_json"),
            (b"hello", "not_json"),
            (b"hello\nworld", "not_json"),
            (b"[{\"resourceType\":\"Patient\"}]", "not_json"),
            (b"{\"resourceType\":\"Patient\"", "truncated"),
            (b"{\"resourceType\":\"Patient\"} {", "not_json"),
            (b"{\"output\":[],\"transactionTime\":\"2026-01-01T00:00:00Z\"}", "no_resource_type"),
            (b"\xff\xfe\x00", "not_json"),
            (&truncated[..truncated.len() - 9], "truncated"),
            (&bomb, "too_large"),
            (&[b'{'; MOST + 1], "too_large"),
        ];
        for (value, reason) in values {
            let lines = of_value(value);
            assert_eq!((lines.len(), lines[0].1), (1, Some(reason)), "{value:?}");
            assert!(lines[0].0.starts_with(r#"{"resourceType":"RejectedMessage","#), "{lines:?}");
        }
    }

    #[test]
    fn deletions_name_the_resource_by_key_or_by_content() {
        let deletes = r#"{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"DELETE","url":"Patient/1"}}]}"#;
        for key in ["Patient/1", "\"Patient/1\"", "https://ehr.example/r4/Patient/1", "Patient/1/_history/2"]
        {
            let received = Received { key: Some(key.as_bytes()), ..Received::default() };
            assert_eq!(lines(&received), [(deletes.to_owned(), None)], "{key}");
        }
        let received = Received {
            value: Some(br#"{"resourceType":"Patient","id":"1"}"#),
            headers: Headers { deleted: Some(b"true"), ..Headers::default() },
            ..Received::default()
        };
        assert_eq!(lines(&received), [(deletes.to_owned(), None)]);
        for key in [None, Some("17"), Some("Nothing/1"), Some("")] {
            let received = Received { key: key.map(str::as_bytes), ..Received::default() };
            assert_eq!(lines(&received)[0].1, Some("no_resource_named"), "{key:?}");
        }
    }

    #[test]
    fn a_header_has_the_time() {
        let value = Some(br#"{"resourceType":"Patient","id":"1"}"#.as_slice());
        let wanted = r#"{"resourceType":"Bundle","type":"collection","entry":[{"response":{"lastModified":"2026-01-31T05:00:00.000Z"},"resource":{"resourceType":"Patient","id":"1"}}]}"#;
        for time in ["2026-01-31T06:00:00+01:00", "1769835600000"] {
            let headers = Headers { time: Some(time.as_bytes()), ..Headers::default() };
            let received = Received { value, headers, ..Received::default() };
            assert_eq!(lines(&received), [(wanted.to_owned(), None)], "{time}");
        }
        let headers = Headers { time: Some(b"yesterday"), ..Headers::default() };
        let received = Received { value, headers, ..Received::default() };
        assert_eq!(lines(&received)[0].1, Some("invalid_header"));
        let headers = Headers { deleted: Some(b"false"), ..Headers::default() };
        let kept = Received { value, headers, ..Received::default() };
        assert_eq!(lines(&kept)[0].1, None);
    }
}
