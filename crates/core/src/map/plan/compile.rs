//! Compiles declarations: resolves each path to a slot and steps, each datatype
//! to its code, and each table to its place among all tables.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::error::PlanError;
use super::resource::{ChildPlan, Field, ListPlan, ResourcePlan, RowPath, TablePlan};
use super::slots::Slots;
use super::step::{ElementPath, interned};
use super::taken::taken_extensions;
use crate::fhir::snake_case;
use crate::json::{Dictionary, DictionaryFull, NameId};
use crate::model::{
    self, ChildTable, DatatypeName, DatatypeWord, Element, ModelError, ModelProblem, Resource, RouteStep,
    Rows, Table,
};

/// Members that every resource may have.
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

pub(super) struct Compiler<'m> {
    tables: &'m [Table],
    /// The places of all tables, by name.
    places: FxHashMap<&'m str, usize>,
    /// The names of columns that are in an index, by table.
    indexed: BTreeMap<String, Vec<String>>,
    dictionary: Dictionary,
}

/// What a table is declared with.
struct Declared<'m> {
    name: &'m str,
    elements: Vec<&'m Element>,
    children: &'m [ChildTable],
    resource: &'m Resource,
    is_root: bool,
}

impl<'m> Compiler<'m> {
    /// A compiler of declarations that mean these tables.
    pub fn new(tables: &'m [Table]) -> Self {
        let places = tables.iter().enumerate().map(|(place, table)| (table.name.as_str(), place));
        Compiler {
            tables,
            places: places.collect(),
            indexed: model::indexed_columns(tables),
            dictionary: Dictionary::new(),
        }
    }

    /// The plans of all declarations, in their order, and the numbers of all
    /// names in them.
    pub fn all(mut self, declarations: &[Resource]) -> Result<(Vec<ResourcePlan>, Dictionary), PlanError> {
        let mut plans = Vec::new();
        for declared in declarations {
            plans.push(self.resource(declared)?);
        }
        share_members(declarations, &mut plans);
        Ok((plans, self.dictionary))
    }

    fn resource(&mut self, resource: &Resource) -> Result<ResourcePlan, PlanError> {
        let mut slots = Slots::new();
        for member in COMMON.into_iter().chain(resource.archived.iter().map(String::as_str)) {
            slots.note_member(self.dictionary.intern(member)?);
        }
        let patient = self.front(resource, model::PATIENT_ID, "Patient", &mut slots)?;
        let encounter = self.front(resource, model::ENCOUNTER_ID, "Encounter", &mut slots)?;
        let mut lists = Vec::new();
        for list in &resource.lists {
            let path = slots.path(&list.path, &mut self.dictionary)?;
            lists.push(ListPlan { table: list.table, element: model::route_text(&list.path), path });
        }
        let own = |element: &&Element| !model::is_only_front(resource, element);
        let declared = Declared {
            name: &resource.table,
            elements: resource.elements.iter().filter(own).collect(),
            children: &resource.tables,
            resource,
            is_root: true,
        };
        let condition = match &resource.condition {
            Some((path, value)) => Some((interned(path, &mut self.dictionary)?, value.clone())),
            None => None,
        };
        Ok(ResourcePlan {
            is_other: resource.is_other(),
            is_patient: resource.name == "Patient",
            condition,
            patient,
            encounter,
            table: self.table(declared, slots)?,
            lists,
        })
    }

    /// The field of a column in front, which holds the key of a `target`.
    fn front(
        &mut self,
        resource: &Resource,
        column: &str,
        target: &str,
        slots: &mut Slots,
    ) -> Result<Option<Field>, PlanError> {
        let Some(element) = model::front_element(resource, column) else { return Ok(None) };
        let datatype = match &element.datatype {
            DatatypeName::One(word) if matches!(word.name.as_str(), "Key" | "Agreed") => word.clone(),
            _ => DatatypeWord { name: "Key".to_owned(), argument: Some(target.to_owned()) },
        };
        let element = Element { datatype: DatatypeName::One(datatype), ..element.clone() };
        self.field(&element, &resource.table, false, slots).map(Some)
    }

    fn table(&mut self, declared: Declared<'_>, mut slots: Slots) -> Result<TablePlan, PlanError> {
        let Declared { name, elements, children, resource, is_root } = declared;
        let mut fields = Vec::new();
        let taken_extensions = taken_extensions(&elements, children);
        for element in elements {
            fields.push(self.field(element, name, !is_root, &mut slots)?);
        }
        let mut plans = Vec::new();
        for child in children {
            plans.push(self.child(name, child, &mut slots, resource)?);
        }
        let table = self.places[name];
        let columns = &self.tables[table].columns;
        Ok(TablePlan {
            table,
            column_count: columns.len() as i16,
            has_extension: columns.iter().any(|column| column.name == "extension"),
            slots,
            outlines: fields.iter().map(Field::outline).collect(),
            fields,
            children: plans,
            taken_extensions,
        })
    }

