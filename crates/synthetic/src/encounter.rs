//! The Encounter resource.

use super::compose::{Composer, coding, concepts};
use super::visit::Visit;
use super::words::SNOMED;

/// Writes the visit as an Encounter.
pub fn write(composer: &mut Composer, visit: &Visit<'_>) {
    composer.resource("Encounter", &visit.id, |writer| {
        writer.one("identifier", |writer| {
            writer.text("use", "official");
            writer.text("system", "urn:example:fhirmill:encounter");
            writer.text("value", visit.id.as_str());
        });
        writer.text("status", "finished");
        writer.object("class", |writer| {
            writer.text("system", "http://terminology.hl7.org/CodeSystem/v3-ActCode");
            writer.text("code", "AMB");
        });
        concepts(writer, "type", SNOMED, visit.reason);
        writer.object("subject", |writer| {
            writer.target("Patient", &visit.person.id);
            writer.text("display", &visit.person.name);
        });
        writer.one("participant", |writer| {
            writer.one("type", |writer| {
                let system = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";
                coding(writer, system, ("PPRF", "primary performer"));
                writer.text("text", "primary performer");
            });
            visit.period(writer, "period");
            visit.practitioner.refer(writer, "individual");
        });
        visit.period(writer, "period");
        if let Some((_, disorder)) = visit.diagnoses.first() {
            concepts(writer, "reasonCode", SNOMED, disorder.code);
        }
        writer.one("location", |writer| visit.location.refer(writer, "location"));
        visit.organization.refer(writer, "serviceProvider");
    });
}
