//! What declarations must keep to, so that their tables can be created and the
//! engine fills every column of every row.

use std::collections::BTreeSet;

use super::columns::path_text;
use super::declaration::{ChildTable, DatatypeName, Element, Resource, Rows};
use super::error::{ModelError, ModelProblem};
use super::generic::GenericTable;
use super::path::{RouteStep, route_text};
use super::table::Table;
use crate::fhir::ResourceType;

/// The most columns of a table:
/// <https://www.postgresql.org/docs/current/limits.html>.
const MAX_COLUMNS: usize = 1600;
/// The longest name that Postgres keeps whole:
/// <https://www.postgresql.org/docs/current/sql-syntax-lexical.html>.
pub(super) const MAX_NAME_BYTES: usize = 63;

/// Checks what each declaration says.
pub(super) fn validate(resources: &[Resource]) -> Result<(), ModelError> {
    let mut lists = BTreeSet::new();
    for resource in resources {
        validate_resource(resource).map_err(|problem| problem.of_table(&resource.table))?;
        for list in &resource.lists {
            // Identifiers, telecoms and notes are keyed by their position alone.
            let element = match list.table {
                GenericTable::Concept | GenericTable::Reference => route_text(&list.path),
                _ => String::new(),
            };
            if !lists.insert((&resource.name, list.table.name(), element)) {
                return Err(ModelProblem::ListDeclaredTwice(list.table.name()).of_table(&resource.table));
            }
        }
        for child in &resource.tables {
            validate_child(child, true)
                .map_err(|problem| problem.of_table(&format!("{} ({})", resource.table, child.element)))?;
        }
    }
    Ok(())
}

fn validate_resource(resource: &Resource) -> Result<(), ModelProblem> {
    if resource.is_other() && !(resource.tables.is_empty() && resource.lists.is_empty()) {
        return Err(ModelProblem::Unfillable("the table of all other types can have no lists"));
    }
    if !resource.is_other() && ResourceType::named(&resource.name).is_none() {
        return Err(ModelProblem::UnknownResourceType(resource.name.clone()));
    }
    for list in &resource.lists {
        if list.table == GenericTable::Coding {
            return Err(ModelProblem::Unfillable("codings need no declaration"));
        }
        validate_route(&list.path)?;
    }
    resource.elements.iter().try_for_each(validate_element)
}

/// `is_top` says whether the rows' list is in the resource itself, not in
/// another list that has a table.
fn validate_child(child: &ChildTable, is_top: bool) -> Result<(), ModelProblem> {
    let has_constants = child.from.iter().any(|route| !route.constants.is_empty());
    let constants = |route: usize| child.from[route].constants.iter().map(|(name, _)| name);
    let problem = match child.rows {
        Rows::Nested if has_constants || !child.place.is_empty() => {
            Some("only the rows of a keyed table have constants or a place")
        }
        Rows::Nested => None,
        _ if !is_top => Some("a keyed table cannot be within another"),
        _ if !child.tables.is_empty() => Some("a keyed table cannot have tables within it"),
        Rows::Recursive if child.place.len() != 3 || !child.from.is_empty() => {
            Some("a recursive table has three columns of place and no from")
        }
        _ if (1..child.from.len()).any(|route| !constants(route).eq(constants(0))) => {
            Some("all of a table's from clauses must give the same constants")
        }
        _ => None,
    };
    if let Some(problem) = problem {
        return Err(ModelProblem::Unfillable(problem));
    }
    child.from.iter().try_for_each(|route| validate_route(&route.path))?;
    child.elements.iter().try_for_each(validate_element)?;
    child.tables.iter().try_for_each(|nested| validate_child(nested, false))
}

fn validate_element(element: &Element) -> Result<(), ModelProblem> {
    let DatatypeName::Choice(_) = element.datatype else {
        return match element.path.as_slice() {
            [] => Err(ModelProblem::Unfillable("an element has no path")),
            routes => routes.iter().try_for_each(|route| validate_route(route)),
        };
    };
    match element.path.as_slice() {
        [route] if matches!(route.last(), Some(RouteStep::Choice(_))) => {
            validate_route(&route[..route.len() - 1])
        }
        _ => Err(ModelProblem::MisplacedChoice(path_text(element))),
    }
}

/// A route of something that has one type.
fn validate_route(route: &[RouteStep]) -> Result<(), ModelProblem> {
    match route.iter().any(|step| matches!(step, RouteStep::Choice(_))) {
        true => Err(ModelProblem::MisplacedChoice(route_text(route))),
        false => Ok(()),
    }
}

/// Checks what the declarations mean together.
pub(super) fn validate_tables(tables: &[Table]) -> Result<(), ModelError> {
    let mut names = BTreeSet::new();
    for table in tables {
        let of_table = |problem: ModelProblem| problem.of_table(&table.name);
        if !is_name(&table.name) {
            return Err(of_table(ModelProblem::InvalidName(table.name.clone())));
        }
        if !names.insert(&table.name) {
            return Err(of_table(ModelProblem::DeclaredTwice));
        }
        if table.columns.len() > MAX_COLUMNS {
            return Err(of_table(ModelProblem::TooManyColumns(table.columns.len())));
        }
        let mut columns = BTreeSet::new();
        for column in &table.columns {
            if !is_name(&column.name) {
                return Err(of_table(ModelProblem::InvalidName(column.name.clone())));
            }
            if !columns.insert(&column.name) {
                return Err(of_table(ModelProblem::ColumnDeclaredTwice(column.name.clone())));
            }
        }
    }
    Ok(())
}

/// Whether Postgres keeps the name as it is, and it can do no harm in SQL.
fn is_name(name: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    name.len() <= MAX_NAME_BYTES
        && name.bytes().all(is_inner)
        && name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}
