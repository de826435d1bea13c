//! Amounts: Quantity and its profiles, Money, Range, Ratio. Numbers keep their
//! digits as written.
//! Source: <https://hl7.org/fhir/R4/datatypes.html#Quantity>.

use crate::json::{NameId, Value};

use super::column::{Column, SqlType, join};
use super::defect::ValueDefect;
use super::definition::Datatype;
use super::row::{Row, member_text, object};

const NUMBER: &str = "value, the number with its digits as sent";
const COMPARATOR: &str = "comparator: < | <= | >= | > where the true value lies beyond the number";
const UNIT: &str = "unit, as people write it";
const UNIT_CODE: &str = "code, the unit as machines read it, mostly in UCUM";

fn number_column(prefix: &str, suffix: &str, holds: &str) -> Column {
    Column::new(join(prefix, suffix), SqlType::Numeric, holds)
}

fn text_column(prefix: &str, suffix: &str, holds: &str) -> Column {
    Column::new(join(prefix, suffix), SqlType::Text, holds)
}

/// Quantity, all of it. A filter on the value must also consider the comparator.
pub(super) struct Quantity;

impl Datatype for Quantity {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        vec![
            number_column(prefix, "value", NUMBER),
            text_column(prefix, "comparator", COMPARATOR),
            text_column(prefix, "unit", UNIT),
            text_column(prefix, "system", "system, the URI of the terminology of units, mostly UCUM"),
            text_column(prefix, "code", UNIT_CODE),
        ]
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        let quantity = object(elements)?;
        row.member_number(quantity, NameId::VALUE)?;
        row.member_text(quantity, NameId::COMPARATOR)?;
        row.member_text(quantity, NameId::UNIT)?;
        row.member_text(quantity, NameId::SYSTEM)?;
        row.member_text(quantity, NameId::CODE)
    }
}

/// Quantity without comparator: value, unit, code.
pub(super) struct SimpleQuantity;

impl Datatype for SimpleQuantity {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        vec![
            number_column(prefix, "value", NUMBER),
            text_column(prefix, "unit", UNIT),
            text_column(prefix, "code", UNIT_CODE),
        ]
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        let quantity = object(elements)?;
        row.member_number(quantity, NameId::VALUE)?;
        row.member_text(quantity, NameId::UNIT)?;
        row.member_text(quantity, NameId::CODE)
    }
}

/// Money: value and currency.
pub(super) struct Money;

impl Datatype for Money {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        vec![
            number_column(prefix, "value", "value, the amount of money"),
            text_column(prefix, "currency", "currency, a code of ISO 4217 such as USD"),
        ]
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        let money = object(elements)?;
        row.member_number(money, NameId::VALUE)?;
        row.member_text(money, NameId::CURRENCY)
    }
}

/// Range: both bounds and their unit.
pub(super) struct Range;

impl Datatype for Range {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        vec![
            number_column(prefix, "low_value", "low.value, the lower bound"),
            number_column(prefix, "high_value", "high.value, the upper bound"),
            text_column(prefix, "unit", "low.unit, else high.unit"),
        ]
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        let range = object(elements)?;
        let low = range.and_then(|range| range.get(NameId::LOW));
        let high = range.and_then(|range| range.get(NameId::HIGH));
        row.member_number(low, NameId::VALUE)?;
        row.member_number(high, NameId::VALUE)?;
        let unit = match member_text(low, NameId::UNIT)? {
            Some(unit) => Some(unit),
            None => member_text(high, NameId::UNIT)?,
        };
        row.buffer.optional_text(unit.as_deref());
        Ok(())
    }
}

/// Age and Duration: value, comparator, unit, code. The system is always UCUM's.
pub(super) struct Age;

impl Datatype for Age {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        let mut columns = SimpleQuantity.columns(prefix);
        columns.push(text_column(prefix, "comparator", COMPARATOR));
        columns
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        SimpleQuantity.write(elements, row)?;
        row.member_text(object(elements)?, NameId::COMPARATOR)
    }
}

/// Ratio: value, comparator and unit of numerator and denominator.
pub(super) struct Ratio;

impl Datatype for Ratio {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        vec![
            number_column(prefix, "numerator_value", "numerator.value, the number above the line"),
            text_column(
                prefix,
                "numerator_comparator",
                "numerator.comparator: < | <= | >= | > where the true number lies beyond it",
            ),
            text_column(prefix, "numerator_unit", "numerator.unit, as people write it"),
            number_column(prefix, "denominator_value", "denominator.value, the number below the line"),
            text_column(
                prefix,
                "denominator_comparator",
                "denominator.comparator: < | <= | >= | > where the true number lies beyond it",
            ),
            text_column(prefix, "denominator_unit", "denominator.unit, as people write it"),
        ]
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        let ratio = object(elements)?;
        for part in [NameId::NUMERATOR, NameId::DENOMINATOR] {
            let quantity = ratio.and_then(|ratio| ratio.get(part));
            row.member_number(quantity, NameId::VALUE)?;
            row.member_text(quantity, NameId::COMPARATOR)?;
            row.member_text(quantity, NameId::UNIT)?;
        }
        Ok(())
    }
}
