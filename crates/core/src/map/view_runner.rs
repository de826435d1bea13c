//! Runs views over resources where there is no database.

use std::sync::Arc;

use thiserror::Error;

use super::contained::Contained;
use super::identifier::IdentifierCache;
use super::input::Input;
use super::plan::Plan;
use super::reference::{Allowed, ResolvedReference, Resolver, base_url};
use super::target::Targets;
use super::unmapped::UnmappedElements;
use super::view_keys::key_text;
use crate::datatype::{Expected, References};
use crate::fhir::{ResourceType, generated_id, trimmed};
use crate::json::{Canonical, JsonError, JsonType, NameId, Parser, Selection, Tree, Value};
use crate::read::content_hash;
use crate::rows::Target;
use crate::views::{Diagnostic, Fault, RowSink, View, ViewKeys};

/// Why a resource has no rows in a view.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ViewError {
    /// Its bytes are not JSON.
    #[error("not JSON: {0}")]
    Json(#[from] JsonError),
    /// It does not fit the view.
    #[error("{0}")]
    Fault(#[from] Fault),
}

/// Runs one view over one resource after another, and parses of each only what the
/// view needs.
pub struct ViewRunner {
    view: View,
    selection: Selection,
    parser: Parser,
    memory: KeyMemory,
}

/// What finding keys takes, for reuse.
struct KeyMemory {
    plan: Arc<Plan>,
    targets: Targets,
    identifiers: IdentifierCache,
    resolved: Vec<ResolvedReference>,
    canonical: Canonical,
    /// For resources without an id, which is made of all of their content.
    whole: Parser,
}

impl ViewRunner {
    /// A runner of the view whose definition is in `text`.
    ///
    /// # Errors
    ///
    /// All mistakes of the definition.
    pub fn new(text: &str) -> Result<ViewRunner, Vec<Diagnostic>> {
        let plan = Plan::built_in();
        // References are resolved by the names that the plan knows.
        let mut dictionary = (*plan.dictionary).clone();
        let view = View::compile(text, &mut dictionary)?;
        let dictionary = Arc::new(dictionary);
        Ok(ViewRunner {
            selection: view.selection(),
            view,
            parser: Parser::new(Arc::clone(&dictionary)),
            memory: KeyMemory {
                plan,
                targets: Targets::default(),
                identifiers: IdentifierCache::default(),
                resolved: Vec::new(),
                canonical: Canonical::new(&dictionary),
                whole: Parser::new(dictionary),
            },
        })
    }

    /// The view.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// Passes on the rows of a resource. Says whether it is of the view's type; others
    /// have none.
    ///
    /// # Errors
    ///
    /// Why it has no rows. Some may have been passed on.
    pub fn run<S>(&mut self, input: &Input<'_>, sink: &mut S) -> Result<bool, ViewError>
    where
        S: for<'t> RowSink<'t>,
    {
        let ViewRunner { view, selection, parser, memory } = self;
        let Some(tree) = parser.parse_selected(input.bytes, selection)? else { return Ok(false) };
        let root = tree.root();
        let name = root.get(NameId::RESOURCE_TYPE).and_then(Value::as_text);
        if root.json_type() != JsonType::Object
            || name.is_none_or(|name| trimmed(&name) != view.resource_type.name())
        {
            return Ok(false);
        }
        memory.targets.clear();
        memory.resolved.clear();
        let resource_type = view.resource_type;
        let mut keys = LazyKeys { tree: &tree, resource_type, input, memory, resource: None };
        crate::views::run(view, root, &mut keys, sink)?;
        Ok(true)
    }
}

/// Keys that are found when they are asked for: most views need few.
struct LazyKeys<'k, 't> {
    tree: &'t Tree<'t>,
    resource_type: ResourceType,
    input: &'k Input<'k>,
    memory: &'k mut KeyMemory,
    /// The resource, once it was asked for, with what it contains.
    resource: Option<(Target, Contained<'t>)>,
}

impl<'t> LazyKeys<'_, 't> {
    /// The id, which is made of the content if there is none.
    fn id(&mut self) -> Option<String> {
        if let Some(id) = self.input.id {
            return Some(id.to_owned());
        }
        let written = self.tree.root().get(NameId::ID).and_then(Value::as_text);
        if let Some(id) = written.as_deref().map(trimmed).filter(|id| !id.is_empty()) {
            return Some(id.to_owned());
        }
        let whole = self.memory.whole.parse(self.input.bytes).ok()?;
        content_hash(whole.root(), &mut self.memory.canonical).ok().map(|hash| generated_id(&hash))
    }

    fn resource(&mut self) -> Option<&(Target, Contained<'t>)> {
        if self.resource.is_none() {
            let id = self.id()?;
            let target = self.memory.targets.of_identity(self.resource_type, &id);
            let identity = (self.resource_type, id.as_str(), target);
            let unmapped = &mut UnmappedElements::default();
            let contained = Contained::of(self.tree.root(), identity, &mut self.memory.targets, unmapped);
            self.resource = Some((target, contained));
        }
        self.resource.as_ref()
    }
}

impl ViewKeys for LazyKeys<'_, '_> {
    fn of_resource(&mut self) -> Option<Target> {
        self.resource().map(|(target, _)| *target)
    }

    fn of_reference(&mut self, reference: Value<'_>, expected: Option<ResourceType>) -> Option<Target> {
        self.resource()?;
        let LazyKeys { tree, input, memory, resource, .. } = self;
        let (_, contained) = resource.as_ref()?;
        let mut resolver = Resolver {
            targets: &mut memory.targets,
            identifiers: &mut memory.identifiers,
            full_urls: input.full_urls,
            own_base: input.full_url.and_then(base_url),
            base_urls: input.base_urls,
            resolved: &mut memory.resolved,
            allowed: Allowed::of(tree, &memory.plan.structure),
            contained,
            earlier: None,
        };
        let found =
            resolver.resolve(reference, Expected::AnyKey(expected)).ok().and_then(|found| found.target);
        // Only a database knows who has an identifier.
        memory.identifiers.take_asked();
        found
    }

    fn text(&self, key: Target) -> String {
        key_text(&self.memory.targets, key)
    }
}
