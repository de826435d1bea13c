//! What the fuzz targets share: files with the fuzzer's bytes, a resource
//! handler that records what it receives, and a reader of COPY's binary format
//! that is independent of the program's writer.

use std::cell::RefCell;
use std::fs::File;
use std::io::{Seek, Write};

use fhirmill_core::read::{
    self, Document, Frame, ReadDefect, ReadError, ReadLimits, ResourceHandler, Stopped,
};

/// Limits small enough for the fuzzer to reach.
pub fn limits() -> ReadLimits {
    ReadLimits {
        resource_bytes: 4 << 10,
        memory_document_bytes: 1 << 10,
        archive_members: 20,
        archive_ratio_free_bytes: 1 << 20,
        archive_output_bytes: 8 << 20,
        nested_archive_bytes: 1 << 20,
        json_depth: 64,
        read_bytes: 1 << 10,
        defect_bytes: 100,
        ..ReadLimits::default()
    }
}

/// What a handler received, one line per call, and where its frames were.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Recorder {
    pub lines: Vec<String>,
    /// Member, offset, bytes.
    pub frames: Vec<(u32, u64, Vec<u8>)>,
}

impl ResourceHandler for Recorder {
    fn document(&mut self, document: &Document<'_>) -> Result<(), Stopped> {
        self.lines.push(format!("{} {:?} {:?}", document.member, document.name, document.format));
        Ok(())
    }

    fn frame(&mut self, frame: Frame<'_>) -> Result<(), Stopped> {
        // Framing counts brackets; the parser checks that they match.
        assert!(frame.bytes.starts_with(b"{") && frame.bytes.ends_with(b"}") | frame.bytes.ends_with(b"]"));
        self.lines.push(format!("{} {} {:?}", frame.position, frame.location, frame.payload));
        self.frames.push((frame.member, frame.offset, frame.bytes.to_vec()));
        Ok(())
    }

    fn defect(&mut self, defect: ReadDefect<'_>) -> Result<(), Stopped> {
        assert!(defect.bytes.len() <= 1 << 20);
        self.lines.push(format!("! {} {} {}", defect.location, defect.offset, defect.reason));
        Ok(())
    }
}

/// Reads the bytes as a file.
pub fn read(bytes: &[u8], limits: &ReadLimits) -> (Recorder, Result<(), ReadError>) {
    let mut recorder = Recorder::default();
    let result = read::read_file(file(bytes), limits, &mut recorder);
    (recorder, result)
}

/// An unnamed file with these bytes; all runs share one.
fn file(bytes: &[u8]) -> File {
    thread_local!(static FILE: RefCell<File> = RefCell::new(tempfile::tempfile().expect("a temporary file")));
    FILE.with_borrow_mut(|file| {
        file.set_len(0).and_then(|()| file.rewind()).expect("an empty file");
        file.write_all(bytes).expect("room for a file");
        file.try_clone().expect("one more handle")
    })
}

/// The values of rows in COPY's binary format; `None` is null. Panics on
/// invalid input.
pub fn rows(mut bytes: &[u8]) -> Vec<Vec<Option<&[u8]>>> {
    let mut rows = Vec::new();
    while !bytes.is_empty() {
        let columns = i16::from_be_bytes(take(&mut bytes, 2).try_into().expect("two bytes"));
        let row = (0..columns).map(|_| {
            let length = i32::from_be_bytes(take(&mut bytes, 4).try_into().expect("four bytes"));
            assert!(length >= -1, "a length of {length}");
            (length >= 0).then(|| take(&mut bytes, length as usize))
        });
        rows.push(row.collect());
    }
    rows
}

fn take<'b>(bytes: &mut &'b [u8], length: usize) -> &'b [u8] {
    let (taken, rest) = bytes.split_at(length);
    *bytes = rest;
    taken
}

/// Postgres' binary `numeric` as decimal digits with its full scale, computed
/// as `numeric_out` does: the digits of each group at its weight.
pub fn numeric_text(binary: &[u8]) -> String {
    let words: Vec<i16> = binary.chunks(2).map(|word| i16::from_be_bytes([word[0], word[1]])).collect();
    let [count, weight, sign, scale] = words[..4] else { panic!("no header") };
    let groups = &words[4..];
    assert_eq!(count as u16 as usize, groups.len());
    assert!((0..=16_383).contains(&scale) && (sign == 0 || sign == 0x4000));
    assert!(groups.iter().all(|group| (0..10_000).contains(group)));
    let group_at = |at: i32| {
        let index = i32::from(weight) - at;
        usize::try_from(index).ok().and_then(|index| groups.get(index)).copied().unwrap_or(0)
    };
    let mut integer = String::new();
    for at in (0..=i32::from(weight).max(0)).rev() {
        integer.push_str(&format!("{:04}", group_at(at)));
    }
    let mut fraction = String::new();
    let mut at = -1;
    while fraction.len() < scale as usize {
        fraction.push_str(&format!("{:04}", group_at(at)));
        at -= 1;
    }
    // Digits beyond the scale would be lost.
    assert!(fraction[scale as usize..].bytes().all(|digit| digit == b'0'));
    fraction.truncate(scale as usize);
    let integer = integer.trim_start_matches('0');
    let integer = if integer.is_empty() { "0" } else { integer };
    let minus = if sign == 0x4000 { "-" } else { "" };
    if fraction.is_empty() { format!("{minus}{integer}") } else { format!("{minus}{integer}.{fraction}") }
}

/// A JSON number without its exponent, by moving the decimal point in its text.
pub fn plain(written: &str) -> String {
    let (sign, unsigned) = written.strip_prefix('-').map_or(("", written), |rest| ("-", rest));
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let exponent: i64 = exponent.parse().expect("an exponent");
    let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits = format!("{integer}{fraction}");
    let mut point = integer.len() as i64 + exponent;
    if point < 1 {
        digits.insert_str(0, &"0".repeat((1 - point) as usize));
        point = 1;
    }
    if digits.len() < point as usize {
        digits.push_str(&"0".repeat(point as usize - digits.len()));
    }
    let (integer, fraction) = digits.split_at(point as usize);
    let integer = integer.trim_start_matches('0');
    let integer = if integer.is_empty() { "0" } else { integer };
    let is_zero = integer == "0" && fraction.bytes().all(|digit| digit == b'0');
    let sign = if is_zero { "" } else { sign };
    if fraction.is_empty() { format!("{sign}{integer}") } else { format!("{sign}{integer}.{fraction}") }
}
