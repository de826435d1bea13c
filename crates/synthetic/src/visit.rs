//! A *visit* is one encounter and everything that was found, done, prescribed,
//! noted and billed at it.

use super::billing;
use super::calendar::Moment;
use super::clinical;
use super::compose::{Composer, coding, concepts};
use super::patient::Person;
use super::pool::{Hospital, Member};
use super::random::{Id, Random};
use super::words::{Coded, DISORDERS, Disorder, ENCOUNTERS, PROCEDURES, SNOMED};
use super::writer::Writer;

pub struct Visit<'a> {
    pub id: Id,
    pub person: &'a Person,
    pub kind: Coded,
    pub start: Moment,
    pub end: Moment,
    pub organization: &'a Member,
    pub location: &'a Member,
    pub practitioner: &'a Member,
    /// What was diagnosed, by the id of its Condition.
    pub diagnoses: Vec<(Id, &'static Disorder)>,
    /// What was done, by the id of its Procedure.
    pub procedure: Option<(Id, Coded)>,
}

impl<'a> Visit<'a> {
    pub fn new(random: &mut Random, hospital: &'a Hospital, person: &'a Person, start: Moment) -> Self {
        let place = random.between(0, hospital.organizations.len() as i64 - 1) as usize;
        let mut diagnoses = Vec::new();
        for _ in 0..[0, 0, 1, 1, 1, 2][random.between(0, 5) as usize] {
            diagnoses.push((random.id(), random.pick(DISORDERS)));
        }
        Self {
            id: random.id(),
            person,
            kind: *random.pick(ENCOUNTERS),
            start,
            end: start.plus_minutes(random.between(15, 90)),
            organization: &hospital.organizations[place],
            location: &hospital.locations[place],
            practitioner: random.pick(&hospital.practitioners),
            diagnoses,
            procedure: random.percent(40).then(|| (random.id(), *random.pick(PROCEDURES))),
        }
    }

    /// Writes the encounter and all that belongs to it.
    pub fn write(&self, composer: &mut Composer, random: &mut Random) {
        self.write_encounter(composer);
        for (id, disorder) in &self.diagnoses {
            clinical::write_condition(composer, random, self, id, disorder);
        }
        let mut observations = Vec::new();
        for _ in 0..random.between(1, 8) {
            observations.push(clinical::write_observation(composer, random, self));
        }
        if let Some((id, code)) = &self.procedure {
            clinical::write_procedure(composer, self, id, *code);
        }
        if random.percent(25) {
            clinical::write_immunization(composer, random, self);
        }
        let prescription = random.percent(35).then(|| clinical::write_medication(composer, random, self));
        if random.percent(60) {
            clinical::write_report(composer, random, self, &observations);
        }
        clinical::write_note(composer, random, self);
        billing::write(composer, random, self, prescription.as_ref());
    }

    /// The members `subject` and `encounter`.
    pub fn context(&self, writer: &mut Writer) {
        writer.reference("subject", "Patient", &self.person.id);
        writer.reference("encounter", "Encounter", &self.id);
    }

    pub fn period(&self, writer: &mut Writer, name: &str) {
        writer.object(name, |writer| {
            writer.display("start", self.start);
            writer.display("end", self.end);
        });
    }

    fn write_encounter(&self, composer: &mut Composer) {
        composer.resource("Encounter", &self.id, |writer| {
            writer.one("identifier", |writer| {
                writer.text("use", "official");
                writer.text("system", "urn:example:fhirmill:encounter");
                writer.text("value", self.id.as_str());
            });
            writer.text("status", "finished");
            writer.object("class", |writer| {
                writer.text("system", "http://terminology.hl7.org/CodeSystem/v3-ActCode");
                writer.text("code", "AMB");
            });
            concepts(writer, "type", SNOMED, self.kind);
            writer.object("subject", |writer| {
                writer.target("Patient", &self.person.id);
                writer.text("display", &self.person.name);
            });
            writer.one("participant", |writer| {
                writer.one("type", |writer| {
                    let system = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";
                    coding(writer, system, ("PPRF", "primary performer"));
                    writer.text("text", "primary performer");
                });
                self.period(writer, "period");
                self.practitioner.refer(writer, "individual");
            });
            self.period(writer, "period");
            if let Some((_, disorder)) = self.diagnoses.first() {
                concepts(writer, "reasonCode", SNOMED, disorder.code);
            }
            writer.one("location", |writer| self.location.refer(writer, "location"));
            self.organization.refer(writer, "serviceProvider");
        });
    }
}
