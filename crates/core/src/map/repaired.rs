//! Gives every resource the shape that R4 defines before it is mapped.

use std::sync::Arc;

use super::generic::without_indexes;
use super::input::{Input, MapError};
use super::plan::Plan;
use super::shape::{Deviation, Deviations, Shape, check, repair};
use super::unmapped::UnmappedElements;
use crate::fhir::{ResourceType, trimmed};
use crate::json::{JsonType, NameId, Parser, Tree, Value};

/// Memory for resources of another shape, for reuse.
pub(super) struct RepairMemory {
    parser: Parser,
    text: Vec<u8>,
}

impl RepairMemory {
    /// For trees of the plan's dictionary.
    pub fn new(plan: &Plan) -> Self {
        RepairMemory { parser: Parser::new(Arc::clone(&plan.dictionary)), text: Vec::new() }
    }

    /// The resource with R4's shape: `tree` itself, for nearly all; and its type.
    /// `notes` take its deviations and the elements that R4 does not define.
    ///
    /// # Errors
    /// It has no type that R4 defines and that is wanted, or with R4's shape it
    /// exceeds a limit of the parser.
    pub fn as_defined<'t>(
        &'t mut self,
        tree: Tree<'t>,
        input: &Input<'_>,
        plan: &Plan,
        (deviations, unmapped): (&mut Deviations, &mut UnmappedElements),
    ) -> Result<(Tree<'t>, ResourceType, Shape), MapError> {
        let resource_type = wanted_type(tree.root(), input)?;
        let mut further = Vec::new();
        let shape = check(&tree, resource_type, &plan.structure, &plan.dictionary, &mut further);
        if shape.is_defined {
            for list in further {
                let path = without_indexes(&tree.value_at(list).path());
                deviations.note(resource_type, &path, Deviation::Further);
            }
            return Ok((tree, resource_type, shape));
        }
        let notes_root = plan.of(resource_type).all(|resource| resource.is_other);
        let definitions = (&plan.structure, &*plan.dictionary);
        let is_changed =
            repair(&tree, resource_type, definitions, (deviations, unmapped), notes_root, &mut self.text);
        if !is_changed {
            return Ok((tree, resource_type, shape));
        }
        Ok((self.parser.parse(&self.text)?, resource_type, shape))
    }
}

/// Whether a Parameters is a header line of an export that is organized by a resource type: it only
/// says which resource the next lines belong to.
fn is_export_header(root: Value<'_>) -> bool {
    let Some(parameters) = root.get("parameter") else { return false };
    parameters.items().any(|parameter| {
        parameter.get("name").and_then(Value::as_text).is_some_and(|name| name == "header")
            && parameter.get("valueReference").is_some()
    })
}

/// The resource's type, if it is one of R4 and wanted. Blanks around it do not
/// matter. A type that R4 does not define is an error whatever is wanted: it may be
/// a wanted one that is misspelt.
fn wanted_type(root: Value<'_>, input: &Input<'_>) -> Result<ResourceType, MapError> {
    if root.json_type() != JsonType::Object {
        return Err(MapError::NotAnObject);
    }
    let name = root.get(NameId::RESOURCE_TYPE).and_then(Value::as_text).ok_or(MapError::NoResourceType)?;
    let known = ResourceType::named(&name).or_else(|| ResourceType::named(trimmed(&name)));
    let resource_type = known.ok_or(MapError::UnknownResourceType)?;
    if resource_type.name() == "Parameters" && is_export_header(root) {
        return Err(MapError::ExportHeader);
    }
    if input.wanted.is_some_and(|wanted| !wanted.contains(resource_type.name())) {
        return Err(MapError::NotWanted { resource_type });
    }
    Ok(resource_type)
}
