//! A *person* and what is written of them once: the Patient, the plan and team
//! of care, an allergy, a device, and the Provenance of it all.

use super::calendar::{Day, Moment};
use super::compose::{Composer, concept, concepts, status};
use super::pool::Hospital;
use super::random::{Id, Random};
use super::visit::Visit;
use super::words::{
    ALLERGENS, Coded, DISORDERS, ETHNICITIES, FAMILIES, LANGUAGES, MARRIAGES, MEN, PAYERS, RACES, SNOMED,
    STREETS, TOWNS, WOMEN,
};
use super::writer::{Decimal, Writer};

pub struct Person {
    pub id: Id,
    pub name: String,
    pub payer: &'static str,
    woman: bool,
    given: &'static str,
    family: &'static str,
    born: Day,
    died: Option<Moment>,
}

const FIRST_VISIT: Day = Day::of_year(2014);
const VISITED_DAYS: i64 = 3_650;

/// Writes patient `number` of the seed, whole.
pub fn write(composer: &mut Composer, hospital: &Hospital, seed: u64, number: u64) {
    let mut random = Random::new(seed, number);
    // Five visits to fifty-nine; the product of two draws makes few patients heavy.
    let visit_count = 5 + random.between(0, 68) * random.between(55, 80) / 100;
    let mut starts = Vec::new();
    for _ in 0..visit_count {
        let day = Day(FIRST_VISIT.0 + random.between(0, VISITED_DAYS));
        starts.push(day.at(random.between(8 * 3_600, 17 * 3_600)));
    }
    starts.sort_unstable();
    let last = starts.last().copied().unwrap_or(FIRST_VISIT.at(0));

    let woman = random.percent(51);
    let given = random.word(if woman { WOMEN } else { MEN });
    let family = random.word(FAMILIES);
    let person = Person {
        id: random.id(),
        name: format!("{given} {family}"),
        payer: random.word(PAYERS),
        woman,
        given,
        family,
        born: Day(random.between(Day::of_year(1930).0, Day::of_year(2013).0)),
        died: random.percent(12).then(|| last.plus_days(random.between(1, 300))),
    };
    write_patient(composer, &mut random, &person);
    for start in starts {
        Visit::new(&mut random, hospital, &person, start).write(composer, &mut random);
    }
    write_care(composer, &mut random, hospital, &person);
    if random.percent(30) {
        write_allergy(composer, &mut random, &person);
    }
    if random.percent(25) {
        write_device(composer, &mut random, &person);
    }
    write_provenance(composer, &mut random, hospital, last);
}

fn write_patient(composer: &mut Composer, random: &mut Random, person: &Person) {
    composer.resource("Patient", &person.id, |writer| {
        write_extensions(writer, random, person);
        writer.array("identifier", |writer| {
            write_identifier(writer, "MR", "urn:example:fhirmill:record", person.id.as_str());
            let social = format!("999-{:02}-{:04}", random.between(10, 99), random.between(1_000, 9_999));
            write_identifier(writer, "SS", "http://hl7.org/fhir/sid/us-ssn", &social);
            let license = format!("S99{}", random.between(100_000, 999_999));
            write_identifier(writer, "DL", "urn:oid:2.16.840.1.113883.4.3.25", &license);
        });
        writer.array("name", |writer| {
            let prefix = if person.woman { "Ms." } else { "Mr." };
            write_name(writer, "official", person.family, person.given, prefix);
            if person.woman && random.percent(40) {
                write_name(writer, "maiden", random.word(FAMILIES), person.given, prefix);
            }
        });
        writer.one("telecom", |writer| {
            writer.text("system", "phone");
            writer.display("value", format_args!("555-01{:02}", random.between(0, 99)));
            writer.text("use", "home");
        });
        writer.text("gender", if person.woman { "female" } else { "male" });
        writer.display("birthDate", person.born);
        if let Some(died) = person.died {
            writer.display("deceasedDateTime", died);
        }
        write_address(writer, random);
        let marriage = "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus";
        concept(writer, "maritalStatus", marriage, *random.pick(MARRIAGES));
        writer.boolean("multipleBirthBoolean", false);
        writer.one("communication", |writer| {
            concept(writer, "language", "urn:ietf:bcp:47", *random.pick(LANGUAGES));
        });
    });
}

