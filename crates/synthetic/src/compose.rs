//! A *composer* writes resources one after another, each wrapped as the format
//! requires, and records the type, ID and position of each. The shapes that
//! many resources share, such as CodeableConcept, are here too.

use std::ops::Range;

use super::random::Id;
use super::words::Coded;
use super::writer::{ReferenceStyle, Writer};

/// A resource that was written.
pub struct WrittenResource {
    pub resource_type: &'static str,
    pub id: Id,
    /// Its bytes within the writer's.
    pub span: Range<usize>,
}

/// See the module.
pub struct Composer {
    pub writer: Writer,
    /// What was written since the last [`Composer::clear`], in order.
    pub written: Vec<WrittenResource>,
    /// Whether each resource is wrapped in an entry of a Bundle.
    entries: bool,
}

impl Composer {
    /// An empty composer; `pretty` indents the JSON.
    pub fn new(references: ReferenceStyle, pretty: bool) -> Self {
        let entries = references != ReferenceStyle::Relative;
        Self { writer: Writer::new(references, pretty), written: Vec::new(), entries }
    }

    /// Discards what was written, once it is in its file, but keeps the
    /// allocated memory.
    pub fn clear(&mut self) {
        self.writer.bytes.clear();
        self.written.clear();
    }

    /// Opens a Bundle of that type. The resources up to `end_bundle` become its
    /// entries.
    pub fn begin_bundle(&mut self, bundle_type: &str) {
        self.writer.open(b'{');
        self.writer.text("resourceType", "Bundle");
        self.writer.text("type", bundle_type);
        self.writer.begin_array("entry");
    }

    /// Closes the Bundle.
    pub fn end_bundle(&mut self) {
        self.writer.close(b']');
        self.writer.close(b'}');
        self.writer.bytes.push(b'\n');
    }

    /// Writes one resource: `fill` adds the members after its type and ID.
    pub fn resource(&mut self, resource_type: &'static str, id: &Id, fill: impl FnOnce(&mut Writer)) {
        let start = self.writer.bytes.len();
        let body = |writer: &mut Writer| {
            writer.text("resourceType", resource_type);
            writer.text("id", id.as_str());
            fill(writer);
        };
        if self.entries {
            let transaction = self.writer.references == ReferenceStyle::Transaction;
            self.writer.item(|writer| {
                writer.display("fullUrl", format_args!("urn:uuid:{id}"));
                writer.object("resource", body);
                if transaction {
                    writer.object("request", |writer| {
                        writer.text("method", "POST");
                        writer.text("url", resource_type);
                    });
                }
            });
        } else {
            self.writer.document(body);
            self.writer.bytes.push(b'\n');
        }
        let span = start..self.writer.bytes.len();
        self.written.push(WrittenResource { resource_type, id: *id, span });
    }
}

/// Writes a `coding` with one code into the open CodeableConcept.
pub fn coding(writer: &mut Writer, system: &str, (code, display): Coded) {
    writer.one("coding", |writer| coding_members(writer, system, (code, display)));
}

/// Writes the members of a Coding into the open object.
pub fn coding_members(writer: &mut Writer, system: &str, (code, display): Coded) {
    writer.text("system", system);
    writer.text("code", code);
    writer.text("display", display);
}

/// Writes a CodeableConcept with one code; its text is the code's display.
pub fn concept(writer: &mut Writer, name: &str, system: &str, coded: Coded) {
    writer.object(name, |writer| {
        coding(writer, system, coded);
        writer.text("text", coded.1);
    });
}

/// Writes a CodeableConcept with one code from HL7's own terminology.
pub fn status(writer: &mut Writer, name: &str, system: &str, code: &'static str) {
    writer.object(name, |writer| {
        writer.one("coding", |writer| {
            writer.display("system", format_args!("http://terminology.hl7.org/CodeSystem/{system}"));
            writer.text("code", code);
        });
    });
}

/// Writes an array of one CodeableConcept.
pub fn concepts(writer: &mut Writer, name: &str, system: &str, coded: Coded) {
    writer.one(name, |writer| {
        coding(writer, system, coded);
        writer.text("text", coded.1);
    });
}
