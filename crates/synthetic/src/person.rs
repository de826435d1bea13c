//! A *person*: what a patient's resources have to agree on. This file draws
//! it; [`super::patient`] writes it as a Patient.

use super::calendar::{Day, Moment};
use super::hospital::PRACTITIONERS;
use super::random::{Id, Random};
use super::words::{FAMILY_NAMES, FEMALE_NAMES, MALE_NAMES, PAYERS};

/// The day on which the earliest visit can take place.
pub const FIRST_VISIT: Day = Day::of_year(2014);

/// One patient's identity and dates.
pub struct Person {
    pub id: Id,
    /// Given name and family name.
    pub name: String,
    /// The coverages that the person had, in order of time.
    pub coverages: Vec<CoveragePeriod>,
    /// The number of the practitioner whom the person sees most.
    pub doctor: usize,
    /// Whether the Patient names that practitioner as theirs.
    pub is_doctor_known: bool,
    /// How many days late this person refills a prescription, at most.
    pub refill_delay: i64,
    pub is_female: bool,
    pub given: &'static str,
    pub family: &'static str,
    pub born: Day,
    pub died: Option<Moment>,
}

/// One payer's promise to pay for a person's care.
pub struct CoveragePeriod {
    pub id: Id,
    pub payer: &'static str,
    pub first: Day,
    pub last: Day,
}

/// The last day that is generated: all coverages end.
const LAST_DAY: Day = Day(Day::of_year(2024).0 - 1);

impl Person {
    /// Draws a person whose last visit begins at that moment: a death comes
    /// after it.
    pub fn new(random: &mut Random, last_visit: Moment) -> Self {
        let is_female = random.percent(51);
        let given = random.word(if is_female { FEMALE_NAMES } else { MALE_NAMES });
        let family = random.word(FAMILY_NAMES);
        let id = random.id();
        let born = Day(random.between(Day::of_year(1930).0, Day::of_year(2013).0));
        let died = random.percent(12).then(|| last_visit.plus_days(random.between(1, 300)));
        Self {
            id,
            name: format!("{given} {family}"),
            coverages: draw_coverages(random, died),
            doctor: random.between(0, PRACTITIONERS - 1) as usize,
            is_doctor_known: random.percent(75),
            refill_delay: *random.pick(&[0, 2, 5, 12, 30]),
            is_female,
            given,
            family,
            born,
            died,
        }
    }

    /// The coverage that was in force on a day.
    pub fn coverage_on(&self, day: Day) -> Option<&CoveragePeriod> {
        self.coverages.iter().find(|coverage| coverage.first <= day && day <= coverage.last)
    }

    /// The payer whom a bill of that day goes to: of the coverage in force, else of the
    /// one that was closest.
    pub fn payer_on(&self, day: Day) -> &CoveragePeriod {
        self.coverage_on(day)
            .or_else(|| self.coverages.iter().rev().find(|coverage| coverage.last < day))
            .unwrap_or(&self.coverages[0])
    }
}

/// One coverage, or two with a gap between them: half of the people change their payer.
fn draw_coverages(random: &mut Random, died: Option<Moment>) -> Vec<CoveragePeriod> {
    let last = died.map_or(LAST_DAY, |died| died.day().min(LAST_DAY));
    let first_payer = random.between(0, PAYERS.len() as i64 - 1) as usize;
    let mut coverages =
        vec![CoveragePeriod { id: random.id(), payer: PAYERS[first_payer], first: FIRST_VISIT, last }];
    let changed = Day::of_year(2014 + random.between(2, 8));
    if random.percent(50) && changed < last {
        let gap = *random.pick(&[0, 0, 0, 59]);
        coverages[0].last = Day(changed.0 - 1 - gap);
        let payer = PAYERS[(first_payer + 1) % PAYERS.len()];
        coverages.push(CoveragePeriod { id: random.id(), payer, first: changed, last });
    }
    coverages
}
