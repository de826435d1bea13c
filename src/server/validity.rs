//! When an X.509 certificate expires: the one thing in it that rustls does not tell.

use std::time::{Duration, SystemTime};

use chrono::NaiveDateTime;

const SEQUENCE: u8 = 0x30;
const EXPLICIT_VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The time after which a certificate in DER is no longer valid; none if it cannot be read.
pub fn expiry(certificate: &[u8]) -> Option<SystemTime> {
    let (certificate, _) = value(certificate, SEQUENCE)?;
    let (mut rest, _) = value(certificate, SEQUENCE)?;
    if rest.first() == Some(&EXPLICIT_VERSION) {
        rest = next(rest)?.2;
    }
    // The serial number, the algorithm and the issuer.
    for _ in 0..3 {
        rest = next(rest)?.2;
    }
    let (validity, _) = value(rest, SEQUENCE)?;
    let (tag, text, _) = next(next(validity)?.2)?;
    let text = std::str::from_utf8(text).ok()?;
    let text = match tag {
        // RFC 5280, 4.1.2.5.1: years from 50 on are of the last century.
        UTC_TIME => format!("{}{text}", if text.get(..2)? >= "50" { "19" } else { "20" }),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let time = NaiveDateTime::parse_from_str(&text, "%Y%m%d%H%M%SZ").ok()?;
    let seconds = u64::try_from(time.and_utc().timestamp()).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// The contents of the first value, which has that tag, and what follows it.
fn value(bytes: &[u8], wanted: u8) -> Option<(&[u8], &[u8])> {
    let (tag, contents, rest) = next(bytes)?;
    (tag == wanted).then_some((contents, rest))
}

/// The tag and the contents of the first value, and what follows it.
fn next(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        if length.len() > 4 {
            return None;
        }
        (length.iter().fold(0, |sum, byte| (sum << 8) | usize::from(*byte)), rest)
    };
    let (contents, rest) = rest.split_at_checked(length)?;
    Some((tag, contents, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(tag: u8, contents: &[u8]) -> Vec<u8> {
        let length = contents.len() as u8;
        let head = if length < 0x80 { vec![tag, length] } else { vec![tag, 0x81, length] };
        [&head[..], contents].concat()
    }

    fn certificate(version: &[u8], until: Vec<u8>) -> Vec<u8> {
        let validity = der(SEQUENCE, &[der(UTC_TIME, b"260101000000Z"), until].concat());
        let issuer = der(SEQUENCE, &[7; 120]);
        let body = [version, &der(2, &[1]), &der(SEQUENCE, &[5]), &issuer, &validity, &[1, 2, 3]].concat();
        der(SEQUENCE, &der(SEQUENCE, &body))
    }

    fn seconds(certificate: &[u8]) -> Option<u64> {
        expiry(certificate).map(|at| at.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs())
    }

    #[test]
    fn both_kinds_of_times_are_read_with_and_without_a_version() {
        // date -u -d '2030-01-02T03:04:05Z' +%s
        let version = der(EXPLICIT_VERSION, &der(2, &[2]));
        assert_eq!(seconds(&certificate(&version, der(UTC_TIME, b"300102030405Z"))), Some(1_893_553_445));
        assert_eq!(seconds(&certificate(b"", der(UTC_TIME, b"300102030405Z"))), Some(1_893_553_445));
        let late = certificate(&version, der(GENERALIZED_TIME, b"20600102030405Z"));
        assert_eq!(seconds(&late), Some(2_840_238_245));
    }

    #[test]
    fn what_is_no_certificate_has_no_expiry() {
        let good = certificate(b"", der(UTC_TIME, b"300102030405Z"));
        for length in 0..good.len() {
            assert_eq!(expiry(&good[..length]), None, "{length}");
        }
        assert_eq!(expiry(&certificate(b"", der(UTC_TIME, b"3001"))), None);
        assert_eq!(expiry(&certificate(b"", der(4, b"300102030405Z"))), None);
        assert_eq!(expiry(&[SEQUENCE, 0xff, 1, 2]), None);
    }
}
