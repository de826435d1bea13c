//! The *schedule*: when a person is cared for, and how. Ambulatory visits, visits to
//! the emergency department and inpatient stays never overlap.

use super::calendar::{Day, Moment};
use super::person::FIRST_VISIT;
use super::random::Random;

/// Visits fall within these many days of the first possible one.
const VISITED_DAYS: i64 = 3_650;

/// How a person is cared for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    Ambulatory,
    Virtual,
    /// An emergency visit that ends at home.
    Emergency,
    /// An emergency visit that ends in the ward.
    EmergencyAdmitted,
    /// A stay that began in the emergency department.
    InpatientThroughEmergency,
    /// A stay that was agreed on beforehand.
    InpatientPlanned,
}

impl Setting {
    /// The code of `Encounter.class`.
    pub fn class(self) -> &'static str {
        match self {
            Self::Ambulatory => "AMB",
            Self::Virtual => "VR",
            Self::Emergency | Self::EmergencyAdmitted => "EMER",
            Self::InpatientThroughEmergency | Self::InpatientPlanned => "IMP",
        }
    }

    pub fn is_inpatient(self) -> bool {
        matches!(self, Self::InpatientThroughEmergency | Self::InpatientPlanned)
    }

    pub fn is_emergency(self) -> bool {
        matches!(self, Self::Emergency | Self::EmergencyAdmitted)
    }
}

/// One entry of the schedule.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    pub start: Moment,
    pub end: Moment,
    pub setting: Setting,
}

/// The slots of a person, in order of time. There is at least one.
pub fn draw(random: &mut Random) -> Vec<Slot> {
    // 5 to 59 visits; the product of two draws makes heavy patients rare.
    let count = 5 + random.between(0, 68) * random.between(55, 80) / 100;
    let mut days: Vec<i64> = (0..count).map(|_| FIRST_VISIT.0 + random.between(0, VISITED_DAYS)).collect();
    days.sort_unstable();
    let mut slots: Vec<Slot> = Vec::new();
    for day in days {
        // Nobody has two visits a day, or one while in hospital.
        let is_free = slots.last().is_none_or(|last| last.end.day().0 < day);
        if is_free {
            add_visit(random, Day(day), &mut slots);
        }
    }
    slots
}

fn add_visit(random: &mut Random, day: Day, slots: &mut Vec<Slot>) {
    match random.between(0, 99) {
        0..=2 => {
            let start = day.at(random.between(7 * 3_600, 12 * 3_600));
            add_stay(random, start, Setting::InpatientPlanned, slots);
        }
        3..=12 => {
            let start = day.at(random.between(0, 22 * 3_600));
            let end = start.plus_minutes(random.between(90, 600));
            if random.percent(30) {
                slots.push(Slot { start, end, setting: Setting::EmergencyAdmitted });
                add_stay(random, end, Setting::InpatientThroughEmergency, slots);
            } else {
                slots.push(Slot { start, end, setting: Setting::Emergency });
            }
        }
        kind => {
            let start = day.at(random.between(8 * 3_600, 17 * 3_600));
            let setting = if kind < 18 { Setting::Virtual } else { Setting::Ambulatory };
            slots.push(Slot { start, end: start.plus_minutes(random.between(15, 90)), setting });
        }
    }
}

/// Adds a stay and, after one in six, another one within a month.
fn add_stay(random: &mut Random, start: Moment, setting: Setting, slots: &mut Vec<Slot>) {
    let end = start.day().at(random.between(9 * 3_600, 15 * 3_600)).plus_days(random.between(1, 8));
    slots.push(Slot { start, end, setting });
    if random.percent(16) {
        let back = end.plus_days(random.between(3, 28));
        add_stay(random, back, Setting::InpatientThroughEmergency, slots);
    }
}
