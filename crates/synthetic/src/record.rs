//! The *record* of one patient: every resource that is written for them, in
//! a fixed order. Everything is drawn from one random stream, so the order of
//! the draws is part of the output: do not reorder them.

use super::compose::Composer;
use super::hospital::Hospital;
use super::person::Person;
use super::pharmacy::Pharmacy;
use super::random::Random;
use super::visit::Visit;
use super::{billing, care, clinical, encounter, patient, schedule};

/// Writes the complete record of patient `number` of the seed.
pub fn write(composer: &mut Composer, hospital: &Hospital, seed: u64, number: u64) {
    let mut random = Random::new(seed, number);
    let slots = schedule::draw(&mut random);
    // The schedule has at least one slot.
    let last = slots[slots.len() - 1].end;
    let person = Person::new(&mut random, last);
    patient::write(composer, &mut random, hospital, &person);
    care::write_coverages(composer, &person);
    let mut pharmacy = Pharmacy::default();
    for slot in slots {
        let visit = Visit::new(&mut random, hospital, &person, slot);
        write_visit(composer, &mut random, &visit, &mut pharmacy);
    }
    care::write_plan(composer, &mut random, hospital, &person);
    if random.percent(30) {
        care::write_allergy(composer, &mut random, &person);
    }
    if random.percent(25) {
        care::write_device(composer, &mut random, &person);
    }
    care::write_provenance(composer, &mut random, hospital, last);
}

/// Writes the encounter and every resource that belongs to it.
fn write_visit(composer: &mut Composer, random: &mut Random, visit: &Visit<'_>, pharmacy: &mut Pharmacy) {
    encounter::write(composer, visit);
    for (id, disorder) in &visit.diagnoses {
        clinical::write_condition(composer, random, visit, id, disorder);
    }
    let observations = clinical::write_observations(composer, random, visit);
    if let Some((id, code)) = &visit.procedure {
        clinical::write_procedure(composer, visit, id, *code);
    }
    if random.percent(25) {
        clinical::write_immunization(composer, random, visit);
    }
    let prescription = pharmacy.prescribe(composer, random, visit);
    if random.percent(60) {
        clinical::write_report(composer, random, visit, &observations);
    }
    clinical::write_note(composer, random, visit);
    billing::write(composer, random, visit, prescription.as_ref());
}
