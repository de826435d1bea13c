//! A *visit*: what the resources of one encounter have to agree on. This file
//! draws it; [`super::record`] has its resources written.

use super::calendar::Moment;
use super::hospital::{Hospital, Member};
use super::person::Person;
use super::random::{Id, Random};
use super::words::{Coded, DISORDERS, Disorder, ENCOUNTERS, PROCEDURES};
use super::writer::Writer;

/// One visit of a person: when, where, with whom, and why.
pub struct Visit<'a> {
    pub id: Id,
    pub person: &'a Person,
    /// What the encounter was for.
    pub reason: Coded,
    pub start: Moment,
    pub end: Moment,
    pub organization: &'a Member,
    pub location: &'a Member,
    pub practitioner: &'a Member,
    /// The diagnoses, each with the ID of its Condition.
    pub diagnoses: Vec<(Id, &'static Disorder)>,
    /// The procedure, with the ID of its resource.
    pub procedure: Option<(Id, Coded)>,
}

impl<'a> Visit<'a> {
    /// Draws the visit of a person that begins at `start`.
    pub fn new(random: &mut Random, hospital: &'a Hospital, person: &'a Person, start: Moment) -> Self {
        let place = random.between(0, hospital.organizations.len() as i64 - 1) as usize;
        let mut diagnoses = Vec::new();
        for _ in 0..[0, 0, 1, 1, 1, 2][random.between(0, 5) as usize] {
            diagnoses.push((random.id(), random.pick(DISORDERS)));
        }
        Self {
            id: random.id(),
            person,
            reason: *random.pick(ENCOUNTERS),
            start,
            end: start.plus_minutes(random.between(15, 90)),
            organization: &hospital.organizations[place],
            location: &hospital.locations[place],
            practitioner: random.pick(&hospital.practitioners),
            diagnoses,
            procedure: random.percent(40).then(|| (random.id(), *random.pick(PROCEDURES))),
        }
    }

    /// Writes the members `subject` and `encounter`.
    pub fn context(&self, writer: &mut Writer) {
        writer.reference("subject", "Patient", &self.person.id);
        writer.reference("encounter", "Encounter", &self.id);
    }

    /// Writes the time of the visit as a Period named `name`.
    pub fn period(&self, writer: &mut Writer, name: &str) {
        writer.object(name, |writer| {
            writer.display("start", self.start);
            writer.display("end", self.end);
        });
    }
}
