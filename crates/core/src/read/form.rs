//! Tells a document that can be no JSON by its first bytes, in words that
//! help its sender and show nothing of its content.

/// UTF-8's byte order mark.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What a stream that begins with `head` is, if it cannot be JSON in UTF-8
/// for a reason that its very first bytes show.
pub(super) fn foreign(head: &[u8]) -> Option<&'static str> {
    const SIGNATURES: [(&[u8], &str); 13] = [
        (b"\xff\xfe", "the mark of UTF-16; save it as UTF-8"),
        (b"\xfe\xff", "the mark of UTF-16; save it as UTF-8"),
        (b"{\0", "UTF-16 text; save it as UTF-8"),
        (b"\0{", "UTF-16 text; save it as UTF-8"),
        (b"[\0", "UTF-16 text; save it as UTF-8"),
        (b"\0[", "UTF-16 text; save it as UTF-8"),
        (b"%PDF", "the signature of a PDF document"),
        (b"BZh", "the signature of bzip2; send gzip, zip or plain JSON"),
        (b"\xfd7zXZ", "the signature of xz; send gzip, zip or plain JSON"),
        (b"\x28\xb5\x2f\xfd", "the signature of Zstandard; send gzip, zip or plain JSON"),
        (b"7z\xbc\xaf", "the signature of 7-Zip; send gzip, zip or plain JSON"),
        (b"Rar!", "the signature of RAR; send gzip, zip or plain JSON"),
        (b"PAR1", "the signature of Parquet; send NDJSON"),
    ];
    SIGNATURES.iter().find(|(signature, _)| head.starts_with(signature)).map(|(_, text)| *text)
}

/// What text is that begins with `byte`, which begins no JSON object or array.
pub(super) fn text_class(byte: u8) -> &'static str {
    match byte {
        b'<' => "markup (HTML, or FHIR as XML, which is not read; send JSON)",
        b'"' | b'\'' | b'-' | b'#' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => "plain text (CSV, perhaps)",
        0..=0x1f | 0x7f => "binary data",
        0x80.. => "binary data, or text that is not ASCII",
        _ => "a character that begins no JSON object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_json_is_named_by_its_class() {
        assert_eq!(foreign(b"\xff\xfe{\0"), Some("the mark of UTF-16; save it as UTF-8"));
        assert_eq!(foreign(b"{\0\"\0"), Some("UTF-16 text; save it as UTF-8"));
        assert_eq!(foreign(b"%PDF-1.7"), Some("the signature of a PDF document"));
        assert_eq!(foreign(b"{\"a\""), None);
        assert!(text_class(b'<').starts_with("markup"));
        assert!(text_class(b'i').starts_with("plain text"));
        assert_eq!(text_class(0), "binary data");
    }
}
