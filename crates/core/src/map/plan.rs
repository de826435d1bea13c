//! The *plan* is the declared model made ready to run: for each table the
//! names that its elements go by, and for each column's datatype the places where
//! its values stand. It is compiled once, when the program starts.

use std::sync::{Arc, LazyLock};

use rustc_hash::FxHashMap;

use super::lifecycle::{ClearTable, HistoryTable, Lifecycle};
use crate::datatype::Datatype;
use crate::fhir::{ResourceType, snake_case};
use crate::json::{Dictionary, NameId};
use crate::model::{
    self, ChildTable, DECLARED, DatatypeName, Element, GenericTable, Resource, RouteStep, Rows,
};

/// The plan of the built-in declarations.
static BUILT_IN: LazyLock<Arc<Plan>> = LazyLock::new(|| Arc::new(Plan::compile()));

/// All that the mapper does, by resource type.
pub struct Plan {
    pub(super) resources: Vec<ResourcePlan>,
    /// By `ResourceType::index`: the place in `resources`.
    by_type: Vec<usize>,
    /// All tables, in the order of the batches' buffers.
    pub tables: Vec<model::Table>,
    /// Of all names that the declarations know.
    pub(super) dictionary: Arc<Dictionary>,
    pub(super) generic: GenericPlaces,
    /// By `ResourceType::index`.
    lifecycles: Vec<Lifecycle>,
    types_with_history: Vec<ResourceType>,
}

/// Where the generic tables stand among all.
pub(super) struct GenericPlaces {
    pub identifier: usize,
    pub telecom: usize,
    pub concept: usize,
    pub reference: usize,
    pub note: usize,
    pub coding: usize,
}

pub(super) struct ResourcePlan {
    pub is_other: bool,
    pub is_patient: bool,
    pub patient: Option<Field>,
    pub encounter: Option<Field>,
    pub table: TablePlan,
    pub lists: Vec<ListPlan>,
}

pub(super) struct ListPlan {
    pub table: GenericTable,
    /// FHIR's name of the element, as the tables show it.
    pub element: String,
    pub place: ElementPath,
}

/// A step of a declared path, ready to be taken.
#[derive(Clone, Debug)]
pub(super) enum PathStep {
    Member(NameId),
    /// The item of that number, from 0.
    Index(usize),
    /// Only items that have that text at that path.
    Where(Vec<NameId>, String),
    /// From a reference to the contained resource that it means.
    Resolve,
}

/// Where something stands: an element of the row, and the way from there.
pub(super) struct ElementPath {
    pub slot: usize,
    pub steps: Vec<PathStep>,
}

pub(super) struct Field {
    /// Where its elements may stand.
    pub slots: Vec<u16>,
    pub places: Vec<ElementPath>,
    /// Each place is a variant of a choice rather than an alternative.
    pub is_choice: bool,
    pub datatype: Box<dyn Datatype>,
    pub width: usize,
    /// Which of its columns are text that an index holds, from 0.
    pub indexed: Vec<usize>,
}

pub(super) struct TablePlan {
    pub table: usize,
    pub column_count: i16,
    pub has_extension: bool,
    pub names: Names,
    pub fields: Vec<Field>,
    pub children: Vec<ChildPlan>,
    /// Extensions that columns take: where they stand and their url.
    pub taken_extensions: Vec<(String, String)>,
}

pub(super) struct ChildPlan {
    pub rows: Rows,
    pub has_patient: bool,
    pub sources: Vec<RowPath>,
    pub places: Vec<String>,
    pub plan: TablePlan,
}

pub(super) struct RowPath {
    pub slot: usize,
    pub steps: Vec<PathStep>,
    pub constants: Vec<String>,
    /// Which of an adjudication's places the lists on the way give.
    pub enclosing: Vec<String>,
}

/// The slot of the row's element as a whole.
pub(super) const ITSELF: usize = 0;

/// The names of an element's members and the slots they go to.
pub(super) struct Names {
    /// By `NameId::index`.
    slots: Vec<u16>,
    pub slot_count: usize,
}