    fn child(
        &mut self,
        parent: &str,
        child: &ChildTable,
        slots: &mut Slots,
        resource: &Resource,
    ) -> Result<ChildPlan, PlanError> {
        let name = format!("{parent}_{}", snake_case(&child.element));
        let mut row_paths = Vec::new();
        for route in &child.from {
            row_paths.push(self.row_path(&route.path, &route.constants, slots)?);
        }
        if child.from.is_empty() {
            row_paths.push(self.row_path(&[RouteStep::Member(child.element.clone())], &[], slots)?);
        }
        let mut own_slots = Slots::new();
        if child.rows == Rows::Recursive {
            own_slots.give(NameId::ITEM);
            own_slots.give(NameId::ANSWER);
        }
        let declared = Declared {
            name: &name,
            elements: child.elements.iter().collect(),
            children: &child.tables,
            resource,
            is_root: false,
        };
        Ok(ChildPlan {
            rows: child.rows,
            has_patient: model::has_patient(resource),
            row_paths,
            places: child.place.clone(),
            table: self.table(declared, own_slots)?,
        })
    }

    fn row_path(
        &mut self,
        route: &[RouteStep],
        constants: &[(String, String)],
        slots: &mut Slots,
    ) -> Result<RowPath, DictionaryFull> {
        let ElementPath { slot, steps } = slots.path(route, &mut self.dictionary)?;
        let enclosing = route.iter().filter_map(|step| match step {
            RouteStep::Member(name) => {
                Some(format!("{}_ordinal", snake_case(name).replace("add_item", "item")))
            }
            _ => None,
        });
        Ok(RowPath {
            slot,
            steps,
            constants: constants.iter().map(|(_, value)| value.clone()).collect(),
            enclosing: enclosing.collect(),
        })
    }

    /// The field of an element in a row of `table`.
    fn field(
        &mut self,
        element: &Element,
        table: &str,
        is_in_child: bool,
        slots: &mut Slots,
    ) -> Result<Field, PlanError> {
        let of_table = |problem: ModelProblem| ModelError { table: table.to_owned(), problem };
        let datatype = model::element_datatype(element, is_in_child).map_err(of_table)?;
        let columns = datatype.columns(&model::element_prefix(element));
        let is_indexed = |column: &usize| {
            self.indexed.get(table).is_some_and(|indexed| indexed.contains(&columns[*column].name))
        };
        let indexed = (0..columns.len()).filter(is_indexed).collect();
        let routes = match &element.datatype {
            DatatypeName::One(_) => element.path.clone(),
            DatatypeName::Choice(variants) => {
                let names = variants.iter().map(|(type_name, _)| type_name.as_str());
                element.path.iter().flat_map(|route| variant_routes(route, names.clone())).collect()
            }
        };
        let mut paths = Vec::new();
        for route in &routes {
            paths.push(slots.path(route, &mut self.dictionary)?);
        }
        Ok(Field {
            slots: paths.iter().map(|path| path.slot as u16).collect(),
            paths,
            is_choice: matches!(element.datatype, DatatypeName::Choice(_)),
            datatype,
            width: columns.len(),
            indexed,
        })
    }
}

/// `deceasedBoolean` and `deceasedDateTime` of `deceased[x]`.
fn variant_routes<'n>(
    route: &[RouteStep],
    type_names: impl Iterator<Item = &'n str>,
) -> impl Iterator<Item = Vec<RouteStep>> {
    let (base, group) = match route.split_last() {
        Some((RouteStep::Choice(base), group)) => (base.as_str(), group),
        _ => ("", route),
    };
    type_names.map(move |type_name| {
        let mut characters = type_name.chars();
        let capital = characters.next().map(|first| first.to_ascii_uppercase());
        let name = base.chars().chain(capital).chain(characters).collect();
        [group, &[RouteStep::Member(name)]].concat()
    })
}

/// A member that one root table of a type knows is unknown to none of them.
fn share_members(declarations: &[Resource], plans: &mut [ResourcePlan]) {
    let members: Vec<Vec<u16>> = plans.iter().map(|plan| plan.table.slots.members()).collect();
    for (own, plan) in plans.iter_mut().enumerate() {
        for (other, members) in members.iter().enumerate() {
            if other != own && declarations[other].name == declarations[own].name {
                plan.table.slots.note_members_of(members);
            }
        }
    }
}