fn write_extensions(writer: &mut Writer, random: &mut Random, person: &Person) {
    writer.array("extension", |writer| {
        write_origin(writer, "race", *random.pick(RACES));
        write_origin(writer, "ethnicity", *random.pick(ETHNICITIES));
        writer.item(|writer| {
            writer.text("url", "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName");
            writer.display("valueString", format_args!("{} {}", random.word(WOMEN), random.word(FAMILIES)));
        });
        writer.item(|writer| {
            writer.text("url", "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex");
            writer.text("valueCode", if person.woman { "F" } else { "M" });
        });
        writer.item(|writer| {
            writer.text("url", "http://hl7.org/fhir/StructureDefinition/patient-birthPlace");
            writer.object("valueAddress", |writer| {
                writer.text("city", random.word(TOWNS));
                writer.text("state", "MA");
                writer.text("country", "US");
            });
        });
    });
}

/// The US Core extension of race or ethnicity: a category and a text.
fn write_origin(writer: &mut Writer, name: &str, (code, display): Coded) {
    writer.item(|writer| {
        writer.display("url", format_args!("http://hl7.org/fhir/us/core/StructureDefinition/us-core-{name}"));
        writer.array("extension", |writer| {
            writer.item(|writer| {
                writer.text("url", "ombCategory");
                writer.object("valueCoding", |writer| {
                    writer.text("system", "urn:oid:2.16.840.1.113883.6.238");
                    writer.text("code", code);
                    writer.text("display", display);
                });
            });
            writer.item(|writer| {
                writer.text("url", "text");
                writer.text("valueString", display);
            });
        });
    });
}

fn write_identifier(writer: &mut Writer, kind: &'static str, system: &str, value: &str) {
    writer.item(|writer| {
        status(writer, "type", "v2-0203", kind);
        writer.text("system", system);
        writer.text("value", value);
    });
}

fn write_name(writer: &mut Writer, usage: &str, family: &str, given: &str, prefix: &str) {
    writer.item(|writer| {
        writer.text("use", usage);
        writer.text("family", family);
        writer.texts("given", &[given]);
        writer.texts("prefix", &[prefix]);
    });
}

fn write_address(writer: &mut Writer, random: &mut Random) {
    writer.one("address", |writer| {
        writer.one("extension", |writer| {
            writer.text("url", "http://hl7.org/fhir/StructureDefinition/geolocation");
            writer.array("extension", |writer| {
                let latitude = random.between(41_500_000, 42_800_000);
                let longitude = -random.between(70_000_000, 73_000_000);
                for (name, degrees) in [("latitude", latitude), ("longitude", longitude)] {
                    writer.item(|writer| {
                        writer.text("url", name);
                        writer.decimal("valueDecimal", Decimal(degrees, 6));
                    });
                }
            });
        });
        writer.texts("line", &[&format!("{} {}", random.between(1, 999), random.word(STREETS))]);
        writer.text("city", random.word(TOWNS));
        writer.text("state", "MA");
        writer.display("postalCode", format_args!("0{}", random.between(1000, 2799)));
        writer.text("country", "US");
    });
}

fn write_care(composer: &mut Composer, random: &mut Random, hospital: &Hospital, person: &Person) {
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

fn write_allergy(composer: &mut Composer, random: &mut Random, person: &Person) {
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

fn write_device(composer: &mut Composer, random: &mut Random, person: &Person) {
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

/// Provenance of everything written for the patient, so it must come last.
fn write_provenance(composer: &mut Composer, random: &mut Random, hospital: &Hospital, recorded: Moment) {
    let made = std::mem::take(&mut composer.made);
    let agent = random.pick(&hospital.practitioners);
    let first = made.iter().rposition(|made| made.kind == "Patient").unwrap_or(0);
    composer.resource("Provenance", &random.id(), |writer| {
        writer.array("target", |writer| {
            for target in &made[first..] {
                writer.item(|writer| writer.target(target.kind, &target.id));
            }
        });
        writer.display("recorded", recorded);
        writer.one("agent", |writer| {
            status(writer, "type", "provenance-participant-type", "author");
            agent.refer(writer, "who");
        });
    });
    let provenance = std::mem::replace(&mut composer.made, made);
    composer.made.extend(provenance);
}