/// No such element.
const NO_ELEMENT: u16 = u16::MAX;
/// An element without a column.
const NO_SLOT: u16 = u16::MAX - 1;

impl Names {
    fn new() -> Self {
        Names { slots: Vec::new(), slot_count: 1 }
    }

    fn place_of(&mut self, name: NameId) -> &mut u16 {
        if self.slots.len() <= name.index() {
            self.slots.resize(name.index() + 1, NO_ELEMENT);
        }
        &mut self.slots[name.index()]
    }

    fn slot(&mut self, name: NameId) -> usize {
        let next = self.slot_count;
        let slot = self.place_of(name);
        if *slot < NO_SLOT {
            return usize::from(*slot);
        }
        *slot = next as u16;
        self.slot_count += 1;
        next
    }

    fn know(&mut self, name: NameId) {
        let slot = self.place_of(name);
        *slot = NO_SLOT.min(*slot);
    }

    /// `None`: no such element; `Some(None)`: an element without a column.
    #[inline]
    pub fn get(&self, name: NameId) -> Option<Option<usize>> {
        match self.slots.get(name.index()) {
            None | Some(&NO_ELEMENT) => None,
            Some(&NO_SLOT) => Some(None),
            Some(&slot) => Some(Some(usize::from(slot))),
        }
    }

    fn place(&mut self, route: &[RouteStep], dictionary: &mut Dictionary) -> ElementPath {
        let steps = steps(route, dictionary);
        match steps.split_first() {
            Some((PathStep::Member(name), rest)) => {
                ElementPath { slot: self.slot(*name), steps: rest.to_vec() }
            }
            _ => ElementPath { slot: ITSELF, steps },
        }
    }
}

/// A declared path ready to be taken; `extension(url)` becomes a member and a
/// condition.
fn steps(route: &[RouteStep], dictionary: &mut Dictionary) -> Vec<PathStep> {
    let mut steps = Vec::new();
    for step in route {
        match step {
            RouteStep::Extension(url) => {
                steps.push(PathStep::Member(NameId::EXTENSION));
                steps.push(PathStep::Where(vec![NameId::URL], url.clone()));
            }
            RouteStep::Member(name) => steps.push(PathStep::Member(intern(dictionary, name))),
            RouteStep::Index(index) => steps.push(PathStep::Index(*index)),
            RouteStep::Where(path, text) => {
                steps.push(PathStep::Where(
                    path.iter().map(|name| intern(dictionary, name)).collect(),
                    text.clone(),
                ));
            }
            RouteStep::Resolve => steps.push(PathStep::Resolve),
            RouteStep::Itself => {}
            RouteStep::Choice(_) => unreachable!("a choice is taken apart into its variants"),
        }
    }
    steps
}

/// The number of a name that the declarations mention.
fn intern(dictionary: &mut Dictionary, name: &str) -> NameId {
    dictionary.intern(name).expect("the declarations mention fewer names than a dictionary holds")
}

impl Plan {
    /// The plan of the declarations that fhirmill is built with.
    pub fn built_in() -> Arc<Plan> {
        Arc::clone(&BUILT_IN)
    }

    fn compile() -> Plan {
        let tables = model::tables();
        let by_name: FxHashMap<&str, usize> =
            tables.iter().enumerate().map(|(index, table)| (table.name.as_str(), index)).collect();
        let mut compiler = Compiler { by_name: &by_name, tables: &tables, dictionary: Dictionary::new() };
        let resources: Vec<ResourcePlan> =
            DECLARED.iter().map(|resource| compiler.resource(resource)).collect();
        let other = resources.iter().position(|plan| plan.is_other).unwrap_or_default();
        let by_type = ResourceType::all()
            .map(|resource_type| {
                DECLARED.iter().position(|resource| resource.name == resource_type.name()).unwrap_or(other)
            })
            .collect();
        let place = |name: &str| by_name[name];
        let generic = GenericPlaces {
            identifier: place("resource_identifier"),
            telecom: place("resource_telecom"),
            concept: place("resource_concept"),
            reference: place("resource_reference"),
            note: place("resource_note"),
            coding: place("resource_coding"),
        };
        let dictionary = Arc::new(compiler.dictionary);
        let lifecycles: Vec<Lifecycle> =
            ResourceType::all().map(|resource_type| Lifecycle::of(resource_type, &tables)).collect();
        let has_history = |of: &ResourceType| !lifecycles[of.index()].history.is_empty();
        let types_with_history = ResourceType::all().filter(has_history).collect();
        Plan { resources, by_type, generic, dictionary, tables, lifecycles, types_with_history }
    }

