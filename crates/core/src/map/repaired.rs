//! Gives every resource the shape that R4 defines before it is mapped.

use std::sync::Arc;

use super::input::Input;
use super::plan::Plan;
use super::shape::{Deviations, Shape, check, repair};
use super::unmapped::UnmappedElements;
use crate::fhir::ResourceType;
use crate::json::{JsonError, NameId, Parser, Tree, Value};

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

    /// The resource with R4's shape: `tree` itself, for nearly all. `notes` take
    /// its deviations and the elements that R4 does not define.
    pub fn as_defined<'t>(
        &'t mut self,
        tree: Tree<'t>,
        input: &Input<'_>,
        plan: &Plan,
        (deviations, unmapped): (&mut Deviations, &mut UnmappedElements),
    ) -> Result<(Tree<'t>, Shape), JsonError> {
        let assumed = Shape { is_defined: false, has_extensions: true, has_several_codings: true };
        // What is not loaded is not looked at.
        let name = tree.root().get(NameId::RESOURCE_TYPE).and_then(Value::as_text);
        let is_wanted = |name: &str| input.wanted.is_none_or(|wanted| wanted.contains(name));
        let known =
            name.filter(|name| is_wanted(name.trim())).and_then(|name| ResourceType::named(name.trim()));
        let Some(resource_type) = known else { return Ok((tree, assumed)) };
        let shape = check(&tree, resource_type, &plan.structure, &plan.dictionary);
        if shape.is_defined {
            return Ok((tree, shape));
        }
        let notes_root = plan.of(resource_type).all(|resource| resource.is_other);
        let definitions = (&plan.structure, &*plan.dictionary);
        let is_changed =
            repair(&tree, resource_type, definitions, (deviations, unmapped), notes_root, &mut self.text);
        if !is_changed {
            return Ok((tree, shape));
        }
        Ok((self.parser.parse(&self.text)?, shape))
    }
}
