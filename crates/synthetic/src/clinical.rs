//! The *clinical* resources of a visit: conditions, observations, procedures,
//! immunizations, prescriptions, reports and notes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::compose::{Composer, coding, coding_members, concept, concepts, status};
use super::random::{Id, Random};
use super::visit::Visit;
use super::words::{CVX, Coded, Disorder, ICD10, LOINC, MEASUREMENTS, Measurement, SNOMED, UNITS, VACCINES};
use super::writer::{Decimal, Writer};

/// Writes a diagnosis as a Condition, which may have resolved since.
pub fn write_condition(
    composer: &mut Composer,
    random: &mut Random,
    visit: &Visit<'_>,
    id: &Id,
    disorder: &Disorder,
) {
    let is_resolved = disorder.resolves && random.percent(80);
    composer.resource("Condition", id, |writer| {
        status(
            writer,
            "clinicalStatus",
            "condition-clinical",
            if is_resolved { "resolved" } else { "active" },
        );
        status(writer, "verificationStatus", "condition-ver-status", "confirmed");
        writer.one("category", |writer| {
            let system = "http://terminology.hl7.org/CodeSystem/condition-category";
            coding(writer, system, ("encounter-diagnosis", "Encounter Diagnosis"));
        });
        writer.object("code", |writer| {
            writer.array("coding", |writer| {
                writer.item(|writer| coding_members(writer, SNOMED, disorder.code));
                writer.item(|writer| coding_members(writer, ICD10, (disorder.icd10, disorder.code.1)));
            });
            writer.text("text", disorder.code.1);
        });
        visit.context(writer);
        writer.display("onsetDateTime", visit.start);
        if is_resolved {
            writer.display("abatementDateTime", visit.start.plus_days(random.between(3, 40)));
        }
        writer.display("recordedDate", visit.start);
    });
}

