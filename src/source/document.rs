//! One document: told apart by its first bytes, and cut into frames.

use std::io;
use std::sync::Arc;

use super::bundle::{Bundle, Entry, Head, Ranks, entry_location};
use super::open::Opened;
use super::scan::{items, members, value_end};
use super::stream::{Next, Stream};
use super::{Content, Defect, DefectReason, Document, Form, Frame, Limits, Location, Sink, SourceError};

/// What is counted over all documents of a file.
#[derive(Debug, Default)]
pub(super) struct Counters {
    members: u32,
    positions: u64,
}

/// How many bytes of what is no frame are handed on.
const DEFECT_BYTES: usize = 64 << 10;

/// The reading of one document.
struct Reading<'d, S: Sink> {
    limits: &'d Limits,
    counters: &'d mut Counters,
    sink: &'d mut S,
    member: u32,
}

type Result<T, S> = std::result::Result<T, SourceError<<S as Sink>::Error>>;

pub(super) fn read<S: Sink>(
    opened: &dyn Opened,
    limits: &Limits,
    counters: &mut Counters,
    sink: &mut S,
) -> Result<(), S> {
    let member = counters.members;
    counters.members += 1;
    let mut reading = Reading { limits, counters, sink, member };
    reading.document(opened)
}

impl<S: Sink> Reading<'_, S> {
    fn document(&mut self, opened: &dyn Opened) -> Result<(), S> {
        let mut stream = Stream::new(opened.reader()?);
        if !skip_mark(&mut stream)? {
            self.announce(opened, Form::Ndjson)?;
            return self.not_json(&mut stream, "UTF-16 text: save it as UTF-8");
        }
        match stream.next_byte()? {
            None => self.announce(opened, Form::Empty),
            Some(b'{') => self.values(opened, stream),
            Some(b'[') => {
                self.announce(opened, Form::Array)?;
                self.array(&mut stream)
            }
            Some(first) => {
                if stream.window().starts_with(b"crc\0") {
                    return self.announce(opened, Form::Checksum);
                }
                self.announce(opened, Form::Ndjson)?;
                let what = match first {
                    b'<' => "HTML or XML",
                    b'%' if stream.window().starts_with(b"%PDF") => "a PDF",
                    0..=8 | 0x0e..=0x1f => "binary",
                    _ => "some other text",
                };
                self.not_json(&mut stream, what)
            }
        }
    }

    fn announce(&mut self, opened: &dyn Opened, form: Form) -> Result<(), S> {
        let document = Document { member: self.member, name: opened.name().to_owned(), form };
        self.sink.document(&document).map_err(SourceError::Sink)
    }

    fn not_json(&mut self, stream: &mut Stream<'_>, what: &'static str) -> Result<(), S> {
        self.defect(DefectReason::NotJson(what), stream.offset(), Location::Value(1), stream.window())
    }

    /// A document that begins with an object: NDJSON if that ends in its
    /// line, else a resource or a Bundle, perhaps with more behind it.
    fn values(&mut self, opened: &dyn Opened, mut stream: Stream<'_>) -> Result<(), S> {
        let limit = self.limits.memory_document_bytes;
        // As much as is needed to see the first value whole, up to the limit.
        let first = loop {
            if let Some(end) = value_end(stream.window(), 0) {
                break Some(end);
            }
            if stream.window().len() > limit || !stream.grow()? {
                break None;
            }
        };
        let Some(end) = first else {
            if is_bundle_so_far(stream.window()) {
                self.announce(opened, Form::Bundle)?;
                return self.large_bundle(opened);
            }
            return self.lines_or_values(opened, stream);
        };
        let window = stream.window();
        let head = Head::read(&window[..end]);
        let is_one_line = !window[..end].contains(&b'\n');
        let form = match head {
            Head { resource_type: None, is_log: true, .. } => Form::ExportLog,
            Head { resource_type: None, has_transaction_time: true, has_output: true, .. } => {
                Form::ExportManifest
            }
            Head { resource_type: Some("Bundle"), .. } if !is_one_line => Form::Bundle,
            _ if !is_one_line => Form::Resource,
            _ => Form::Ndjson,
        };
        if form.is_companion() {
            return self.announce(opened, form);
        }
        if form != Form::Ndjson {
            self.announce(opened, form)?;
            return self.value_sequence(&mut stream);
        }
        let has_more = match stream_has_more(&mut stream, end)? {
            true => Form::Ndjson,
            false if head_is_bundle(&stream.window()[..end]) => Form::Bundle,
            false => Form::Resource,
        };
        self.announce(opened, has_more)?;
        if has_more == Form::Ndjson { self.lines(&mut stream) } else { self.value_sequence(&mut stream) }
    }

    /// The first value does not end within the limit for memory, and is no
    /// Bundle as far as can be seen.
    fn lines_or_values(&mut self, opened: &dyn Opened, mut stream: Stream<'_>) -> Result<(), S> {
        let first_line = memchr::memchr(b'\n', stream.window());
        if first_line.is_some_and(|end| stream.window()[..end].ends_with(b"}") && end > 1) {
            self.announce(opened, Form::Ndjson)?;
            return self.lines(&mut stream);
        }
        self.announce(opened, Form::Resource)?;
        self.value_sequence(&mut stream)
    }

    fn lines(&mut self, stream: &mut Stream<'_>) -> Result<(), S> {
        let mut number = 0;
        loop {
            if stream.window().is_empty() && !stream.grow()? {
                return Ok(());
            }
            number += 1;
            let offset = stream.offset();
            let location = Location::Line(number);
            let Some(length) = stream.line(self.limits.resource_bytes)? else {
                self.defect(DefectReason::TooLarge, offset, location, &[])?;
                stream.consume(1.min(stream.window().len()));
                continue;
            };
            let line = &stream.window()[..length];
            let blanks = line.len() - line.trim_ascii_start().len();
            let value = line.trim_ascii();
            if !value.is_empty() {
                let offset = offset + blanks as u64;
                match value_end(value, 0) {
                    Some(end) if end == value.len() => self.value(value, offset, location, None, 0)?,
                    Some(_) => self.defect(DefectReason::Unbalanced, offset, location, value)?,
                    None => {
                        let is_last = length == stream.window().len();
                        let reason = if is_last { DefectReason::Truncated } else { DefectReason::Unbalanced };
                        self.defect(reason, offset, location, value)?;
                    }
                }
            }
            stream.consume(length);
            stream.consume(1.min(stream.window().len()));
        }
    }

    fn value_sequence(&mut self, stream: &mut Stream<'_>) -> Result<(), S> {
        let mut number = 0;
        while stream.next_byte()?.is_some() {
            number += 1;
            if !self.next_value(stream, Location::Value(number))? {
                return Ok(());
            }
        }
        Ok(())
    }

    fn array(&mut self, stream: &mut Stream<'_>) -> Result<(), S> {
        stream.consume(1);
        let mut number = 0;
        loop {
            match stream.next_byte()? {
                Some(b']') => return Ok(()),
                Some(b',') => stream.consume(1),
                Some(_) => {
                    number += 1;
                    if !self.next_value(stream, Location::Item(number))? {
                        return Ok(());
                    }
                }
                None => {
                    let location = Location::Item(number + 1);
                    return self.defect(DefectReason::Truncated, stream.offset(), location, &[]);
                }
            }
        }
    }

    /// Takes the value at the window; false where the document is at its end.
    fn next_value(&mut self, stream: &mut Stream<'_>, location: Location) -> Result<bool, S> {
        let offset = stream.offset();
        match stream.value(self.limits.resource_bytes)? {
            Next::Value(0) | Next::Unbalanced => {
                self.defect(DefectReason::Unbalanced, offset, location, stream.window())?;
                Ok(false)
            }
            Next::Value(length) => {
                self.value(&stream.window()[..length], offset, location, None, 0)?;
                stream.consume(length);
                Ok(true)
            }
            Next::TooLarge => {
                self.defect(DefectReason::TooLarge, offset, location, &[])?;
                Ok(true)
            }
            Next::Truncated => {
                self.defect(DefectReason::Truncated, offset, location, stream.window())?;
                Ok(false)
            }
        }
    }

    /// A whole value: a resource, or a Bundle in memory.
    fn value(
        &mut self,
        bytes: &[u8],
        offset: u64,
        location: Location,
        outer: Option<&Arc<Bundle>>,
        depth: usize,
    ) -> Result<(), S> {
        if head_is_bundle(bytes) {
            return self.memory_bundle(bytes, offset, &location, outer, depth);
        }
        self.counters.positions += 1;
        self.sink
            .frame(Frame {
                bytes,
                content: Content::Resource,
                member: self.member,
                offset,
                location,
                position: self.counters.positions,
                full_url: None,
                last_modified: None,
                bundle: outer,
            })
            .map_err(SourceError::Sink)
    }

    fn memory_bundle(
        &mut self,
        bytes: &[u8],
        offset: u64,
        location: &Location,
        outer: Option<&Arc<Bundle>>,
        depth: usize,
    ) -> Result<(), S> {
        if depth >= self.limits.bundle_depth {
            return self.defect(DefectReason::TooDeep, offset, location.clone(), bytes);
        }
        let mut bundle = Bundle { outer: outer.cloned(), ..Bundle::default() };
        let mut entries = Vec::new();
        for (name, at) in members(bytes) {
            if name == b"entry" {
                for item in items(&bytes[at.clone()]) {
                    let item = at.start + item.start..at.start + item.end;
                    bundle.note_entry(&bytes[item.clone()]);
                    entries.push(item);
                }
            } else {
                bundle.note_member(name, &bytes[at]);
            }
        }
        bundle.full_urls.finish();
        let bundle = Arc::new(bundle);
        let before = self.begin_bundle(&bundle);
        let mut ranks = Ranks::default();
        let within: &[u64] = match location {
            Location::Entry(numbers) => numbers,
            _ => &[],
        };
        for (index, at) in entries.into_iter().enumerate() {
            let location = entry_location(within, index as u64 + 1);
            let offset = offset + at.start as u64;
            self.entry(&bytes[at], offset, location, &bundle, before, &mut ranks, depth)?;
        }
        Ok(())
    }

    /// Reserves the positions of a Bundle's entries.
    fn begin_bundle(&mut self, bundle: &Bundle) -> u64 {
        let before = self.counters.positions;
        self.counters.positions += bundle.entry_count;
        before
    }

    #[expect(clippy::too_many_arguments, reason = "an entry is known by its bytes, place, Bundle and rank")]
    fn entry(
        &mut self,
        bytes: &[u8],
        offset: u64,
        location: Location,
        bundle: &Arc<Bundle>,
        before: u64,
        ranks: &mut Ranks,
        depth: usize,
    ) -> Result<(), S> {
        let entry = Entry::read(bytes);
        let position = before + ranks.next(bundle, entry.method);
        let content = entry.content();
        let at = match (&content, entry.resource) {
            (Content::Resource, Some(resource)) => resource,
            _ => 0..bytes.len(),
        };
        if content == Content::Resource && head_is_bundle(&bytes[at.clone()]) {
            let offset = offset + at.start as u64;
            return self.memory_bundle(&bytes[at], offset, &location, Some(bundle), depth + 1);
        }
        self.sink
            .frame(Frame {
                bytes: &bytes[at.clone()],
                content,
                member: self.member,
                offset: offset + at.start as u64,
                location,
                position,
                full_url: entry.full_url,
                last_modified: entry.last_modified,
                bundle: Some(bundle),
            })
            .map_err(SourceError::Sink)
    }

    /// A Bundle too long for memory: surveyed in one pass, delivered in the
    /// next.
    fn large_bundle(&mut self, opened: &dyn Opened) -> Result<(), S> {
        let mut bundle = Bundle::default();
        let mut survey = Stream::new(opened.reader()?);
        skip_mark(&mut survey)?;
        survey.next_byte()?;
        each_entry(&mut survey, self.limits, &mut |part| {
            match part {
                Part::Member(name, value) => bundle.note_member(name, value),
                Part::Entry(bytes, _) => bundle.note_entry(bytes),
                // It has a place in the order all the same.
                Part::Defect(..) => bundle.entry_count += 1,
            }
            Ok::<(), SourceError<S::Error>>(())
        })?;
        drop(survey);
        bundle.full_urls.finish();
        let bundle = Arc::new(bundle);
        let before = self.begin_bundle(&bundle);
        let mut ranks = Ranks::default();
        let mut number = 0;
        let mut stream = Stream::new(opened.reader()?);
        skip_mark(&mut stream)?;
        stream.next_byte()?;
        each_entry(&mut stream, self.limits, &mut |part| match part {
            Part::Member(..) => Ok(()),
            Part::Entry(bytes, offset) => {
                number += 1;
                let location = entry_location(&[], number);
                self.entry(bytes, offset, location, &bundle, before, &mut ranks, 0)
            }
            Part::Defect(reason, offset, bytes) => {
                number += 1;
                ranks.next(&bundle, None);
                self.defect(reason, offset, entry_location(&[], number), bytes)
            }
        })
    }

    fn defect(
        &mut self,
        reason: DefectReason,
        offset: u64,
        location: Location,
        bytes: &[u8],
    ) -> Result<(), S> {
        self.counters.positions += 1;
        self.sink
            .defect(Defect {
                reason,
                member: self.member,
                offset,
                location,
                position: self.counters.positions,
                bytes: &bytes[..bytes.len().min(DEFECT_BYTES)],
            })
            .map_err(SourceError::Sink)
    }
}

