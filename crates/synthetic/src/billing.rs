//! The *bill* for a visit: a Claim for what was charged and an
//! ExplanationOfBenefit for what was paid. Totals are the sums of the items.
//! Amounts are in cents.

use super::compose::{Composer, concept, status};
use super::random::{Id, Random};
use super::visit::Visit;
use super::words::{Coded, SNOMED};
use super::writer::{Decimal, Writer};

/// One line of the bill.
struct Item {
    code: Coded,
    cents: i64,
    /// The number of the diagnosis that the item is for, counted from one.
    diagnosis: Option<i64>,
}

/// Writes the Claim and the ExplanationOfBenefit of a visit, which may have led
/// to a prescription with that ID.
pub fn write(composer: &mut Composer, random: &mut Random, visit: &Visit<'_>, prescription: Option<&Id>) {
    let mut items = vec![Item { code: visit.reason, cents: random.between(8_000, 25_000), diagnosis: None }];
    for (number, (_, disorder)) in visit.diagnoses.iter().enumerate() {
        let diagnosis = Some(number as i64 + 1);
        items.push(Item { code: disorder.code, cents: random.between(1_000, 9_999), diagnosis });
    }
    if let Some((_, code)) = visit.procedure {
        items.push(Item { code, cents: random.between(20_000, 90_000), diagnosis: None });
    }
    let total = items.iter().map(|item| item.cents).sum();
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
        writer.one("insurance", |writer| {
            writer.integer("sequence", 1);
            writer.boolean("focal", true);
            writer.object("coverage", |writer| writer.text("display", visit.person.payer));
        });
        writer.array("item", |writer| {
            for (number, item) in items.iter().enumerate() {
                writer.item(|writer| {
                    write_item(writer, visit, number as i64 + 1, item);
                    write_money(writer, "net", item.cents);
                });
            }
        });
        write_money(writer, "total", total);
    });
    write_explanation(composer, random, visit, &claim, &items);
}

fn write_explanation(
    composer: &mut Composer,
    random: &mut Random,
    visit: &Visit<'_>,
    claim: &Id,
    items: &[Item],
) {
    let share = random.between(0, 4) * 10;
    let mut total = 0;
    let mut paid = 0;
    composer.resource("ExplanationOfBenefit", &random.id(), |writer| {
        write_coverage(writer, visit);
        writer.one("identifier", |writer| {
            writer.text("system", "urn:example:fhirmill:explanation");
            writer.text("value", claim.as_str());
        });
        write_head(writer, visit);
        writer.display("created", visit.end.plus_days(7));
        writer.object("insurer", |writer| writer.text("display", visit.person.payer));
        visit.organization.refer(writer, "provider");
        writer.reference("claim", "Claim", claim);
        writer.text("outcome", "complete");
        writer.one("careTeam", |writer| {
            writer.integer("sequence", 1);
            visit.practitioner.refer(writer, "provider");
        });
        write_diagnoses(writer, visit);
        writer.one("insurance", |writer| {
            writer.boolean("focal", true);
            writer.object("coverage", |writer| {
                writer.text("reference", "#coverage");
                writer.text("display", visit.person.payer);
            });
        });
        writer.array("item", |writer| {
            for (number, item) in items.iter().enumerate() {
                let copay = item.cents * share / 100;
                total += item.cents;
                paid += item.cents - copay;
                writer.item(|writer| {
                    write_item(writer, visit, number as i64 + 1, item);
                    write_money(writer, "net", item.cents);
                    writer.array("adjudication", |writer| {
                        write_adjudication(writer, "submitted", item.cents);
                        write_adjudication(writer, "copay", copay);
                        write_adjudication(writer, "benefit", item.cents - copay);
                    });
                });
            }
        });
        writer.array("total", |writer| {
            write_adjudication(writer, "submitted", total);
            write_adjudication(writer, "benefit", paid);
        });
        writer.object("payment", |writer| {
            writer.display("date", visit.end.plus_days(10).day());
            write_money(writer, "amount", paid);
        });
    });
}

fn write_coverage(writer: &mut Writer, visit: &Visit<'_>) {
    writer.one("contained", |writer| {
        writer.text("resourceType", "Coverage");
        writer.text("id", "coverage");
        writer.text("status", "active");
        writer.object("type", |writer| writer.text("text", visit.person.payer));
        writer.reference("beneficiary", "Patient", &visit.person.id);
        writer.one("payor", |writer| writer.text("display", visit.person.payer));
    });
}

/// Writes the members that both resources begin with: `status` to
/// `billablePeriod`.
fn write_head(writer: &mut Writer, visit: &Visit<'_>) {
    writer.text("status", "active");
    status(writer, "type", "claim-type", "professional");
    writer.text("use", "claim");
    writer.reference("patient", "Patient", &visit.person.id);
    visit.period(writer, "billablePeriod");
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
