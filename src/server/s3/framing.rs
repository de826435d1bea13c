//! The *framing* of chunked bodies (`aws-chunked`): `SIZE[;chunk-signature=…]\r\n BYTES \r\n`.
//!
//! s3s keeps a chunk in memory until it is complete, and a client may send a file of any
//! size as one chunk. Chunks without signatures are therefore cut into smaller ones; signed
//! ones cannot be cut, and large ones are refused.

use std::collections::VecDeque;

use axum::body::Bytes;
use axum::http::HeaderMap;

/// The largest signed chunk. Clients send 64 KiB to 1 MiB.
const MOST_SIGNED: usize = 4 << 20;
/// The longest head of a chunk.
const LONGEST_HEAD: usize = 1024;

/// Where in a chunked body we are.
pub struct Framing {
    kind: Kind,
    place: Place,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Unsigned,
    Signed,
}

enum Place {
    /// In the head of a chunk, of which this was read.
    Head(Vec<u8>),
    /// In its bytes, of which so many remain.
    Bytes(usize),
    /// In the line break after them, of which so many bytes remain.
    Break(usize),
    /// After the last chunk.
    Trailer,
}

impl Framing {
    /// The framing that the headers announce.
    pub fn of(headers: &HeaderMap) -> Self {
        let payload = headers.get("x-amz-content-sha256").map(|value| value.as_bytes()).unwrap_or_default();
        let kind = match payload {
            _ if !payload.starts_with(b"STREAMING-") => Kind::Plain,
            _ if payload.starts_with(b"STREAMING-UNSIGNED-") => Kind::Unsigned,
            _ => Kind::Signed,
        };
        Framing { kind, place: Place::Head(Vec::new()) }
    }

    /// Passes on the next bytes. False if they cannot be.
    pub fn pass(&mut self, mut bytes: Bytes, out: &mut VecDeque<Bytes>) -> bool {
        if self.kind != Kind::Unsigned {
            out.push_back(bytes.clone());
        }
        while self.kind != Kind::Plain && !bytes.is_empty() {
            match &mut self.place {
                Place::Head(head) => {
                    let end = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1);
                    head.extend_from_slice(&bytes.split_to(end));
                    if head.len() > LONGEST_HEAD {
                        return false;
                    }
                    if head.last() == Some(&b'\n') {
                        let Some(size) = chunk_size(head) else { return false };
                        if self.kind == Kind::Signed && size > MOST_SIGNED {
                            return false;
                        }
                        if size == 0 && self.kind == Kind::Unsigned {
                            out.push_back(Bytes::from(std::mem::take(head)));
                        }
                        self.place = if size == 0 { Place::Trailer } else { Place::Bytes(size) };
                    }
                }
                Place::Bytes(remaining) => {
                    let piece = bytes.split_to((*remaining).min(bytes.len()));
                    *remaining -= piece.len();
                    if *remaining == 0 {
                        self.place = Place::Break(2);
                    }
                    if self.kind == Kind::Unsigned {
                        out.push_back(Bytes::from(format!("{:x}\r\n", piece.len())));
                        out.extend([piece, Bytes::from_static(b"\r\n")]);
                    }
                }
                Place::Break(remaining) => {
                    let expected = if *remaining == 2 { b'\r' } else { b'\n' };
                    if bytes.split_to(1)[0] != expected {
                        return false;
                    }
                    *remaining -= 1;
                    if *remaining == 0 {
                        self.place = Place::Head(Vec::new());
                    }
                }
                Place::Trailer => {
                    if self.kind == Kind::Unsigned {
                        out.push_back(bytes);
                    }
                    return true;
                }
            }
        }
        true
    }
}

/// The size in the head of a chunk.
fn chunk_size(head: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(head).ok()?;
    let size = text.split(';').next()?.trim();
    let is_hexadecimal = size.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hexadecimal { usize::from_str_radix(size, 16).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(payload: &'static str, pieces: &[&'static [u8]]) -> Option<Vec<u8>> {
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-content-sha256", axum::http::HeaderValue::from_static(payload));
        let mut framing = Framing::of(&headers);
        let mut out = VecDeque::new();
        for piece in pieces {
            if !framing.pass(Bytes::from_static(piece), &mut out) {
                return None;
            }
        }
        Some(out.into_iter().flatten().collect())
    }

    #[test]
    fn chunks_without_signatures_are_cut_where_their_bytes_come_in_pieces() {
        let pieces: [&[u8]; 4] =
            [b"a\r", b"\n01234", b"56789\r", b"\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"];
        let found = passed("STREAMING-UNSIGNED-PAYLOAD-TRAILER", &pieces).expect("well formed");
        let expected = b"5\r\n01234\r\n5\r\n56789\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n";
        assert_eq!(found, expected);
    }

    #[test]
    fn signed_chunks_pass_as_they_are_unless_they_are_large() {
        let payload = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
        let body: &[u8] = b"3;chunk-signature=00\r\nabc\r\n0;chunk-signature=11\r\n\r\n";
        assert_eq!(passed(payload, &[body]).as_deref(), Some(body));
        assert_eq!(passed(payload, &[b"400001;chunk-signature=00\r\n"]), None);
    }

    #[test]
    fn malformed_chunks_are_refused() {
        let payload = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
        assert_eq!(passed(payload, &[b"xyz\r\n"]), None);
        assert_eq!(passed(payload, &[b"1\r\nab\r\n"]), None);
        assert_eq!(passed("STREAMING-UNSIGNED-PAYLOAD-TRAILER", &[&[b'0'; 2000]]), None);
        assert_eq!(passed("UNSIGNED-PAYLOAD", &[b"xyz"]).as_deref(), Some(&b"xyz"[..]));
    }
}
