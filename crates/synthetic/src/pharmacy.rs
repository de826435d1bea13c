//! *Prescriptions* and what the pharmacy makes of them: dispenses, each with its own
//! claim. Drugs that are taken for years are refilled month after month, by some people
//! more punctually than by others.

use super::billing;
use super::calendar::Day;
use super::compose::{Composer, coding, concept};
use super::random::{Id, Random};
use super::visit::Visit;
use super::words::{DRUGS, Drug, RXNORM, UNITS};
use super::writer::Decimal;

/// One dispense of a drug.
pub struct Fill<'a> {
    pub drug: &'a Drug,
    pub day: Day,
    pub days_supply: i64,
}

/// What a person takes: until when each drug of the list is prescribed.
#[derive(Default)]
pub struct Pharmacy {
    prescribed_until: [i64; DRUGS.len()],
}

impl Pharmacy {
    /// Writes the prescription that a visit may lead to, with its dispenses, and returns
    /// its ID. A drug that is still prescribed is not prescribed again.
    pub fn prescribe(
        &mut self,
        composer: &mut Composer,
        random: &mut Random,
        visit: &Visit<'_>,
    ) -> Option<Id> {
        let number = random.between(0, DRUGS.len() as i64 - 1) as usize;
        let drug = &DRUGS[number];
        let start = visit.end.day();
        if !random.percent(40) || self.prescribed_until[number] > start.0 {
            return None;
        }
        let id = random.id();
        write_request(composer, random, visit, &id, drug);
        let fills = if drug.is_chronic { random.between(2, 12) } else { 1 };
        let mut day = Day(start.0 + random.between(0, 2));
        for _ in 0..fills {
            let fill = Fill { drug, day, days_supply: if drug.is_chronic { 30 } else { 10 } };
            if visit.person.died.is_some_and(|died| died.day() <= day) {
                break;
            }
            write_dispense(composer, random, visit, &id, &fill);
            billing::write_pharmacy(composer, random, visit, &fill);
            // A few days early, or as late as this person usually is.
            day = Day(day.0 + fill.days_supply + random.between(-3, visit.person.refill_delay));
        }
        self.prescribed_until[number] = day.0;
        Some(id)
    }
}

fn write_request(composer: &mut Composer, random: &mut Random, visit: &Visit<'_>, id: &Id, drug: &Drug) {
    composer.resource("MedicationRequest", id, |writer| {
        writer.text("status", if random.percent(30) { "active" } else { "stopped" });
        writer.text("intent", "order");
        concept(writer, "medicationCodeableConcept", RXNORM, drug.code);
        visit.context(writer);
        writer.display("authoredOn", visit.start);
        visit.practitioner.refer(writer, "requester");
        if let Some((condition, _)) = visit.diagnoses.first() {
            writer.one("reasonReference", |writer| writer.target("Condition", condition));
        }
        writer.one("dosageInstruction", |writer| {
            writer.integer("sequence", 1);
            writer.text("text", "Take as directed.");
            writer.object("timing", |writer| {
                writer.object("repeat", |writer| {
                    writer.integer("frequency", random.between(1, 3));
                    writer.decimal("period", Decimal(10, 1));
                    writer.text("periodUnit", "d");
                });
            });
            writer.boolean("asNeededBoolean", false);
            writer.one("doseAndRate", |writer| {
                let system = "http://terminology.hl7.org/CodeSystem/dose-rate-type";
                writer.object("type", |writer| coding(writer, system, ("ordered", "Ordered")));
                writer.object("doseQuantity", |writer| writer.decimal("value", Decimal(10, 1)));
            });
        });
    });
}

fn write_dispense(
    composer: &mut Composer,
    random: &mut Random,
    visit: &Visit<'_>,
    prescription: &Id,
    fill: &Fill<'_>,
) {
    composer.resource("MedicationDispense", &random.id(), |writer| {
        writer.text("status", "completed");
        concept(writer, "medicationCodeableConcept", RXNORM, fill.drug.code);
        writer.reference("subject", "Patient", &visit.person.id);
        writer.one("authorizingPrescription", |writer| writer.target("MedicationRequest", prescription));
        let units = fill.days_supply * fill.drug.units_a_day;
        for (name, value, unit, code) in
            [("quantity", units, "tablet", "{tbl}"), ("daysSupply", fill.days_supply, "day", "d")]
        {
            writer.object(name, |writer| {
                writer.decimal("value", Decimal(value, 0));
                writer.text("unit", unit);
                writer.text("system", UNITS);
                writer.text("code", code);
            });
        }
        writer.display("whenHandedOver", fill.day.at(random.between(9 * 3_600, 18 * 3_600)));
    });
}
