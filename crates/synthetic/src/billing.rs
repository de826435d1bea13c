//! The *bill* for a visit: a Claim for what was charged and an
//! ExplanationOfBenefit for what was paid; and the ExplanationOfBenefit of a dispensed
//! drug. Totals are the sums of the items. Amounts are in cents.

use super::calendar::Day;
use super::compose::{Composer, coding, concept, status};
use super::pharmacy::Fill;
use super::random::{Id, Random};
use super::visit::Visit;
use super::words::{Coded, DENIALS, NDC, NOT_COVERED, SNOMED};
use super::writer::{Decimal, Writer};

/// One line of the bill.
struct Item {
    code: Coded,
    cents: i64,
    /// The number of the diagnosis that the item is for, counted from one.
    diagnosis: Option<i64>,
    /// What the patient pays, in percent.
    share: i64,
    /// Why the payer pays nothing, if so.
    denial: Option<Coded>,
}

impl Item {
    fn copay(&self) -> i64 {
        if self.denial.is_some() { 0 } else { self.cents * self.share / 100 }
    }

    fn paid(&self) -> i64 {
        if self.denial.is_some() { 0 } else { self.cents - self.copay() }
    }
}

/// Writes the Claim and the ExplanationOfBenefit of a visit, which may have led
/// to a prescription with that ID.
pub fn write(composer: &mut Composer, random: &mut Random, visit: &Visit<'_>, prescription: Option<&Id>) {
    let items = draw_items(random, visit);
    let claim = random.id();
    composer.resource("Claim", &claim, |writer| {
        write_head(writer, visit);
        writer.display("created", visit.end);
        visit.organization.refer(writer, "provider");
        status(writer, "priority", "processpriority", "normal");
        if let Some(id) = prescription {
            writer.reference("prescription", "MedicationRequest", id);
        }
        write_diagnoses(writer, visit);
        write_procedure(writer, visit);
        write_insurance(writer, visit, visit.start.day(), true);
        writer.array("item", |writer| {
            for (number, item) in items.iter().enumerate() {
                writer.item(|writer| {
                    write_item(writer, visit, number as i64 + 1, item);
                    write_money(writer, "net", item.cents);
                });
            }
        });
        write_money(writer, "total", items.iter().map(|item| item.cents).sum());
    });
    write_explanation(composer, random, visit, &claim, &items);
}

/// The lines of a visit's bill. One line in twenty is denied, and every line where no
/// coverage was in force.
fn draw_items(random: &mut Random, visit: &Visit<'_>) -> Vec<Item> {
    let share = random.between(0, 4) * 10;
    let is_covered = visit.person.coverage_on(visit.start.day()).is_some();
    let mut draw = |code, low, high, diagnosis| {
        let cents = random.between(low, high);
        let denial = match random.between(1, 20) {
            _ if !is_covered => Some(NOT_COVERED),
            1 => Some(*random.pick(DENIALS)),
            _ => None,
        };
        Item { code, cents, diagnosis, share, denial }
    };
    let days = visit.end.day().0 - visit.start.day().0;
    let (low, high) = match visit.setting {
        setting if setting.is_inpatient() => (days * 150_000, days * 320_000),
        setting if setting.is_emergency() => (40_000, 180_000),
        _ => (8_000, 25_000),
    };
    let mut items = vec![draw(visit.reason, low, high, None)];
    for (number, (_, disorder)) in visit.diagnoses.iter().enumerate() {
        items.push(draw(disorder.code, 1_000, 9_999, Some(number as i64 + 1)));
    }
    if let Some((_, code)) = visit.procedure {
        items.push(draw(code, 20_000, 90_000, None));
    }
    items
}

fn write_explanation(
    composer: &mut Composer,
    random: &mut Random,
    visit: &Visit<'_>,
    claim: &Id,
    items: &[Item],
) {
    composer.resource("ExplanationOfBenefit", &random.id(), |writer| {
        writer.one("identifier", |writer| {
            writer.text("system", "urn:example:fhirmill:explanation");
            writer.text("value", claim.as_str());
        });
        write_head(writer, visit);
        writer.display("created", visit.end.plus_days(7));
        write_insurer(writer, visit, visit.start.day());
        visit.organization.refer(writer, "provider");
        writer.reference("claim", "Claim", claim);
        writer.text("outcome", "complete");
        writer.one("careTeam", |writer| {
            writer.integer("sequence", 1);
            visit.practitioner.refer(writer, "provider");
        });
        write_diagnoses(writer, visit);
        write_insurance(writer, visit, visit.start.day(), false);
        writer.array("item", |writer| {
            for (number, item) in items.iter().enumerate() {
                writer.item(|writer| {
                    write_item(writer, visit, number as i64 + 1, item);
                    write_money(writer, "net", item.cents);
                    write_decisions(writer, item);
                });
            }
        });
        write_sums(writer, items, visit.end.plus_days(10).day());
    });
}

