//! What the tests of reading share: a handler that records what it receives,
//! and functions that read bytes as a file.

use std::cell::RefCell;
use std::fs::File;
use std::io::{Cursor, Seek, Write};
use std::path::PathBuf;

use fhirmill_core::read::{
    Document, Frame, Payload, ReadDefect, ReadError, ReadLimits, ResourceHandler, Stopped, read_file,
};
use flate2::Compression;
use flate2::write::GzEncoder;
use pretty_assertions::assert_eq;
use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

pub const PATIENT: &str = r#"{"resourceType":"Patient","id":"p"}"#;
pub const GROUP: &str = r#"{"resourceType":"Group","id":"g"}"#;

/// Records what it receives.
#[derive(Default)]
pub struct Recorder {
    pub events: Vec<Event>,
    pub frames: Vec<RecordedFrame>,
    /// Stops the reading after this many frames.
    pub stop_after: Option<usize>,
}

/// One call of the handler, as text.
pub enum Event {
    Document { member: u32, name: String, format: String },
    Frame { text: String },
    Defect { text: String, extent: String },
}

/// Where a frame was, and what it held.
pub struct RecordedFrame {
    pub member: u32,
    pub offset: u64,
    pub bytes: Vec<u8>,
}

impl Recorder {
    /// One line per call. Of a document only the format, of a defect also which
    /// bytes it covers.
    pub fn framing(&self) -> Vec<String> {
        let line = |event: &Event| match event {
            Event::Document { format, .. } => format.clone(),
            Event::Frame { text } => text.clone(),
            Event::Defect { text, extent } => format!("! {text} ({extent})"),
        };
        self.events.iter().map(line).collect()
    }

    /// One line per call, indented under the document that it belongs to.
    pub fn documents(&self) -> Vec<String> {
        let line = |event: &Event| match event {
            Event::Document { member, name, format } => format!("{member} {name:?} {format}"),
            Event::Frame { text } => format!("  {text}"),
            Event::Defect { text, .. } => format!("  ! {text}"),
        };
        self.events.iter().map(line).collect()
    }
}

impl ResourceHandler for Recorder {
    fn document(&mut self, document: &Document<'_>) -> Result<(), Stopped> {
        self.events.push(Event::Document {
            member: document.member,
            name: document.name.to_owned(),
            format: format!("{:?}", document.format),
        });
        Ok(())
    }

    fn frame(&mut self, frame: Frame<'_>) -> Result<(), Stopped> {
        let payload = match frame.payload {
            Payload::Resource => String::new(),
            other => format!("{other:?} "),
        };
        let bytes = String::from_utf8_lossy(frame.bytes);
        let text = format!("{} {}: {payload}{bytes}", frame.position, frame.location);
        self.events.push(Event::Frame { text });
        self.frames.push(RecordedFrame {
            member: frame.member,
            offset: frame.offset,
            bytes: frame.bytes.to_vec(),
        });
        match self.stop_after == Some(self.frames.len()) {
            true => Err(Stopped),
            false => Ok(()),
        }
    }

    fn defect(&mut self, defect: ReadDefect<'_>) -> Result<(), Stopped> {
        let length = defect.length.map_or("?".to_owned(), |length| length.to_string());
        let ends = if defect.ends_document { ", the end" } else { "" };
        self.events.push(Event::Defect {
            text: format!("{}: {}", defect.location, defect.reason),
            extent: format!("{}+{length}{ends}", defect.offset),
        });
        Ok(())
    }
}

/// Reads the bytes as a file.
pub fn read_bytes(
    bytes: &[u8],
    limits: &ReadLimits,
    handler: &mut dyn ResourceHandler,
) -> Result<(), ReadError> {
    // One file for all tests of a thread: some read thousands of inputs.
    thread_local!(static FILE: RefCell<File> = RefCell::new(tempfile::tempfile().unwrap()));
    let file = FILE.with_borrow_mut(|file| {
        file.set_len(0).unwrap();
        file.rewind().unwrap();
        file.write_all(bytes).unwrap();
        file.try_clone().unwrap()
    });
    read_file(file, limits, handler)
}

/// The default limits, reading so many bytes at a time.
pub fn limits(read_bytes: usize) -> ReadLimits {
    ReadLimits { read_bytes, ..ReadLimits::default() }
}

/// How the bytes are framed.
pub fn framing_with(bytes: &[u8], limits: &ReadLimits) -> Vec<String> {
    let mut recorder = Recorder::default();
    read_bytes(bytes, limits, &mut recorder).unwrap();
    recorder.framing()
}

/// How the bytes are framed, which must not depend on the size of the reads.
pub fn framing(bytes: impl AsRef<[u8]>) -> Vec<String> {
    let bytes = bytes.as_ref();
    let whole = framing_with(bytes, &limits(1 << 16));
    for step in [1, 2, 7, 64, 65] {
        assert_eq!(framing_with(bytes, &limits(step)), whole, "in steps of {step}");
    }
    whole
}

/// Like [`framing`], and also with nothing held longer than necessary, so that
/// every Bundle is read twice.
pub fn framing_in_two_passes(bytes: impl AsRef<[u8]>) -> Vec<String> {
    let held = framing(&bytes);
    for (step, memory_document_bytes) in [(1, 0), (1, 8), (7, 16), (64, 1)] {
        let limits = ReadLimits { memory_document_bytes, ..limits(step) };
        assert_eq!(framing_with(bytes.as_ref(), &limits), held, "holding {memory_document_bytes} bytes");
    }
    held
}

/// A folder with a single file in it.
pub struct Inbox(pub TempDir);

impl Inbox {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn file(&self, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join("delivery");
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

pub fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes.as_ref()).unwrap();
    encoder.finish().unwrap()
}

pub fn zip_by(method: CompressionMethod, members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, bytes) in members {
        match name.strip_suffix('/') {
            Some(name) => writer.add_directory(name, options).unwrap(),
            None => {
                writer.start_file(*name, options).unwrap();
                writer.write_all(bytes).unwrap();
            }
        }
    }
    writer.finish().unwrap().into_inner()
}

pub fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    zip_by(CompressionMethod::Deflated, members)
}

/// A Bundle of `count` entries that does not compress well.
pub fn large_bundle(count: u64, bundle_type: &str) -> String {
    let mut text = r#"{"resourceType":"Bundle","entry":["#.to_owned();
    let mut noise = 1u64;
    for number in 0..count {
        if number > 0 {
            text.push(',');
        }
        let words: Vec<String> = (0..8)
            .map(|_| {
                noise = noise.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                format!("{noise:x}")
            })
            .collect();
        text.push_str(&format!(
            "\n{{\"fullUrl\":\"urn:oid:{number}\",\"resource\":{{\"resourceType\":\"Basic\",\"id\":\"i{number}\",\"x\":\"{}\"}}}}",
            words.concat()
        ));
    }
    text.push_str(&format!("],\"type\":\"{bundle_type}\"}}"));
    text
}
