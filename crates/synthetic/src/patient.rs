//! The Patient resource, with the extensions of US Core.

use super::compose::{Composer, concept, status};
use super::hospital::Hospital;
use super::person::Person;
use super::random::Random;
use super::words::{
    Coded, ETHNICITIES, FAMILY_NAMES, FEMALE_NAMES, LANGUAGES, MARRIAGES, RACES, STREETS, TOWNS,
};
use super::writer::{Decimal, Writer};

/// Writes the person as a Patient.
pub fn write(composer: &mut Composer, random: &mut Random, hospital: &Hospital, person: &Person) {
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
            let prefix = if person.is_female { "Ms." } else { "Mr." };
            write_name(writer, "official", person.family, person.given, prefix);
            if person.is_female && random.percent(40) {
                write_name(writer, "maiden", random.word(FAMILY_NAMES), person.given, prefix);
            }
        });
        writer.one("telecom", |writer| {
            writer.text("system", "phone");
            writer.display("value", format_args!("555-01{:02}", random.between(0, 99)));
            writer.text("use", "home");
        });
        writer.text("gender", if person.is_female { "female" } else { "male" });
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
        if person.is_doctor_known {
            let doctor = &hospital.practitioners[person.doctor];
            writer.one("generalPractitioner", |writer| doctor.target(writer));
        }
    });
}

/// Writes the extensions that US Core and Synthea give a Patient.
fn write_extensions(writer: &mut Writer, random: &mut Random, person: &Person) {
    writer.array("extension", |writer| {
        write_origin(writer, "race", *random.pick(RACES));
        write_origin(writer, "ethnicity", *random.pick(ETHNICITIES));
        writer.item(|writer| {
            writer.text("url", "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName");
            writer.display(
                "valueString",
                format_args!("{} {}", random.word(FEMALE_NAMES), random.word(FAMILY_NAMES)),
            );
        });
        writer.item(|writer| {
            writer.text("url", "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex");
            writer.text("valueCode", if person.is_female { "F" } else { "M" });
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

/// Writes the US Core extension for race or ethnicity: a category and a text.
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

fn write_identifier(writer: &mut Writer, identifier_type: &'static str, system: &str, value: &str) {
    writer.item(|writer| {
        status(writer, "type", "v2-0203", identifier_type);
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
