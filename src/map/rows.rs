//! Which rows a resource will have, in all of its tables: gathered before any
//! is written, with what numbers and places them.

use super::plan::{ChildPlan, ITSELF, SourcePlan, TablePlan};
use super::route::follow;
use crate::json::{Kind, Value};
use crate::kind::{Defect, DefectReason};
use crate::model::{Rows, Step};

/// So many rows may one resource have, in memory until all are written.
const MOST_ROWS: usize = 300_000;

/// A row that is to be written.
pub(super) struct RowJob<'p, 't> {
    pub table: &'p TablePlan,
    pub child: Option<(&'p ChildPlan, Numbers<'p>)>,
    pub element: Value<'t>,
    pub slots: Vec<Option<Value<'t>>>,
    pub extensions: Vec<Value<'t>>,
}

/// What numbers and places a child row.
#[derive(Clone, Default)]
pub(super) struct Numbers<'p> {
    pub enclosing: Vec<i32>,
    pub ordinal: i32,
    pub constants: &'p [String],
    pub places: Vec<Option<i32>>,
}

/// Adds the rows of all child tables below the row with that number.
pub(super) fn gather_children<'p, 't>(
    root: Value<'t>,
    parent: usize,
    enclosing: &[i32],
    jobs: &mut Vec<RowJob<'p, 't>>,
) -> Result<(), Defect> {
    let table: &'p TablePlan = jobs[parent].table;
    for child in &table.children {
        let mut ordinal = 0;
        for source in &child.sources {
            let Some(start) = jobs[parent].slots[source.slot] else { continue };
            match child.rows {
                Rows::Recursive => gather_answers(child, start, None, 1, &mut ordinal, jobs)?,
                Rows::Nested => {
                    let mut items = Vec::new();
                    follow(start, &source.steps, root, &mut items);
                    for item in items {
                        ordinal += 1;
                        let numbers =
                            Numbers { enclosing: enclosing.to_vec(), ordinal, ..Numbers::default() };
                        let row = jobs.len();
                        add(jobs, job(child, numbers, item)?)?;
                        let within = [enclosing, &[ordinal]].concat();
                        gather_children(root, row, &within, jobs)?;
                    }
                }
                Rows::KeyedByOrdinal | Rows::KeyedByPlace => {
                    let mut found = Vec::new();
                    descend(start, &source.steps, &mut Vec::new(), &[], &mut found);
                    for (positions, way, item) in found {
                        ordinal += 1;
                        let places = places_of(child, source, &positions, &way);
                        let numbers =
                            Numbers { enclosing: Vec::new(), ordinal, constants: &source.constants, places };
                        add(jobs, job(child, numbers, item)?)?;
                    }
                }
            }
        }
    }
    Ok(())
}

/// Items of a questionnaire's answers: one row an answer, or one for the
/// item where there is none, depth first.
fn gather_answers<'p, 't>(
    child: &'p ChildPlan,
    items: Value<'t>,
    parent: Option<i32>,
    level: i32,
    ordinal: &mut i32,
    jobs: &mut Vec<RowJob<'p, 't>>,
) -> Result<(), Defect> {
    for item in items.items() {
        let first = *ordinal + 1;
        let answers: Vec<Value<'t>> =
            item.get("answer").map(|answers| answers.items().collect()).unwrap_or_default();
        for number in 0..answers.len().max(1) {
            *ordinal += 1;
            let answer = answers.get(number).copied();
            let places = vec![parent, answer.map(|_| number as i32 + 1), Some(level)];
            let numbers = Numbers { ordinal: *ordinal, places, ..Numbers::default() };
            let mut row = job(child, numbers, item)?;
            if let Some(Some(slot)) = child.plan.names.get("answer") {
                row.slots[slot] = answer;
            }
            let of_answer = *ordinal;
            add(jobs, row)?;
            if let Some(nested) = answer.and_then(|answer| answer.get("item")) {
                gather_answers(child, nested, Some(of_answer), level + 1, ordinal, jobs)?;
            }
        }
        if let Some(nested) = item.get("item") {
            gather_answers(child, nested, Some(first), level + 1, ordinal, jobs)?;
        }
    }
    Ok(())
}