/// Writes the ExplanationOfBenefit of a dispense.
pub fn write_pharmacy(composer: &mut Composer, random: &mut Random, visit: &Visit<'_>, fill: &Fill<'_>) {
    let is_covered = visit.person.coverage_on(fill.day).is_some();
    let item = Item {
        code: (fill.drug.ndc, fill.drug.code.1),
        cents: random.between(400, 6_000),
        diagnosis: None,
        share: 20,
        denial: if is_covered { None } else { Some(NOT_COVERED) },
    };
    composer.resource("ExplanationOfBenefit", &random.id(), |writer| {
        write_kind(writer, "pharmacy");
        writer.reference("patient", "Patient", &visit.person.id);
        writer.object("billablePeriod", |writer| {
            writer.display("start", fill.day);
            writer.display("end", fill.day);
        });
        writer.display("created", fill.day);
        write_insurer(writer, visit, fill.day);
        visit.organization.refer(writer, "provider");
        writer.text("outcome", "complete");
        writer.one("supportingInfo", |writer| {
            writer.integer("sequence", 1);
            let system = "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBSupportingInfoType";
            writer.object("category", |writer| coding(writer, system, ("dayssupply", "Days Supply")));
            writer.object("valueQuantity", |writer| writer.decimal("value", Decimal(fill.days_supply, 0)));
        });
        write_insurance(writer, visit, fill.day, false);
        writer.one("item", |writer| {
            writer.integer("sequence", 1);
            concept(writer, "productOrService", NDC, item.code);
            writer.display("servicedDate", fill.day);
            writer.object("quantity", |writer| {
                writer.decimal("value", Decimal(fill.days_supply * fill.drug.units_a_day, 0));
            });
            write_money(writer, "net", item.cents);
            write_decisions(writer, &item);
        });
        write_sums(writer, &[item], fill.day);
    });
}

fn write_insurer(writer: &mut Writer, visit: &Visit<'_>, day: Day) {
    writer.object("insurer", |writer| writer.text("display", visit.person.payer_on(day).payer));
}

/// Writes which coverage is to pay: that of the day, or the last one before it.
fn write_insurance(writer: &mut Writer, visit: &Visit<'_>, day: Day, has_sequence: bool) {
    let coverage = visit.person.payer_on(day);
    writer.one("insurance", |writer| {
        if has_sequence {
            writer.integer("sequence", 1);
        }
        writer.boolean("focal", true);
        writer.object("coverage", |writer| {
            writer.target("Coverage", &coverage.id);
            writer.text("display", coverage.payer);
        });
    });
}

/// Writes what the payer decided on one line.
fn write_decisions(writer: &mut Writer, item: &Item) {
    writer.array("adjudication", |writer| {
        write_adjudication(writer, "submitted", item.cents);
        write_adjudication(writer, "copay", item.copay());
        write_adjudication(writer, "benefit", item.paid());
        if let Some(reason) = item.denial {
            write_denial(writer, item.cents, reason);
        }
    });
}

/// Writes that a line is not paid, and why, as CARIN's guide has it.
fn write_denial(writer: &mut Writer, cents: i64, reason: Coded) {
    let carin = "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudication";
    writer.item(|writer| {
        writer.object("category", |writer| coding(writer, carin, ("noncovered", "Noncovered")));
        write_money(writer, "amount", cents);
    });
    let carin = "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudicationDiscriminator";
    writer.item(|writer| {
        writer.object("category", |writer| coding(writer, carin, ("denialreason", "Denial Reason")));
        writer.object("reason", |writer| {
            coding(writer, "https://x12.org/codes/claim-adjustment-reason-codes", reason);
        });
    });
}

fn write_sums(writer: &mut Writer, items: &[Item], paid_on: Day) {
    let paid = items.iter().map(Item::paid).sum();
    writer.array("total", |writer| {
        write_adjudication(writer, "submitted", items.iter().map(|item| item.cents).sum());
        write_adjudication(writer, "benefit", paid);
    });
    writer.object("payment", |writer| {
        writer.display("date", paid_on);
        write_money(writer, "amount", paid);
    });
}

/// Writes the members that both resources begin with: `status` to
/// `billablePeriod`.
fn write_head(writer: &mut Writer, visit: &Visit<'_>) {
    let is_in_hospital = visit.setting.is_inpatient() || visit.setting.is_emergency();
    write_kind(writer, if is_in_hospital { "institutional" } else { "professional" });
    writer.reference("patient", "Patient", &visit.person.id);
    visit.period(writer, "billablePeriod");
}

fn write_kind(writer: &mut Writer, kind: &'static str) {
    writer.text("status", "active");
    status(writer, "type", "claim-type", kind);
    writer.text("use", "claim");
}

fn write_diagnoses(writer: &mut Writer, visit: &Visit<'_>) {
    if visit.diagnoses.is_empty() {
        return;
    }
    writer.array("diagnosis", |writer| {
        for (number, (condition, _)) in visit.diagnoses.iter().enumerate() {
            writer.item(|writer| {
                writer.integer("sequence", number as i64 + 1);
                writer.reference("diagnosisReference", "Condition", condition);
            });
        }
    });
}

fn write_procedure(writer: &mut Writer, visit: &Visit<'_>) {
    if let Some((id, _)) = &visit.procedure {
        writer.one("procedure", |writer| {
            writer.integer("sequence", 1);
            writer.reference("procedureReference", "Procedure", id);
        });
    }
}

fn write_item(writer: &mut Writer, visit: &Visit<'_>, number: i64, item: &Item) {
    writer.integer("sequence", number);
    if let Some(diagnosis) = item.diagnosis {
        writer.array("diagnosisSequence", |writer| writer.integer_item(diagnosis));
    }
    concept(writer, "productOrService", SNOMED, item.code);
    visit.period(writer, "servicedPeriod");
    if number == 1 {
        writer.one("encounter", |writer| writer.target("Encounter", &visit.id));
    }
}

fn write_adjudication(writer: &mut Writer, category: &'static str, cents: i64) {
    writer.item(|writer| {
        status(writer, "category", "adjudication", category);
        write_money(writer, "amount", cents);
    });
}

fn write_money(writer: &mut Writer, name: &str, cents: i64) {
    writer.object(name, |writer| {
        writer.decimal("value", Decimal(cents, 2));
        writer.text("currency", "USD");
    });
}