    pub(super) fn of(&self, resource_type: ResourceType) -> &ResourcePlan {
        &self.resources[self.by_type[resource_type.index()]]
    }

    /// The tables to clear when a resource of that type is replaced or deleted.
    pub fn tables_to_clear(&self, resource_type: ResourceType) -> &[ClearTable] {
        &self.lifecycles[resource_type.index()].clear
    }

    /// The tables of that type that keep superseded rows; empty for most types.
    pub fn history_tables(&self, resource_type: ResourceType) -> &[HistoryTable] {
        &self.lifecycles[resource_type.index()].history
    }

    /// The types that have history tables.
    pub fn types_with_history(&self) -> &[ResourceType] {
        &self.types_with_history
    }
}

struct Compiler<'m> {
    by_name: &'m FxHashMap<&'m str, usize>,
    tables: &'m [model::Table],
    dictionary: Dictionary,
}

/// Elements that every resource has.
const COMMON: [&str; 9] = [
    "resourceType",
    "id",
    "meta",
    "implicitRules",
    "language",
    "text",
    "contained",
    "extension",
    "modifierExtension",
];

impl Compiler<'_> {
    fn resource(&mut self, resource: &Resource) -> ResourcePlan {
        let name = if resource.is_other() { "other_resource".to_owned() } else { snake_case(&resource.name) };
        let mut names = Names::new();
        for common in COMMON {
            names.know(intern(&mut self.dictionary, common));
        }
        for archived in &resource.archived {
            names.know(intern(&mut self.dictionary, archived));
        }
        let mut front = |column: &str, names: &mut Names| {
            let element = model::front_element(resource, column)?;
            let datatype_name = match &element.datatype {
                DatatypeName::One(word) if matches!(word.name.as_str(), "Key" | "Agreed") => word.clone(),
                _ => {
                    let target = if column == model::PATIENT_ID { "Patient" } else { "Encounter" };
                    model::DatatypeWord { name: "Key".to_owned(), argument: Some(target.to_owned()) }
                }
            };
            let element = Element { datatype: DatatypeName::One(datatype_name), ..element.clone() };
            Some(self.field(&element, false, names, &[]))
        };
        let patient = front(model::PATIENT_ID, &mut names);
        let encounter = front(model::ENCOUNTER_ID, &mut names);
        let elements: Vec<&Element> =
            resource.elements.iter().filter(|element| !model::is_only_front(resource, element)).collect();
        let mut lists = Vec::new();
        for list in &resource.lists {
            let place = names.place(&list.path, &mut self.dictionary);
            lists.push(ListPlan { table: list.table, element: model::route_text(&list.path), place });
        }
        let table = self.table(&name, names, &elements, &resource.tables, resource, true);
        ResourcePlan {
            is_other: resource.is_other(),
            is_patient: resource.name == "Patient",
            patient,
            encounter,
            table,
            lists,
        }
    }

    fn table(
        &mut self,
        name: &str,
        mut names: Names,
        elements: &[&Element],
        children: &[ChildTable],
        resource: &Resource,
        is_root: bool,
    ) -> TablePlan {
        let indexed = model::indexed_texts(name);
        let mut fields = Vec::new();
        let mut taken_extensions = Vec::new();
        for element in elements {
            fields.push(self.field(element, !is_root, &mut names, &indexed));
            for route in &element.path {
                taken_extensions.extend(taken_extension(route));
            }
        }
        let mut plans = Vec::new();
        for child in children {
            plans.push(self.child(name, child, &mut names, resource));
        }
        let table = self.by_name[name];
        TablePlan {
            table,
            column_count: self.tables[table].columns.len() as i16,
            has_extension: self.tables[table].columns.iter().any(|column| column.name == "extension"),
            names,
            fields,
            children: plans,
            taken_extensions,
        }
    }

    fn child(
        &mut self,
        parent: &str,
        child: &ChildTable,
        names: &mut Names,
        resource: &Resource,
    ) -> ChildPlan {
        let name = format!("{parent}_{}", snake_case(&child.element));
        let own = vec![RouteStep::Member(child.element.clone())];
        let mut sources = Vec::new();
        for (path, constants) in match child.sources.as_slice() {
            [] => vec![(&own, &[][..])],
            sources => sources.iter().map(|source| (&source.path, source.constants.as_slice())).collect(),
        } {
            let ElementPath { slot, steps } = names.place(path, &mut self.dictionary);
            let enclosing = path.iter().filter_map(|step| match step {
                RouteStep::Member(name) => {
                    Some(format!("{}_ordinal", snake_case(name).replace("add_item", "item")))
                }
                _ => None,
            });
            sources.push(RowPath {
                slot,
                steps,
                constants: constants.iter().map(|(_, value)| value.clone()).collect(),
                enclosing: enclosing.collect(),
            });
        }
        let elements: Vec<&Element> = child.elements.iter().collect();
        let mut own_names = Names::new();
        if child.rows == Rows::Recursive {
            own_names.slot(NameId::ITEM);
            own_names.slot(NameId::ANSWER);
        }
        ChildPlan {
            rows: child.rows,
            has_patient: resource.name != "Patient"
                && model::front_element(resource, model::PATIENT_ID).is_some(),
            sources,
            places: child.place.clone(),
            plan: self.table(&name, own_names, &elements, &child.tables, resource, false),
        }
    }

    /// `indexed` names the text columns of the table that an index holds.
    fn field(
        &mut self,
        element: &Element,
        is_in_child: bool,
        names: &mut Names,
        indexed: &[String],
    ) -> Field {
        let datatype = model::element_datatype(element, is_in_child);
        let columns = model::element_columns(element, is_in_child);
        let width = columns.len();
        let indexed = (0..width).filter(|column| indexed.contains(&columns[*column].name)).collect();
        let places: Vec<ElementPath> = match &element.datatype {
            DatatypeName::One(_) => {
                element.path.iter().map(|route| names.place(route, &mut self.dictionary)).collect()
            }
            DatatypeName::Choice(variants) => {
                let route = &element.path[0];
                let (last, group) = route.split_last().unwrap_or((&RouteStep::Itself, &[]));
                let RouteStep::Choice(base) = last else { unreachable!("a choice's path ends in [x]") };
                variants
                    .iter()
                    .map(|(type_name, _)| {
                        let mut characters = type_name.chars();
                        let capital = characters.next().map(|first| first.to_ascii_uppercase());
                        let name: String = base.chars().chain(capital).chain(characters).collect();
                        names.place(&[group, &[RouteStep::Member(name)]].concat(), &mut self.dictionary)
                    })
                    .collect()
            }
        };
        let slots = places.iter().map(|place| place.slot as u16).collect();
        Field {
            slots,
            places,
            is_choice: matches!(element.datatype, DatatypeName::Choice(_)),
            datatype,
            width,
            indexed,
        }
    }
}

/// Where the first extension on a route stands, and its url.
fn taken_extension(route: &[RouteStep]) -> Option<(String, String)> {
    let mut path: Vec<&str> = Vec::new();
    for step in route {
        match step {
            RouteStep::Member(name) => path.push(name.trim_start_matches('_')),
            RouteStep::Extension(url) => return Some((path.join("."), url.clone())),
            _ => return None,
        }
    }
    None
}
