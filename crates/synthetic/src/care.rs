//! What is written once for each patient besides the Patient itself: care team
//! and plan, an allergy, a device, and the Provenance of the whole record.

use super::calendar::Moment;
use super::compose::{Composer, concept, concepts, status};
use super::hospital::Hospital;
use super::person::{FIRST_VISIT, Person};
use super::random::Random;
use super::words::{ALLERGENS, DISORDERS, SNOMED};

/// Writes the coverages of a person.
pub fn write_coverages(composer: &mut Composer, person: &Person) {
    for coverage in &person.coverages {
        composer.resource("Coverage", &coverage.id, |writer| {
            writer.text("status", "active");
            status(writer, "type", "v3-ActCode", "HIP");
            writer.display("subscriberId", format_args!("M{}", &person.id.as_str()[..8]));
            writer.reference("beneficiary", "Patient", &person.id);
            status(writer, "relationship", "subscriber-relationship", "self");
            writer.object("period", |writer| {
                writer.display("start", coverage.first);
                writer.display("end", coverage.last);
            });
            writer.one("payor", |writer| writer.text("display", coverage.payer));
            writer.one("class", |writer| {
                status(writer, "type", "coverage-class", "plan");
                writer.text("value", "standard");
                writer.display("name", format_args!("{} Standard", coverage.payer));
            });
        });
    }
}

/// Writes a CareTeam and the CarePlan that it carries out.
pub fn write_plan(composer: &mut Composer, random: &mut Random, hospital: &Hospital, person: &Person) {
    let team = random.id();
    let practitioner = random.pick(&hospital.practitioners);
    let organization = random.pick(&hospital.organizations);
    let reason = random.pick(DISORDERS).code;
    composer.resource("CareTeam", &team, |writer| {
        writer.text("status", "active");
        writer.reference("subject", "Patient", &person.id);
        writer.object("period", |writer| writer.display("start", FIRST_VISIT.at(0)));
        writer.array("participant", |writer| {
            writer.item(|writer| {
                concepts(writer, "role", SNOMED, ("116154003", "Patient"));
                writer.reference("member", "Patient", &person.id);
            });
            writer.item(|writer| {
                concepts(writer, "role", SNOMED, ("223366009", "Healthcare professional (occupation)"));
                practitioner.refer(writer, "member");
            });
        });
        concepts(writer, "reasonCode", SNOMED, reason);
        writer.one("managingOrganization", |writer| organization.target(writer));
    });
    composer.resource("CarePlan", &random.id(), |writer| {
        writer.text("status", "active");
        writer.text("intent", "order");
        concepts(writer, "category", SNOMED, ("734163000", "Care plan"));
        writer.reference("subject", "Patient", &person.id);
        writer.object("period", |writer| writer.display("start", FIRST_VISIT.at(0)));
        writer.one("careTeam", |writer| writer.target("CareTeam", &team));
        writer.array("activity", |writer| {
            for code in [("229065009", "Exercise therapy"), ("226234005", "Healthy diet")] {
                writer.item(|writer| {
                    writer.object("detail", |writer| {
                        concept(writer, "code", SNOMED, code);
                        writer.text("status", "in-progress");
                        writer.one("performer", |writer| organization.target(writer));
                    });
                });
            }
        });
    });
}

/// Writes an active AllergyIntolerance.
pub fn write_allergy(composer: &mut Composer, random: &mut Random, person: &Person) {
    let (category, allergen) = *random.pick(ALLERGENS);
    composer.resource("AllergyIntolerance", &random.id(), |writer| {
        status(writer, "clinicalStatus", "allergyintolerance-clinical", "active");
        status(writer, "verificationStatus", "allergyintolerance-verification", "confirmed");
        writer.text("type", "allergy");
        writer.texts("category", &[category]);
        writer.text("criticality", "low");
        concept(writer, "code", SNOMED, allergen);
        writer.reference("patient", "Patient", &person.id);
        writer.display("recordedDate", FIRST_VISIT.at(0));
        writer.one("reaction", |writer| {
            concepts(writer, "manifestation", SNOMED, ("271807003", "Eruption of skin (disorder)"));
            writer.text("severity", "mild");
        });
    });
}

/// Writes an implanted Device.
pub fn write_device(composer: &mut Composer, random: &mut Random, person: &Person) {
    composer.resource("Device", &random.id(), |writer| {
        writer.one("udiCarrier", |writer| {
            writer.display("deviceIdentifier", random.between(10_000_000_000_000, 99_999_999_999_999));
        });
        writer.text("status", "active");
        writer.display("manufactureDate", FIRST_VISIT.at(0));
        writer.display("serialNumber", random.between(1_000_000, 9_999_999));
        concept(writer, "type", SNOMED, ("72506001", "Implantable cardiac defibrillator"));
        writer.reference("patient", "Patient", &person.id);
    });
}

/// Writes the Provenance of everything written for the patient so far: call
/// it last.
pub fn write_provenance(composer: &mut Composer, random: &mut Random, hospital: &Hospital, recorded: Moment) {
    let written = std::mem::take(&mut composer.written);
    let agent = random.pick(&hospital.practitioners);
    let first = written.iter().rposition(|resource| resource.resource_type == "Patient").unwrap_or(0);
    composer.resource("Provenance", &random.id(), |writer| {
        writer.array("target", |writer| {
            for target in &written[first..] {
                writer.item(|writer| writer.target(target.resource_type, &target.id));
            }
        });
        writer.display("recorded", recorded);
        writer.one("agent", |writer| {
            status(writer, "type", "provenance-participant-type", "author");
            agent.refer(writer, "who");
        });
    });
    let provenance = std::mem::replace(&mut composer.written, written);
    composer.written.extend(provenance);
}
