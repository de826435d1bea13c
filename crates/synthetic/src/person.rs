//! A *person*: what a patient's resources have to agree on. This file draws
//! it; [`super::patient`] writes it as a Patient.

use super::calendar::{Day, Moment};
use super::random::{Id, Random};
use super::words::{FAMILY_NAMES, FEMALE_NAMES, MALE_NAMES, PAYERS};

/// The day on which the earliest visit can take place.
pub const FIRST_VISIT: Day = Day::of_year(2014);

/// One patient's identity and dates.
pub struct Person {
    pub id: Id,
    /// Given name and family name.
    pub name: String,
    pub payer: &'static str,
    pub is_female: bool,
    pub given: &'static str,
    pub family: &'static str,
    pub born: Day,
    pub died: Option<Moment>,
}

impl Person {
    /// Draws a person whose last visit begins at that moment: a death comes
    /// after it.
    pub fn new(random: &mut Random, last_visit: Moment) -> Self {
        let is_female = random.percent(51);
        let given = random.word(if is_female { FEMALE_NAMES } else { MALE_NAMES });
        let family = random.word(FAMILY_NAMES);
        Self {
            id: random.id(),
            name: format!("{given} {family}"),
            payer: random.word(PAYERS),
            is_female,
            given,
            family,
            born: Day(random.between(Day::of_year(1930).0, Day::of_year(2013).0)),
            died: random.percent(12).then(|| last_visit.plus_days(random.between(1, 300))),
        }
    }
}
