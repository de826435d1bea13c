//! A *visit*: what the resources of one encounter have to agree on. This file
//! draws it; [`super::record`] has its resources written.

use super::calendar::Moment;
use super::hospital::{Hospital, Member};
use super::person::Person;
use super::random::{Id, Random};
use super::schedule::{Setting, Slot};
use super::words::{Coded, DISORDERS, Disorder, EMERGENCIES, ENCOUNTERS, PROCEDURES, STAYS};
use super::writer::Writer;

/// One visit of a person: when, where, with whom, and why.
pub struct Visit<'a> {
    pub id: Id,
    pub person: &'a Person,
    pub setting: Setting,
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
    /// Draws what fills a slot of a person's schedule.
    pub fn new(random: &mut Random, hospital: &'a Hospital, person: &'a Person, slot: Slot) -> Self {
        let place = random.between(0, hospital.organizations.len() as i64 - 1) as usize;
        let mut diagnoses: Vec<(Id, &'static Disorder)> = Vec::new();
        let counts = if slot.setting.is_inpatient() { [1, 1, 1, 2, 2, 3] } else { [0, 0, 1, 1, 1, 2] };
        for _ in 0..*random.pick(&counts) {
            let disorder = random.pick(DISORDERS);
            if diagnoses.iter().all(|(_, other)| !std::ptr::eq(*other, disorder)) {
                diagnoses.push((random.id(), disorder));
            }
        }
        let is_own_doctor =
            !slot.setting.is_inpatient() && !slot.setting.is_emergency() && random.percent(55);
        let other = random.pick(&hospital.practitioners);
        Self {
            id: random.id(),
            person,
            setting: slot.setting,
            reason: *random.pick(match slot.setting {
                setting if setting.is_inpatient() => STAYS,
                setting if setting.is_emergency() => EMERGENCIES,
                _ => ENCOUNTERS,
            }),
            start: slot.start,
            end: slot.end,
            organization: &hospital.organizations[place],
            location: &hospital.locations[place],
            practitioner: if is_own_doctor { &hospital.practitioners[person.doctor] } else { other },
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