/// Passes over a UTF-8 byte order mark; false for UTF-16.
fn skip_mark(stream: &mut Stream<'_>) -> io::Result<bool> {
    while stream.window().len() < 3 && stream.grow()? {}
    if stream.window().starts_with(b"\xef\xbb\xbf") {
        stream.consume(3);
    }
    Ok(!stream.window().starts_with(b"\xff\xfe") && !stream.window().starts_with(b"\xfe\xff"))
}

fn stream_has_more(stream: &mut Stream<'_>, from: usize) -> io::Result<bool> {
    loop {
        if stream.window()[from..].iter().any(|byte| !byte.is_ascii_whitespace()) {
            return Ok(true);
        }
        // Only blanks so far; a file of blanks alone ends somewhere.
        if stream.window().len() > from + (1 << 20) || !stream.grow()? {
            return Ok(false);
        }
    }
}

fn head_is_bundle(bytes: &[u8]) -> bool {
    // Most resources have neither word, and are spared a closer look.
    memchr::memmem::find(bytes, b"\"Bundle\"").is_some() && Head::read(bytes).resource_type == Some("Bundle")
}

/// Whether an object that has not ended is a Bundle: its type says so, or it
/// has entries before it says what it is.
fn is_bundle_so_far(bytes: &[u8]) -> bool {
    let mut seen = 0;
    for (name, at) in members(bytes) {
        if name == b"resourceType" {
            return &bytes[at] == b"\"Bundle\"";
        }
        seen = at.end;
    }
    let rest = bytes[seen..].trim_ascii_start();
    let rest = rest.strip_prefix(b",").or(rest.strip_prefix(b"{")).unwrap_or(rest).trim_ascii_start();
    rest.strip_prefix(b"\"entry\"").is_some()
}

