//! The columns of an element: its datatype's, with names that begin with the
//! element's path and comments that say what they hold.

use super::declaration::{DatatypeName, DatatypeWord, Element, Naming, Resource};
use super::error::ModelProblem;
use super::names::{ENCOUNTER_ID, PATIENT_ID};
use super::path::{RouteStep, route_text};
use super::table::TableColumn;
use crate::datatype::{self, Choice, Column, Datatype, Variant};
use crate::fhir::{ResourceType, snake_case};

/// The element that gives one of the two columns in front of a resource's own,
/// `patient_id` and `encounter_id`.
pub(crate) fn front_element<'m>(resource: &'m Resource, column: &str) -> Option<&'m Element> {
    resource.elements.iter().find(|element| {
        let DatatypeName::One(datatype) = &element.datatype else { return false };
        match datatype.name.as_str() {
            "PatientReference" | "SubjectReference" => column == PATIENT_ID,
            "EncounterReference" => column == ENCOUNTER_ID,
            "Key" | "Agreed" => element.name == Naming::As(column.to_owned()),
            _ => false,
        }
    })
}

/// Whether the element has no columns besides the one in front.
pub(crate) fn is_only_front(resource: &Resource, element: &Element) -> bool {
    let DatatypeName::One(datatype) = &element.datatype else { return false };
    matches!(datatype.name.as_str(), "Key" | "Agreed")
        && [PATIENT_ID, ENCOUNTER_ID]
            .iter()
            .any(|column| front_element(resource, column).is_some_and(|front| std::ptr::eq(front, element)))
}

/// The columns of an element, in the order in which its datatype writes them.
pub(crate) fn element_columns(
    element: &Element,
    is_in_child: bool,
) -> Result<Vec<TableColumn>, ModelProblem> {
    let path = path_text(element);
    let datatype = element_datatype(element, is_in_child)?;
    let mut columns = Vec::new();
    for Column { name, sql_type, holds, refers_to } in datatype.columns(&element_prefix(element)) {
        let comment = comment(&path, &holds, &element.comment);
        let refers_to = refers_to.map(|target| snake_case(target.name()));
        columns.push(TableColumn { name, sql_type, is_nullable: true, refers_to, comment });
    }
    Ok(columns)
}

/// What a column holds, in words: its part of the datatype, and what the element means.
fn comment(path: &str, holds: &str, meaning: &str) -> String {
    match (holds.chars().next(), meaning.is_empty()) {
        (None, true) => path.to_owned(),
        (None, false) => format!("{path}: {meaning}"),
        (Some(' '), _) => format!("{path}{holds}"),
        (Some(_), true) => format!("{path}: {holds}"),
        (Some(_), false) => format!("{path}: {holds} ({meaning})"),
    }
}

/// The datatype that an element is declared with.
pub(crate) fn element_datatype(
    element: &Element,
    is_in_child: bool,
) -> Result<Box<dyn Datatype>, ModelProblem> {
    let unknown = |word: &DatatypeWord| {
        let argument = word.argument.as_ref().map_or_else(String::new, |argument| format!("({argument})"));
        ModelProblem::UnknownDatatype {
            element: path_text(element),
            datatype: format!("{}{argument}", word.name),
        }
    };
    let named = |word: &DatatypeWord| {
        datatype::named(&word.name, word.argument.as_deref()).ok_or_else(|| unknown(word))
    };
    match &element.datatype {
        // The key of a resource's own encounter is in front; that of an item is not.
        DatatypeName::One(word) if is_in_child && word.name == "EncounterReference" => {
            datatype::named("EncounterOfItem", None).ok_or_else(|| unknown(word))
        }
        DatatypeName::One(word) => named(word),
        DatatypeName::Choice(variants) => {
            let mut built = Vec::new();
            for (type_name, word) in variants {
                built.push(Variant {
                    type_name: type_name.clone(),
                    refers_to_any: word.name == "Reference" && word.argument.is_none(),
                    refers_to: word.argument.as_deref().and_then(ResourceType::named),
                    is_short_concept: word.name == "Concept",
                    datatype: named(word)?,
                });
            }
            Ok(Box::new(Choice::new(built)))
        }
    }
}

/// Elements that only group others give no part of a column's name.
const UNNAMED_GROUPS: [&str; 8] =
    ["hospitalization", "context", "collection", "doseAndRate", "attachment", "position", "batch", "answer"];

/// How the names of an element's columns begin.
pub(crate) fn element_prefix(element: &Element) -> String {
    match &element.name {
        Naming::As(name) => return name.clone(),
        Naming::Bare => return String::new(),
        Naming::Derived => {}
    }
    let mut names: Vec<&str> = Vec::new();
    for step in element.path.first().into_iter().flatten() {
        if let RouteStep::Member(name) | RouteStep::Choice(name) = step {
            names.push(name);
        }
    }
    let names = match names.as_slice() {
        [group, rest @ ..] if !rest.is_empty() && UNNAMED_GROUPS.contains(group) => rest.to_vec(),
        ["timing", "repeat", rest @ ..] => [&["timing"], rest].concat(),
        ["dispenseRequest", rest @ ..] => [&["dispense"], rest].concat(),
        ["udiCarrier", rest @ ..] => [&["udi"], rest].concat(),
        _ => names,
    };
    let snake: Vec<String> = names.iter().map(|name| snake_case(name)).collect();
    snake.join("_")
}

/// The element's path as FHIRPath.
pub(super) fn path_text(element: &Element) -> String {
    let routes: Vec<String> = element.path.iter().map(|route| route_text(route)).collect();
    routes.join(" | ")
}
