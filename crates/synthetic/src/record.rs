//! The *record* of one patient: every resource that is written for them, in
//! a fixed order. Everything is drawn from one random stream, so the order of
//! the draws is part of the output: do not reorder them.

use super::calendar::{Day, Moment};
use super::compose::Composer;
use super::hospital::Hospital;
use super::person::{FIRST_VISIT, Person};
use super::random::Random;
use super::visit::Visit;
use super::{billing, care, clinical, encounter, patient};

/// Visits fall within these many days of the first possible one.
const VISITED_DAYS: i64 = 3_650;

/// Writes the complete record of patient `number` of the seed.
pub fn write(composer: &mut Composer, hospital: &Hospital, seed: u64, number: u64) {
    let mut random = Random::new(seed, number);
    let starts = draw_visits(&mut random);
    let last = starts.last().copied().unwrap_or(FIRST_VISIT.at(0));
    let person = Person::new(&mut random, last);
    patient::write(composer, &mut random, &person);
    for start in starts {
        let visit = Visit::new(&mut random, hospital, &person, start);
        write_visit(composer, &mut random, &visit);
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

/// When the visits begin, in order of time.
fn draw_visits(random: &mut Random) -> Vec<Moment> {
    // 5 to 59 visits; the product of two draws makes heavy patients rare.
    let count = 5 + random.between(0, 68) * random.between(55, 80) / 100;
    let mut starts = Vec::new();
    for _ in 0..count {
        let day = Day(FIRST_VISIT.0 + random.between(0, VISITED_DAYS));
        starts.push(day.at(random.between(8 * 3_600, 17 * 3_600)));
    }
    starts.sort_unstable();
    starts
}

/// Writes the encounter and every resource that belongs to it.
fn write_visit(composer: &mut Composer, random: &mut Random, visit: &Visit<'_>) {
    encounter::write(composer, visit);
    for (id, disorder) in &visit.diagnoses {
        clinical::write_condition(composer, random, visit, id, disorder);
    }
    let mut observations = Vec::new();
    for _ in 0..random.between(1, 8) {
        observations.push(clinical::write_observation(composer, random, visit));
    }
    if let Some((id, code)) = &visit.procedure {
        clinical::write_procedure(composer, visit, id, *code);
    }
    if random.percent(25) {
        clinical::write_immunization(composer, random, visit);
    }
    let prescription = random.percent(35).then(|| clinical::write_medication(composer, random, visit));
    if random.percent(60) {
        clinical::write_report(composer, random, visit, &observations);
    }
    clinical::write_note(composer, random, visit);
    billing::write(composer, random, visit, prescription.as_ref());
}