/// A part of a Bundle that streams by.
enum Part<'p> {
    Member(&'p [u8], &'p [u8]),
    Entry(&'p [u8], u64),
    Defect(DefectReason, u64, &'p [u8]),
}

/// Reads the object that the stream begins with, member by member, and
/// `entry` item by item.
fn each_entry<E: From<io::Error>>(
    stream: &mut Stream<'_>,
    limits: &Limits,
    take: &mut dyn FnMut(Part<'_>) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    stream.consume(1);
    loop {
        match stream.next_byte()? {
            Some(b',') => {
                stream.consume(1);
                continue;
            }
            Some(b'"') => {}
            Some(b'}') => return Ok(()),
            Some(_) => return take(Part::Defect(DefectReason::Unbalanced, stream.offset(), stream.window())),
            None => return take(Part::Defect(DefectReason::Truncated, stream.offset(), &[])),
        }
        let Next::Value(length) = stream.value(limits.resource_bytes)? else {
            return take(Part::Defect(DefectReason::Truncated, stream.offset(), stream.window()));
        };
        let name = stream.window()[1..length - 1].to_vec();
        stream.consume(length);
        if stream.next_byte()? != Some(b':') {
            return take(Part::Defect(DefectReason::Unbalanced, stream.offset(), stream.window()));
        }
        stream.consume(1);
        if stream.next_byte()? == Some(b'[') && name == b"entry" {
            stream.consume(1);
            if !each_item(stream, limits, take)? {
                return Ok(());
            }
            continue;
        }
        match stream.value(limits.resource_bytes)? {
            Next::Value(length) => {
                take(Part::Member(&name, &stream.window()[..length]))?;
                stream.consume(length);
            }
            Next::TooLarge => {}
            Next::Truncated => {
                return take(Part::Defect(DefectReason::Truncated, stream.offset(), stream.window()));
            }
            Next::Unbalanced => {
                return take(Part::Defect(DefectReason::Unbalanced, stream.offset(), stream.window()));
            }
        }
    }
}

/// The items of `entry`; false where the document is at its end.
fn each_item<E: From<io::Error>>(
    stream: &mut Stream<'_>,
    limits: &Limits,
    take: &mut dyn FnMut(Part<'_>) -> std::result::Result<(), E>,
) -> std::result::Result<bool, E> {
    loop {
        match stream.next_byte()? {
            Some(b']') => {
                stream.consume(1);
                return Ok(true);
            }
            Some(b',') => {
                stream.consume(1);
                continue;
            }
            Some(_) => {}
            None => {
                take(Part::Defect(DefectReason::Truncated, stream.offset(), &[]))?;
                return Ok(false);
            }
        }
        let offset = stream.offset();
        match stream.value(limits.resource_bytes)? {
            Next::Value(0) | Next::Unbalanced => {
                take(Part::Defect(DefectReason::Unbalanced, offset, stream.window()))?;
                return Ok(false);
            }
            Next::Value(length) => {
                take(Part::Entry(&stream.window()[..length], offset))?;
                stream.consume(length);
            }
            Next::TooLarge => take(Part::Defect(DefectReason::TooLarge, offset, &[]))?,
            Next::Truncated => {
                take(Part::Defect(DefectReason::Truncated, offset, stream.window()))?;
                return Ok(false);
            }
        }
    }
}
