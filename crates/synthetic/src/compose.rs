//! A *composer* puts resources one behind another, each in what the format
//! wraps it in, and remembers where each stands and what it is.

use super::random::Id;
use super::words::Coded;
use super::writer::{References, Writer};
use std::ops::Range;

/// A resource that was written: its bytes are `span` of the composer's.
pub struct Made {
    pub kind: &'static str,
    pub id: Id,
    pub span: Range<usize>,
}

pub struct Composer {
    pub writer: Writer,
    pub made: Vec<Made>,
    /// Write entries of a Bundle, of the method and path that it asks for.
    entries: bool,
}

impl Composer {
    pub fn new(references: References, pretty: bool) -> Self {
        let entries = references != References::Relative;
        Self { writer: Writer::new(references, pretty), made: Vec::new(), entries }
    }

    /// Forgets what was written, once it is in its file, and keeps the memory.
    pub fn clear(&mut self) {
        self.writer.bytes.clear();
        self.made.clear();
    }

    /// Opens a Bundle; its entries are the resources until `end_bundle`.
    pub fn begin_bundle(&mut self, kind: &str) {
        self.writer.open(b'{');
        self.writer.text("resourceType", "Bundle");
        self.writer.text("type", kind);
        self.writer.begin_array("entry");
    }

    pub fn end_bundle(&mut self) {
        self.writer.close(b']');
        self.writer.close(b'}');
        self.writer.bytes.push(b'\n');
    }

    /// Writes one resource: `fill` adds what follows its type and id.
    pub fn resource(&mut self, kind: &'static str, id: &Id, fill: impl FnOnce(&mut Writer)) {
        let start = self.writer.bytes.len();
        let body = |writer: &mut Writer| {
            writer.text("resourceType", kind);
            writer.text("id", id.as_str());
            fill(writer);
        };
        if self.entries {
            let transaction = self.writer.references == References::Transaction;
            self.writer.item(|writer| {
                writer.display("fullUrl", format_args!("urn:uuid:{id}"));
                writer.object("resource", body);
                if transaction {
                    writer.object("request", |writer| {
                        writer.text("method", "POST");
                        writer.text("url", kind);
                    });
                }
            });
        } else {
            self.writer.document(body);
            self.writer.bytes.push(b'\n');
        }
        self.made.push(Made { kind, id: *id, span: start..self.writer.bytes.len() });
    }
}

/// `coding` of one code, inside a CodeableConcept that is open.
pub fn coding(writer: &mut Writer, system: &str, (code, display): Coded) {
    writer.one("coding", |writer| coding_members(writer, system, (code, display)));
}

pub fn coding_members(writer: &mut Writer, system: &str, (code, display): Coded) {
    writer.text("system", system);
    writer.text("code", code);
    writer.text("display", display);
}

/// A CodeableConcept of one code, its text the code's display.
pub fn concept(writer: &mut Writer, name: &str, system: &str, coded: Coded) {
    writer.object(name, |writer| {
        coding(writer, system, coded);
        writer.text("text", coded.1);
    });
}

/// A CodeableConcept of one code of HL7's own terminology.
pub fn status(writer: &mut Writer, name: &str, system: &str, code: &'static str) {
    writer.object(name, |writer| {
        writer.one("coding", |writer| {
            writer.display("system", format_args!("http://terminology.hl7.org/CodeSystem/{system}"));
            writer.text("code", code);
        });
    });
}

/// An array of one CodeableConcept.
pub fn concepts(writer: &mut Writer, name: &str, system: &str, coded: Coded) {
    writer.one(name, |writer| {
        coding(writer, system, coded);
        writer.text("text", coded.1);
    });
}
