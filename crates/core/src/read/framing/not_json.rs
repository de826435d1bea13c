//! Describes a document that is *not JSON* by its first bytes, in words that
//! help its sender and disclose nothing of its content.

/// UTF-8's byte order mark.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Describes the signature that `head` starts with, if it is one of a format
/// other than JSON in UTF-8.
pub(super) fn describe_signature(head: &[u8]) -> Option<&'static str> {
    const SIGNATURES: [(&[u8], &str); 12] = [
        (b"\xff\xfe", "a UTF-16 byte order mark; save it as UTF-8"),
        (b"\xfe\xff", "a UTF-16 byte order mark; save it as UTF-8"),
        (b"{\0", "UTF-16 text; save it as UTF-8"),
        (b"\0{", "UTF-16 text; save it as UTF-8"),
        (b"[\0", "UTF-16 text; save it as UTF-8"),
        (b"\0[", "UTF-16 text; save it as UTF-8"),
        (b"%PDF", "the signature of a PDF document"),
        (b"BZh", "the signature of bzip2; send gzip, zip or plain JSON"),
        (b"\xfd7zXZ", "the signature of xz; send gzip, zip or plain JSON"),
        (b"7z\xbc\xaf", "the signature of 7-Zip; send gzip, zip or plain JSON"),
        (b"Rar!", "the signature of RAR; send gzip, zip or plain JSON"),
        (b"PAR1", "the signature of Parquet; send NDJSON"),
    ];
    SIGNATURES.iter().find(|(signature, _)| head.starts_with(signature)).map(|(_, text)| *text)
}

/// Describes the XML that `head` starts, if it is XML and not HTML.
pub(super) fn describe_xml(head: &[u8]) -> Option<&'static str> {
    let text = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head).trim_ascii_start();
    let tag = text.strip_prefix(b"<")?;
    let has = |part: &[u8]| text.windows(part.len()).any(|found| found.eq_ignore_ascii_case(part));
    if has(b"<html") || has(b"<!doctype html") || !has(b"xml") {
        return None;
    }
    match tag.first()? {
        b'?' | b'!' | b'a'..=b'z' | b'A'..=b'Z'
            if has(b"http://hl7.org/fhir\"") || has(b"http://hl7.org/fhir'") =>
        {
            Some("FHIR as XML")
        }
        b'?' | b'!' | b'a'..=b'z' | b'A'..=b'Z' if has(b"urn:hl7-org:v3") => Some("a CDA document (XML)"),
        b'?' | b'!' | b'a'..=b'z' | b'A'..=b'Z' => Some("XML"),
        _ => None,
    }
}

/// Describes text that starts with `byte`, which starts no JSON object or array.
pub(super) fn describe_text(byte: u8) -> &'static str {
    match byte {
        b'<' => "markup (HTML, perhaps)",
        b'"' | b'\'' | b'-' | b'#' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => "plain text (CSV, perhaps)",
        0..=0x1f | 0x7f => "binary data",
        0x80.. => "binary data, or text that is not ASCII",
        _ => "a character that starts no JSON object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_formats_are_described_by_their_first_bytes() {
        assert_eq!(describe_signature(b"\xff\xfe{\0"), Some("a UTF-16 byte order mark; save it as UTF-8"));
        assert_eq!(describe_signature(b"{\0\"\0"), Some("UTF-16 text; save it as UTF-8"));
        assert_eq!(describe_signature(b"%PDF-1.7"), Some("the signature of a PDF document"));
        assert_eq!(describe_signature(b"{\"a\""), None);
        let xml = br#"<?xml version="1.0"?><Patient xmlns="http://hl7.org/fhir"><id value="1"/></Patient>"#;
        assert_eq!(describe_xml(xml), Some("FHIR as XML"));
        assert_eq!(describe_xml(b"\xef\xbb\xbf\n<Bundle xmlns='http://hl7.org/fhir'/>"), Some("FHIR as XML"));
        assert_eq!(
            describe_xml(b"<ClinicalDocument xmlns=\"urn:hl7-org:v3\">"),
            Some("a CDA document (XML)")
        );
        assert_eq!(describe_xml(b"<?xml version='1.0'?><a/>"), Some("XML"));
        for other in [&b"<!DOCTYPE html>"[..], b"<?xml?><html xmlns=''>", b"<a>", b"{\"xml\":1}"] {
            assert_eq!(describe_xml(other), None);
        }
        assert!(describe_text(b'<').starts_with("markup"));
        assert!(describe_text(b'i').starts_with("plain text"));
        assert_eq!(describe_text(0), "binary data");
    }
}
