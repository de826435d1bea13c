//! Child tables: which elements of a resource become rows, with their keys and
//! ordinals.

use std::collections::HashMap;

use super::json::Json;
use super::path::{quoted, split, step};
use super::row::{Cell, Row};
use super::specification::Table;

/// An element that becomes a row, before its columns are read.
#[derive(Debug)]
pub struct Found<'tree> {
    pub element: &'tree Json,
    pub answer: Option<(usize, &'tree Json)>,
    /// The columns that the element's place decides.
    pub places: Row,
    /// The path of the element without indexes.
    pub base: String,
}

/// An element on the way down, with its positions from 1 and the elements that enclose it.
struct Reached<'tree> {
    element: &'tree Json,
    positions: Vec<usize>,
    enclosing: Vec<&'tree Json>,
}

fn number(value: usize) -> Cell {
    Cell::Text(value.to_string())
}

/// All rows of a child table, in order.
pub fn rows<'tree>(table: &Table, resource: &'tree Json) -> Vec<Found<'tree>> {
    let sources = table.row_sources();
    if sources == ["item*"] {
        let mut found = Vec::new();
        answers(resource, None, 1, &mut found);
        return found;
    }
    let is_adjudication = table.name.ends_with("_adjudication");
    let mut found = Vec::new();
    for source in sources {
        for reached in reach(resource, source) {
            let mut places = Row::new();
            if is_adjudication {
                places = adjudication_places(source, &reached);
            } else if source.starts_with("extension(") {
                let kind = if source.contains("us-core-race") { "race" } else { "ethnicity" };
                let level = quoted(split(source, ".")[1]);
                places.insert("kind".to_owned(), Cell::Text(kind.to_owned()));
                places.insert("level".to_owned(), Cell::Text(level.to_owned()));
            } else {
                let mut positions = reached.positions.iter();
                for column in table.columns.iter().skip(1).filter(|column| column.is_key) {
                    let position = positions.next().copied().unwrap_or(0);
                    places.insert(column.name.clone(), number(position));
                }
            }
            found.push(Found { element: reached.element, answer: None, places, base: source.to_owned() });
        }
    }
    if is_adjudication || table.name == "patient_race" {
        number_by_document(resource, &mut found);
    }
    found
}

/// Gives rows from several paths their ordinals: the order in which the document has them.
fn number_by_document(resource: &Json, found: &mut [Found]) {
    let mut order = HashMap::new();
    note_order(resource, &mut order);
    found.sort_by_key(|row| order[&std::ptr::from_ref(row.element)]);
    for (index, row) in found.iter_mut().enumerate() {
        row.places.insert("ordinal".to_owned(), number(index + 1));
    }
}

/// The place of every value of a tree in its text.
fn note_order(value: &Json, order: &mut HashMap<*const Json, usize>) {
    order.insert(std::ptr::from_ref(value), order.len());
    match value {
        Json::Object(members) => members.iter().for_each(|(_, member)| note_order(member, order)),
        Json::List(items) => items.iter().for_each(|item| note_order(item, order)),
        _ => {}
    }
}

/// All elements at the end of a path that are objects.
fn reach<'tree>(resource: &'tree Json, path: &str) -> Vec<Reached<'tree>> {
    let mut reached = vec![Reached { element: resource, positions: Vec::new(), enclosing: Vec::new() }];
    for name in split(path, ".") {
        let mut next = Vec::new();
        for outer in &reached {
            for (index, element) in step(outer.element, name, resource).into_iter().enumerate() {
                if !matches!(element, Json::Object(_)) {
                    continue;
                }
                let mut positions = outer.positions.clone();
                // The detail of a plan's activity is the only one, not one of a list.
                if !(name == "detail" && path.starts_with("activity.")) {
                    positions.push(index + 1);
                }
                let mut enclosing = outer.enclosing.clone();
                enclosing.push(outer.element);
                next.push(Reached { element, positions, enclosing });
            }
        }
        reached = next;
    }
    reached
}

fn adjudication_places(source: &str, reached: &Reached) -> Row {
    let steps = split(source, ".");
    let level = match (steps[0], steps.len()) {
        ("addItem", _) => "add_item",
        ("adjudication", _) => "header",
        (_, 2) => "item",
        (_, 3) => "detail",
        _ => "sub_detail",
    };
    let mut places = Row::new();
    places.insert("level".to_owned(), Cell::Text(level.to_owned()));
    for (index, name) in ["item_ordinal", "detail_ordinal", "sub_detail_ordinal"].into_iter().enumerate() {
        let is_place = index + 1 < steps.len();
        let cell = match is_place {
            true => number(reached.positions[index]),
            false => Cell::Null,
        };
        places.insert(name.to_owned(), cell);
    }
    // The first element that encloses the adjudication is the resource, the second the item.
    let mut sequence = Cell::Null;
    if let Some(item) = reached.enclosing.get(1) {
        let written = item.get("sequence").or_else(|| item.get("itemSequence"));
        if let Some(Json::Number(written)) = written {
            sequence = Cell::Text(written.clone());
        }
    }
    places.insert("item_sequence".to_owned(), sequence);
    places
}

/// Items of a filled-in form, depth first: a row an answer, or one for an item without any.
fn answers<'tree>(
    parent: &'tree Json,
    parent_ordinal: Option<usize>,
    level: usize,
    found: &mut Vec<Found<'tree>>,
) {
    for item in parent.get("item").map_or(&[][..], Json::items) {
        let first_ordinal = found.len() + 1;
        let push = |answer: Option<(usize, &'tree Json)>, found: &mut Vec<Found<'tree>>| {
            let mut places = Row::new();
            let ordinal = found.len() + 1;
            places.insert("ordinal".to_owned(), number(ordinal));
            places.insert("parent_ordinal".to_owned(), parent_ordinal.map_or(Cell::Null, number));
            places.insert(
                "answer_ordinal".to_owned(),
                answer.map_or(Cell::Null, |(index, _)| number(index + 1)),
            );
            places.insert("level".to_owned(), number(level));
            found.push(Found { element: item, answer, places, base: "item".to_owned() });
            ordinal
        };
        let given = item.get("answer").map_or(&[][..], Json::items);
        if given.is_empty() {
            push(None, found);
        }
        for answer in given.iter().enumerate() {
            let ordinal = push(Some(answer), found);
            answers(answer.1, Some(ordinal), level + 1, found);
        }
        answers(item, Some(first_ordinal), level + 1, found);
    }
}
