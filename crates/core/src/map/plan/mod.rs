//! The *plan* is the model made ready to run: for each root table, where the
//! values of its columns stand in a resource and which datatype writes them. It
//! is compiled once, for the built-in declarations or for any others, and then
//! shared.

mod compile;
mod error;
mod first_shown;
mod lifecycle;
mod resource;
mod slots;
mod step;
mod taken;
mod views;

use std::sync::{Arc, LazyLock};

use crate::fhir::ResourceType;
use crate::json::Dictionary;
use crate::model::{self, DECLARED, GenericTable, Resource, Table};

use super::shape::Structure;
use compile::Compiler;
pub use error::PlanError;
pub(super) use first_shown::ListPath;
use first_shown::first_shown;
use lifecycle::Lifecycle;
pub use lifecycle::{ClearTable, HistoryTable};
pub(super) use resource::{ChildPlan, Field, FieldOutline, ListPlan, ResourcePlan, RowPath, TablePlan};
pub(super) use slots::ITSELF;
pub(super) use step::PathStep;
pub(super) use taken::TakenExtension;
pub(super) use views::ViewPlan;
pub use views::{KEY_OF_VIEW_ROWS, ViewTable, view_columns};

/// Everything that a mapper does, by resource type.
pub struct Plan {
    /// All tables, in the order of a batch's buffers.
    pub tables: Vec<Table>,
    resources: Vec<ResourcePlan>,
    /// By `ResourceType::index`: the places of the type's plans in `resources`.
    by_type: Vec<Vec<usize>>,
    /// The numbers of all names that the declarations mention.
    pub(super) dictionary: Arc<Dictionary>,
    /// What R4 defines, in the dictionary's numbers.
    pub(super) structure: Structure,
    pub(super) generic: GenericPlaces,
    /// By `ResourceType::index`.
    lifecycles: Vec<Lifecycle>,
    types_with_history: Vec<ResourceType>,
    /// Tables that users declare.
    pub(super) views: Vec<ViewPlan>,
    is_of_views_only: bool,
}

/// Where a generic table is among all tables.
#[derive(Clone, Copy)]
pub(super) struct GenericPlace {
    pub table: usize,
    pub column_count: i16,
}

/// Where all generic tables are.
pub(super) struct GenericPlaces([GenericPlace; GenericTable::ALL.len()]);

impl GenericPlaces {
    /// The generic tables are the last of `tables`, in their order.
    fn among(tables: &[Table]) -> Self {
        let first = tables.len().saturating_sub(GenericTable::ALL.len());
        GenericPlaces(GenericTable::ALL.map(|generic| {
            let table = first + generic as usize;
            GenericPlace { table, column_count: tables[table].columns.len() as i16 }
        }))
    }

    /// Where that one is.
    #[inline]
    pub fn of(&self, table: GenericTable) -> GenericPlace {
        self.0[table as usize]
    }
}

static BUILT_IN: LazyLock<Arc<Plan>> = LazyLock::new(|| {
    // Built in and covered by a test, so only a developer can see it.
    let plan = Plan::with_tables(&DECLARED, model::tables());
    Arc::new(plan.unwrap_or_else(|error| panic!("the built-in model: {error}")))
});

impl Plan {
    /// The plan of the declarations that fhirmill is built with.
    pub fn built_in() -> Arc<Plan> {
        Arc::clone(&BUILT_IN)
    }

    /// The plan of declarations as text, in the language of the `*.model` files.
    ///
    /// # Errors
    ///
    /// A line that is not of the language, or anything that [`Plan::compile`]
    /// refuses.
    pub fn from_declarations(text: &str) -> Result<Plan, PlanError> {
        Plan::compile(&model::parse_resources(text)?)
    }

    /// The plan of declarations. A resource type may have several root tables,
    /// all of which a resource is mapped into; types without any are mapped into
    /// those of `Other`, if there are some, and else into none.
    ///
    /// # Errors
    ///
    /// Tables that cannot be made or filled, or more names of elements than a
    /// dictionary holds.
    pub fn compile(declarations: &[Resource]) -> Result<Plan, PlanError> {
        Plan::with_tables(declarations, model::tables_of(declarations)?)
    }

    /// The plan of declarations whose tables are these.
    fn with_tables(declarations: &[Resource], tables: Vec<Table>) -> Result<Plan, PlanError> {
        let (resources, mut dictionary) = Compiler::new(&tables).all(declarations)?;
        let structure = Structure::compile(&mut dictionary, &first_shown(declarations))?;
        let places = |is_wanted: &dyn Fn(&Resource) -> bool| -> Vec<usize> {
            (0..declarations.len()).filter(|place| is_wanted(&declarations[*place])).collect()
        };
        let by_type = ResourceType::all().map(|resource_type| {
            let own = places(&|declared| declared.name == resource_type.name());
            if own.is_empty() { places(&Resource::is_other) } else { own }
        });
        let lifecycles: Vec<Lifecycle> =
            ResourceType::all().map(|resource_type| Lifecycle::of(resource_type, &tables)).collect();
        let has_history = |of: &ResourceType| !lifecycles[of.index()].history.is_empty();
        Ok(Plan {
            by_type: by_type.collect(),
            resources,
            dictionary: Arc::new(dictionary),
            structure,
            generic: GenericPlaces::among(&tables),
            types_with_history: ResourceType::all().filter(has_history).collect(),
            lifecycles,
            tables,
            views: Vec::new(),
            is_of_views_only: false,
        })
    }

    /// The built-in plan, and these views besides.
    ///
    /// # Errors
    ///
    /// A view has a mistake.
    pub fn with_views(views: &[ViewTable]) -> Result<Plan, PlanError> {
        Plan::compile(&DECLARED)?.and_views(views)
    }

    /// The plan of these views alone: to fill their tables while all others stay as
    /// they are.
    ///
    /// # Errors
    ///
    /// A view has a mistake.
    pub fn of_views(views: &[ViewTable]) -> Result<Plan, PlanError> {
        let plan = Plan::compile(&[])?.and_views(views)?;
        Ok(Plan { is_of_views_only: true, ..plan })
    }

    /// Whether it fills tables of views that are made of resources of that type.
    pub fn has_views_of(&self, resource_type: ResourceType) -> bool {
        self.views.iter().any(|of| of.view.resource_type == resource_type)
    }

    /// Whether it fills tables of views only.
    pub fn is_of_views_only(&self) -> bool {
        self.is_of_views_only
    }

    /// The root table plans of a resource type.
    #[inline]
    pub(super) fn of(&self, resource_type: ResourceType) -> impl Iterator<Item = &ResourcePlan> {
        self.by_type[resource_type.index()].iter().map(|place| &self.resources[*place])
    }

    /// The tables to clear when a resource of that type is replaced or deleted.
    pub fn tables_to_clear(&self, resource_type: ResourceType) -> &[ClearTable] {
        &self.lifecycles[resource_type.index()].clear
    }

    /// The tables of that type that keep superseded rows; empty for most types.
    pub fn history_tables(&self, resource_type: ResourceType) -> &[HistoryTable] {
        &self.lifecycles[resource_type.index()].history
    }

    /// The types that have history tables, in order.
    pub fn types_with_history(&self) -> &[ResourceType] {
        &self.types_with_history
    }
}

#[cfg(test)]
mod tests;
