//! A choice, FHIR's `value[x]`: the type of the variant that is present, then the
//! columns of all variants, of which only that variant's are filled.
//!
//! Variants with the same meaning share columns: a dateTime is the start of a
//! Period, and a concept and a reference both have a display.
//! Source: <https://hl7.org/fhir/R4/formats.html#choice>.

use crate::fhir::{ResourceType, snake_case};
use crate::json::{NameId, Value};

use super::column::{Column, SqlType, join};
use super::date::Period;
use super::defect::ValueDefect;
use super::definition::Datatype;
use super::resolve::Expected;
use super::row::{Row, member_text};

/// One of the types that a choice may have.
pub struct Variant {
    /// FHIR's name of the type: `dateTime`, `Quantity`.
    pub type_name: String,
    /// Whether it is a reference to several types of resource.
    pub refers_to_any: bool,
    /// The resource type that it refers to, if there is only one.
    pub refers_to: Option<ResourceType>,
    /// Whether it is a CodeableConcept that becomes the columns of `Concept`.
    pub is_short_concept: bool,
    /// What writes its columns.
    pub datatype: Box<dyn Datatype>,
}

/// Columns of a choice, in order, and the variants that fill them, by index.
enum Part {
    /// dateTime, date, instant and Period together.
    Times(Vec<usize>),
    /// A concept and a reference together.
    ConceptOrReference { concept: usize, reference: usize },
    /// One variant alone.
    One(usize),
}

/// A choice between variants.
pub struct Choice {
    variants: Vec<Variant>,
    parts: Vec<Part>,
    /// False if there is only one variant, or if the type of a reference's
    /// target replaces that of the variant.
    has_type: bool,
}

impl Choice {
    /// `variants` are in the order in which [`Datatype::write`] is given their
    /// elements.
    pub fn new(variants: Vec<Variant>) -> Self {
        let is_time = |name: &str| matches!(name, "date" | "dateTime" | "instant" | "Period");
        let place = |name: &str| variants.iter().position(|variant| variant.type_name == name);
        let times: Vec<usize> =
            (0..variants.len()).filter(|&index| is_time(&variants[index].type_name)).collect();
        let has_times = place("Period").is_some() && times.len() > 1;
        let pair = place("CodeableConcept").zip(place("Reference"));

        let mut parts = Vec::new();
        if has_times {
            parts.push(Part::Times(times.clone()));
        }
        let mut has_pair = false;
        for index in 0..variants.len() {
            match pair {
                _ if has_times && times.contains(&index) => {}
                Some((concept, reference)) if index == concept || index == reference => {
                    if !has_pair {
                        parts.push(Part::ConceptOrReference { concept, reference });
                    }
                    has_pair = true;
                }
                _ => parts.push(Part::One(index)),
            }
        }
        let is_typed_by_target = pair.is_some_and(|(_, reference)| variants[reference].refers_to_any);
        Choice { has_type: variants.len() > 1 && !is_typed_by_target, variants, parts }
    }
}

impl Datatype for Choice {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        let mut columns = Vec::new();
        if self.has_type {
            let names: Vec<&str> = self.variants.iter().map(|variant| variant.type_name.as_str()).collect();
            let holds = format!("which of {}", names.join(", "));
            columns.push(Column::new(join(prefix, "type"), SqlType::Text, &holds));
        }
        for part in &self.parts {
            match part {
                Part::Times(_) => columns.extend(Period.columns(prefix)),
                Part::ConceptOrReference { concept, reference } => {
                    let short = self.variants[*concept].is_short_concept;
                    let reference = &self.variants[*reference];
                    columns.extend(self.variants[*concept].datatype.columns(prefix));
                    if let Some(display) = columns.last_mut().filter(|_| short) {
                        display.holds = "coding.display, else text: the name of the code, as sent; or what the sender calls the target".to_owned();
                    }
                    if reference.refers_to_any {
                        columns.push(Column::new(join(prefix, "type"), SqlType::Text, "type of the target"));
                    }
                    columns.push(Column {
                        refers_to: reference.refers_to,
                        ..Column::new(join(prefix, "id"), SqlType::BigInt, "key of the target")
                    });
                    columns.push(Column::new(
                        join(prefix, "reference"),
                        SqlType::Text,
                        "reference, else identifier, as written; null where the key says it all",
                    ));
                }
                Part::One(index) => {
                    let variant = &self.variants[*index];
                    let prefix = if self.variants.len() == 1 {
                        prefix.to_owned()
                    } else {
                        join(prefix, &snake_case(&variant.type_name))
                    };
                    let is_choice = self.variants.len() > 1;
                    for mut column in variant.datatype.columns(&prefix) {
                        if column.holds.is_empty() && is_choice {
                            column.holds = format!("the value, if its type is {}", variant.type_name);
                        }
                        columns.push(column);
                    }
                }
            }
        }
        columns
    }

    /// `elements[i]` is the value of variant i, or null.
    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        let of = |index: usize| elements.get(index).copied().filter(|value| !value.is_null());
        if self.has_type {
            let present = (0..self.variants.len()).find(|&index| of(index).is_some());
            row.buffer.optional_text(present.map(|index| self.variants[index].type_name.as_str()));
        }
        for part in &self.parts {
            match part {
                Part::Times(times) => Period::write_any(times.iter().find_map(|&index| of(index)), row)?,
                Part::ConceptOrReference { concept, reference } => {
                    self.write_concept_or_reference(of(*concept), *concept, of(*reference), *reference, row)?;
                }
                Part::One(index) => match of(*index) {
                    Some(value) => self.variants[*index].datatype.write(&[value], row)?,
                    None => self.variants[*index].datatype.write(&[], row)?,
                },
            }
        }
        Ok(())
    }
}

impl Choice {
    fn write_concept_or_reference(
        &self,
        concept: Option<Value<'_>>,
        concept_index: usize,
        reference: Option<Value<'_>>,
        reference_index: usize,
        row: &mut Row<'_>,
    ) -> Result<(), ValueDefect> {
        let variant = &self.variants[reference_index];
        let short = self.variants[concept_index].is_short_concept;
        let Some(reference) = reference else {
            self.variants[concept_index].datatype.write(concept.as_slice(), row)?;
            row.buffer.nulls(if variant.refers_to_any { 3 } else { 2 });
            return Ok(());
        };
        if concept.is_some() {
            // Both are there: only the display is shared, and is the concept's.
            self.variants[concept_index].datatype.write(concept.as_slice(), row)?;
        } else {
            row.buffer.nulls(2);
            let display = member_text(Some(reference), NameId::DISPLAY)?;
            row.buffer.optional_text(display.as_deref());
            if !short {
                row.buffer.null();
            }
        }
        let referenced = row.references.resolve(reference, Expected::only_or_any(variant.refers_to))?;
        if variant.refers_to_any {
            row.buffer.optional_text(referenced.resource_type.map(ResourceType::name));
        }
        row.buffer.optional_key(referenced.target);
        row.buffer.optional_text(referenced.written.as_deref());
        Ok(())
    }
}
