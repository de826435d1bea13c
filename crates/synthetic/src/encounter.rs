//! The Encounter resource.

use super::compose::{Composer, coding, concepts};
use super::schedule::Setting;
use super::visit::Visit;
use super::words::{Coded, SNOMED};
use super::writer::Writer;

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
            writer.text("code", visit.setting.class());
        });
        concepts(writer, "type", SNOMED, visit.reason);
        if visit.setting.is_inpatient() {
            let priority = if visit.setting == Setting::InpatientPlanned { "EL" } else { "EM" };
            writer.object("priority", |writer| {
                let system = "http://terminology.hl7.org/CodeSystem/v3-ActPriority";
                coding(writer, system, (priority, if priority == "EL" { "elective" } else { "emergency" }));
            });
        }
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
        if !visit.diagnoses.is_empty() {
            write_diagnoses(writer, visit);
        }
        if let Some(disposition) = disposition(visit) {
            write_hospitalization(writer, visit, disposition);
        }
        writer.one("location", |writer| visit.location.refer(writer, "location"));
        visit.organization.refer(writer, "serviceProvider");
    });
}

/// The diagnoses in order of importance.
fn write_diagnoses(writer: &mut Writer, visit: &Visit<'_>) {
    writer.array("diagnosis", |writer| {
        for (number, (condition, _)) in visit.diagnoses.iter().enumerate() {
            writer.item(|writer| {
                writer.reference("condition", "Condition", condition);
                writer.integer("rank", number as i64 + 1);
            });
        }
    });
}

/// Where the patient went after a stay or an emergency visit.
fn disposition(visit: &Visit<'_>) -> Option<Coded> {
    let minute = visit.end.0 / 60;
    match visit.setting {
        Setting::Ambulatory | Setting::Virtual | Setting::EmergencyAdmitted => None,
        Setting::Emergency => Some(("home", "Home")),
        _ if minute % 6 == 0 => Some(("snf", "Skilled nursing facility")),
        _ => Some(("home", "Home")),
    }
}

fn write_hospitalization(writer: &mut Writer, visit: &Visit<'_>, disposition: Coded) {
    writer.object("hospitalization", |writer| {
        let admitted_from = match visit.setting {
            Setting::InpatientThroughEmergency => Some(("emd", "From accident/emergency department")),
            Setting::InpatientPlanned => Some(("gp", "General Practitioner referral")),
            _ => None,
        };
        if let Some(source) = admitted_from {
            writer.object("admitSource", |writer| {
                coding(writer, "http://terminology.hl7.org/CodeSystem/admit-source", source);
            });
        }
        writer.object("dischargeDisposition", |writer| {
            coding(writer, "http://terminology.hl7.org/CodeSystem/discharge-disposition", disposition);
        });
    });
}