/// What an observation is of.
#[derive(Clone, Copy)]
enum Sort {
    Pressure,
    Nitrite,
    Measured(&'static Measurement),
}

/// Writes the observations of a visit, and returns their IDs. Nothing is observed
/// twice at one time, except that one hemoglobin A1c in thirty is measured by two
/// laboratories.
pub fn write_observations(composer: &mut Composer, random: &mut Random, visit: &Visit<'_>) -> Vec<Id> {
    let mut sorts: Vec<Sort> = MEASUREMENTS.iter().map(Sort::Measured).collect();
    sorts.extend([Sort::Pressure, Sort::Nitrite]);
    let mut observations = Vec::new();
    for _ in 0..random.between(1, 8) {
        let sort = sorts.swap_remove(random.between(0, sorts.len() as i64 - 1) as usize);
        observations.push(write_observation(composer, random, visit, sort));
        if matches!(sort, Sort::Measured(measurement) if measurement.code.0 == "4548-4" && random.between(1, 30) == 1)
        {
            observations.push(write_observation(composer, random, visit, sort));
        }
    }
    observations
}

fn write_observation(composer: &mut Composer, random: &mut Random, visit: &Visit<'_>, sort: Sort) -> Id {
    let id = random.id();
    let (code, laboratory) = match sort {
        Sort::Pressure => (("85354-9", "Blood pressure panel with all children optional"), false),
        Sort::Nitrite => (("5802-4", "Nitrite [Presence] in Urine by Test strip"), true),
        Sort::Measured(measurement) => (measurement.code, measurement.laboratory),
    };
    composer.resource("Observation", &id, |writer| {
        writer.text("status", "final");
        writer.one("category", |writer| {
            let category =
                if laboratory { ("laboratory", "Laboratory") } else { ("vital-signs", "Vital signs") };
            coding(writer, "http://terminology.hl7.org/CodeSystem/observation-category", category);
        });
        write_code(writer, code);
        visit.context(writer);
        writer.display("effectiveDateTime", visit.start);
        writer.display("issued", visit.start);
        writer.one("performer", |writer| visit.practitioner.target(writer));
        match sort {
            Sort::Pressure => write_pressure(writer, random),
            Sort::Nitrite if random.percent(80) => {
                concept(writer, "valueCodeableConcept", SNOMED, ("260385009", "Negative"))
            }
            Sort::Nitrite => concept(writer, "valueCodeableConcept", SNOMED, ("10828004", "Positive")),
            Sort::Measured(measurement) => write_measured(writer, random, measurement),
        }
    });
    id
}

/// Writes the code of an Observation. Body weight gets a second coding, as
/// from senders that follow two implementation guides.
fn write_code(writer: &mut Writer, code: Coded) {
    writer.object("code", |writer| {
        writer.array("coding", |writer| {
            writer.item(|writer| coding_members(writer, LOINC, code));
            if code.0 == "29463-7" {
                writer.item(|writer| {
                    coding_members(writer, SNOMED, ("27113001", "Body weight (observable entity)"))
                });
            }
        });
        writer.text("text", code.1);
    });
}

fn write_pressure(writer: &mut Writer, random: &mut Random) {
    let diastolic = random.between(60, 99);
    let systolic = diastolic + random.between(25, 60);
    let parts =
        [("8480-6", "Systolic blood pressure", systolic), ("8462-4", "Diastolic blood pressure", diastolic)];
    writer.array("component", |writer| {
        for (code, display, value) in parts {
            writer.item(|writer| {
                concept(writer, "code", LOINC, (code, display));
                write_quantity(writer, Decimal(value * 10, 1), "mm[Hg]");
            });
        }
    });
}

fn write_measured(writer: &mut Writer, random: &mut Random, measurement: &Measurement) {
    write_quantity(writer, Decimal(random.between(measurement.low, measurement.high), 1), measurement.unit);
    if measurement.laboratory {
        writer.one("referenceRange", |writer| {
            for (name, value) in [("low", measurement.low), ("high", measurement.high)] {
                writer.object(name, |writer| {
                    writer.decimal("value", Decimal(value, 1));
                    writer.text("unit", measurement.unit);
                });
            }
        });
    }
}

fn write_quantity(writer: &mut Writer, value: Decimal, unit: &str) {
    writer.object("valueQuantity", |writer| {
        writer.decimal("value", value);
        writer.text("unit", unit);
        writer.text("system", UNITS);
        writer.text("code", unit);
    });
}

/// Writes the Procedure of the visit.
pub fn write_procedure(composer: &mut Composer, visit: &Visit<'_>, id: &Id, code: Coded) {
    composer.resource("Procedure", id, |writer| {
        writer.text("status", "completed");
        concept(writer, "code", SNOMED, code);
        visit.context(writer);
        visit.period(writer, "performedPeriod");
        writer.one("performer", |writer| visit.practitioner.refer(writer, "actor"));
        visit.location.refer(writer, "location");
        if let Some((condition, _)) = visit.diagnoses.first() {
            writer.one("reasonReference", |writer| writer.target("Condition", condition));
        }
    });
}

/// Writes an Immunization.
pub fn write_immunization(composer: &mut Composer, random: &mut Random, visit: &Visit<'_>) {
    let vaccine = *random.pick(VACCINES);
    composer.resource("Immunization", &random.id(), |writer| {
        writer.text("status", "completed");
        concept(writer, "vaccineCode", CVX, vaccine);
        writer.reference("patient", "Patient", &visit.person.id);
        writer.reference("encounter", "Encounter", &visit.id);
        writer.display("occurrenceDateTime", visit.start);
        writer.boolean("primarySource", true);
        visit.location.refer(writer, "location");
        writer.display("lotNumber", format_args!("L{}", random.between(10_000, 99_999)));
    });
}

/// Writes a DiagnosticReport on these Observations.
pub fn write_report(composer: &mut Composer, random: &mut Random, visit: &Visit<'_>, observations: &[Id]) {
    composer.resource("DiagnosticReport", &random.id(), |writer| {
        writer.text("status", "final");
        writer.one("category", |writer| {
            coding(writer, "http://terminology.hl7.org/CodeSystem/v2-0074", ("LAB", "Laboratory"));
        });
        concept(writer, "code", LOINC, ("51990-0", "Basic metabolic panel - Blood"));
        visit.context(writer);
        writer.display("effectiveDateTime", visit.start);
        writer.display("issued", visit.end);
        writer.one("performer", |writer| visit.organization.target(writer));
        writer.array("result", |writer| {
            for observation in observations {
                writer.item(|writer| writer.target("Observation", observation));
            }
        });
        writer.one("presentedForm", |writer| write_attachment(writer, random, visit));
    });
}

/// Writes the visit's note as a DocumentReference.
pub fn write_note(composer: &mut Composer, random: &mut Random, visit: &Visit<'_>) {
    let id = random.id();
    composer.resource("DocumentReference", &id, |writer| {
        writer.one("identifier", |writer| {
            writer.text("system", "urn:ietf:rfc:3986");
            writer.display("value", format_args!("urn:uuid:{id}"));
        });
        writer.text("status", "superseded");
        concept(writer, "type", LOINC, ("34117-2", "History and physical note"));
        let system = "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category";
        concepts(writer, "category", system, ("clinical-note", "Clinical Note"));
        writer.reference("subject", "Patient", &visit.person.id);
        writer.display("date", visit.start);
        writer.one("author", |writer| visit.practitioner.target(writer));
        visit.organization.refer(writer, "custodian");
        writer.one("content", |writer| {
            writer.object("attachment", |writer| write_attachment(writer, random, visit));
        });
        writer.object("context", |writer| {
            writer.one("encounter", |writer| writer.target("Encounter", &visit.id));
            visit.period(writer, "period");
        });
    });
}

/// Writes an attachment with a note of 0.5 to 2 kB as plain text in base64.
fn write_attachment(writer: &mut Writer, random: &mut Random, visit: &Visit<'_>) {
    let mut note = format!("{}\n\n# Chief complaint\n- {}\n\n# History\n", visit.start.day(), visit.reason.1);
    for _ in 0..random.between(5, 22) {
        note.push_str(random.word(SENTENCES));
    }
    for (_, disorder) in &visit.diagnoses {
        note.push_str("\n# Assessment: ");
        note.push_str(disorder.code.1);
    }
    writer.text("contentType", "text/plain; charset=utf-8");
    writer.text("data", &STANDARD.encode(note));
}

const SENTENCES: &[&str] = &[
    "Patient is in no acute distress and speaks in full sentences. ",
    "No change in weight, sleep or appetite since the last visit. ",
    "Takes all medication as prescribed; no side effects reported.\n",
    "Lungs are clear, heart sounds are regular, abdomen is soft. ",
    "Advised to walk half an hour a day and to drink enough water.\n",
    "To return in three months, or sooner should anything worsen. ",
];
