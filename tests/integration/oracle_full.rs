//! Resources that have every element of FHIR R4: for each type with tables of
//! its own as many as its widest choice has variants, each with two items in
//! every list.

use std::collections::BTreeMap;

use fhirmill_core::fhir::{TypeDefinition, type_definitions};
use fhirmill_core::model::DECLARED;
use serde_json::{Map, Value, json};

/// How deep types may be nested that contain themselves.
const MAX_DEPTH: usize = 6;
/// Elements that are not clinical content, or would make it another resource.
const LEFT_OUT: [&str; 2] = ["extension", "modifierExtension"];

struct Builder {
    types: BTreeMap<&'static str, TypeDefinition>,
    /// Which variant of each choice to give.
    variant: usize,
    /// Numbers the values, so that no two are the same.
    count: usize,
}

/// All of them, as one JSON array.
pub fn full_resources() -> String {
    let types: BTreeMap<_, _> = type_definitions().map(|definition| (definition.name, definition)).collect();
    let mut resources = Vec::new();
    for declared in DECLARED.iter().filter(|declared| types.contains_key(declared.name.as_str())) {
        let widest = widest_choice(&types, &declared.name, 0);
        for variant in 0..widest {
            let mut builder = Builder { types: types.clone(), variant, count: 0 };
            let mut resource = builder.members(&declared.name, 0);
            resource.insert("resourceType".to_owned(), json!(declared.name));
            resource.insert("id".to_owned(), json!(format!("full-{variant}")));
            resources.push(Value::Object(resource));
        }
    }
    serde_json::to_string(&resources).unwrap()
}

/// How many variants the widest choice of a type and of the types within it has.
fn widest_choice(types: &BTreeMap<&'static str, TypeDefinition>, name: &str, depth: usize) -> usize {
    let Some(definition) = types.get(name).filter(|_| depth < MAX_DEPTH) else { return 1 };
    let mut widest = 1;
    for element in &definition.elements {
        if element.is_choice {
            widest = widest.max(element.types.len());
        }
        for inner in element.types.iter().filter(|inner| is_nested(types, inner)) {
            widest = widest.max(widest_choice(types, inner, depth + 1));
        }
    }
    widest
}

/// Whether it is a type within a resource type, or a datatype with choices.
fn is_nested(types: &BTreeMap<&'static str, TypeDefinition>, name: &str) -> bool {
    types.get(name).is_some_and(|definition| definition.base == Some("BackboneElement")) || name == "Dosage"
}

impl Builder {
    fn members(&mut self, name: &str, depth: usize) -> Map<String, Value> {
        let mut members = Map::new();
        let Some(definition) = self.types.get(name).cloned() else { return members };
        if let Some("Quantity") = definition.base {
            members = self.members("Quantity", depth);
        }
        for element in &definition.elements {
            let variant = element.types[self.variant % element.types.len()];
            if LEFT_OUT.contains(&element.name) || (depth >= MAX_DEPTH && self.types.contains_key(variant)) {
                continue;
            }
            let key = match element.is_choice {
                true => format!("{}{}{}", element.name, variant[..1].to_uppercase(), &variant[1..]),
                false => element.name.to_owned(),
            };
            let value = match element.is_list {
                true => json!([self.value(variant, depth + 1), self.value(variant, depth + 1)]),
                false => self.value(variant, depth + 1),
            };
            members.insert(key, value);
        }
        members
    }

    fn value(&mut self, name: &str, depth: usize) -> Value {
        self.count += 1;
        let count = self.count;
        match name {
            "boolean" => json!(count.is_multiple_of(2)),
            "integer" | "positiveInt" | "unsignedInt" => json!(count),
            "decimal" => json!(count as f64 + 0.5),
            "date" => json!(format!("2020-01-{:02}", count % 28 + 1)),
            "dateTime" => json!(format!("2020-02-{:02}T03:04:05+02:00", count % 28 + 1)),
            "instant" => json!(format!("2020-03-{:02}T03:04:05.678Z", count % 28 + 1)),
            "time" => json!(format!("10:11:{:02}", count % 60)),
            "base64Binary" => json!("QUJD"),
            "Reference" => {
                json!({"reference": format!("urn:nowhere:{count}"), "display": format!("shown {count}")})
            }
            _ if self.types.contains_key(name) => Value::Object(self.members(name, depth)),
            _ => json!(format!("{name}-{count}")),
        }
    }
}
