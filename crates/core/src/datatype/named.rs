//! Datatypes by the names that declarations use.

use super::definition::Datatype;
use super::{attachment, concept, date, primitive, quantity, reference};
use crate::fhir::ResourceType;

/// The datatype that declarations call `name`, with the resource type in
/// parentheses as `argument`: `Period`, `Reference(Organization)`, `string[]`.
/// `None` if there is no such datatype or resource type.
///
/// ```
/// let period = fhirmill_core::datatype::named("Period", None).expect("a datatype");
/// let columns = period.columns("effective");
/// let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
/// assert_eq!(names, ["effective_start", "effective_start_text", "effective_end", "effective_end_text"]);
/// ```
pub fn named(name: &str, argument: Option<&str>) -> Option<Box<dyn Datatype>> {
    let target = match argument {
        Some(name) => Some(ResourceType::named(name)?),
        None => None,
    };
    let datatype: Box<dyn Datatype> = match name {
        "base64Binary" | "canonical" | "code" | "id" | "markdown" | "oid" | "string" | "uri" | "url"
        | "uuid" => Box::new(primitive::Text),
        "boolean" => Box::new(primitive::Boolean),
        "integer" | "positiveInt" | "unsignedInt" => Box::new(primitive::Integer),
        "decimal" => Box::new(primitive::Decimal),
        "time" => Box::new(date::Time),
        "canonical[]" | "code[]" | "dateTime[]" | "markdown[]" | "string[]" | "time[]" | "uri[]" => {
            Box::new(primitive::TextList)
        }
        "integer[]" | "positiveInt[]" | "unsignedInt[]" => Box::new(primitive::IntegerList),
        "json" => Box::new(primitive::Json),
        "date" => Box::new(date::Date),
        "dateTime" | "instant" => Box::new(date::DateTime),
        "Period" => Box::new(date::Period),
        "CodeableConcept" => Box::new(concept::CodeableConcept),
        "Concept" => Box::new(concept::Concept),
        "ConceptCode" => Box::new(concept::ConceptCode),
        "Coding" => Box::new(concept::Coding),
        "OtherCodings" => Box::new(concept::OtherCodings),
        "NextCoding" => Box::new(concept::NextCoding),
        "Quantity" => Box::new(quantity::Quantity),
        "SimpleQuantity" => Box::new(quantity::SimpleQuantity),
        "Age" | "Duration" => Box::new(quantity::Age),
        "Money" => Box::new(quantity::Money),
        "Range" => Box::new(quantity::Range),
        "Ratio" => Box::new(quantity::Ratio),
        "Identifier" => Box::new(primitive::Identifier),
        "Attachment" => Box::new(attachment::Attachment),
        "AttachmentText" => Box::new(attachment::AttachmentText),
        "Reference" => Box::new(reference::Reference { target }),
        "PatientReference" => Box::new(reference::PlacedReference {
            has_target: false,
            target: ResourceType::named("Patient")?,
        }),
        "SubjectReference" => {
            Box::new(reference::PlacedReference { has_target: true, target: ResourceType::named("Patient")? })
        }
        "EncounterReference" => Box::new(reference::PlacedReference {
            has_target: false,
            target: ResourceType::named("Encounter")?,
        }),
        "EncounterOfItem" => {
            Box::new(reference::EncounterOfItem { target: ResourceType::named("Encounter")? })
        }
        "Key" => Box::new(reference::Key { target: target? }),
        "Agreed" => Box::new(reference::Agreed { target: target? }),
        _ => return None,
    };
    Some(datatype)
}