fn add<'p, 't>(jobs: &mut Vec<RowJob<'p, 't>>, job: RowJob<'p, 't>) -> Result<(), Defect> {
    if jobs.len() >= MOST_ROWS {
        return Err(Defect::new(job.element, DefectReason::TooMuch));
    }
    jobs.push(job);
    Ok(())
}

fn job<'p, 't>(
    child: &'p ChildPlan,
    numbers: Numbers<'p>,
    element: Value<'t>,
) -> Result<RowJob<'p, 't>, Defect> {
    if element.kind() != Kind::Object {
        return Err(Defect::new(element, DefectReason::ExpectedObject));
    }
    let mut slots = vec![None; child.plan.names.slot_count];
    slots[ITSELF] = Some(element);
    for (name, value) in element.members() {
        if let Some(Some(slot)) = child.plan.names.get(name) {
            slots[slot] = Some(value).filter(|value| !value.is_null());
        }
    }
    Ok(RowJob { table: &child.plan, child: Some((child, numbers)), element, slots, extensions: Vec::new() })
}

/// Positions in the lists on the way, what was passed, and where it ends.
type Found<'t> = (Vec<i32>, Vec<Value<'t>>, Value<'t>);

/// Follows a path through lists, noting the position in each.
fn descend<'t>(
    from: Value<'t>,
    steps: &[Step],
    positions: &mut Vec<i32>,
    way: &[Value<'t>],
    found: &mut Vec<Found<'t>>,
) {
    // Conditions do not renumber, so they are not counted as lists.
    if let Some((Step::Where(..), _)) = steps.split_first() {
        let (condition, rest) = steps.split_at(1);
        let mut matching = Vec::new();
        follow(from, condition, from, &mut matching);
        for item in matching {
            match rest.split_first() {
                Some((Step::Member(name), rest)) => {
                    if let Some(member) = item.get(name) {
                        descend(member, rest, positions, way, found);
                    }
                }
                _ => found.push((positions.clone(), way.to_vec(), item)),
            }
        }
        return;
    }
    let items: Vec<Value<'t>> = if from.kind() == Kind::Array { from.items().collect() } else { vec![from] };
    for (index, item) in items.into_iter().enumerate() {
        if item.is_null() {
            continue;
        }
        if found.len() > MOST_ROWS {
            return;
        }
        positions.push(index as i32 + 1);
        match steps.split_first() {
            Some((Step::Member(name), rest)) => {
                if let Some(member) = item.get(name) {
                    descend(member, rest, positions, &[way, &[item]].concat(), found);
                }
            }
            _ => found.push((positions.clone(), way.to_vec(), item)),
        }
        positions.pop();
    }
}

/// The values of a row's place columns.
fn places_of(
    child: &ChildPlan,
    source: &SourcePlan,
    positions: &[i32],
    way: &[Value<'_>],
) -> Vec<Option<i32>> {
    let is_key = child.rows == Rows::KeyedByPlace;
    // The last list is the rows' own; only where places are the key it counts.
    let counted = if is_key { positions.len() } else { positions.len().saturating_sub(1) };
    child
        .places
        .iter()
        .map(|place| {
            if place == "item_sequence" {
                let item = way.first()?;
                let sequence = item.get("sequence").or_else(|| item.get("itemSequence"))?;
                return sequence.as_number()?.parse().ok();
            }
            let at = source.enclosing.iter().position(|name| name == place);
            let position = at.filter(|at| *at < counted).and_then(|at| positions.get(at).copied());
            if is_key { Some(position.unwrap_or(0)) } else { position }
        })
        .collect()
}
