//! Who *owns* an identifier, as in the database: the one resource of the conversion that
//! has it among its identifiers. Contained resources own none.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io;

use fhirmill_arrow::{Key, key_of};
use fhirmill_core::fhir::ResourceType;
use fhirmill_core::map::{ID_SYSTEM, IdentifierKey, Identity};
use fhirmill_core::model::Table;

use super::merge::Merge;
use super::spill::Run;

/// An identifier's bearer: system, type, and number among the keys.
type Bearer = (String, ResourceType, u32);

/// Resources by their identifiers.
#[derive(Default)]
pub(super) struct Owners {
    /// The keys that the mapper's numbers stand for.
    pub keys: Vec<Key>,
    numbers: HashMap<Key, u32>,
    by_value: HashMap<String, Vec<Bearer>>,
}

/// The most identifiers that are remembered before anybody has asked for them.
const MOST_BEFORE_ASKED: usize = 200_000;

/// A table with identifiers, by its number in the plan.
struct IdentifierTable {
    number: usize,
    key: usize,
    /// `None`: the table is of patients.
    resource_type: Option<usize>,
    system: usize,
    value: usize,
}

fn identifier_tables(tables: &[Table]) -> Vec<IdentifierTable> {
    let of = |(number, table): (usize, &Table)| {
        let at = |name: &str| table.columns.iter().position(|column| column.name == name);
        let resource_type = match table.name.as_str() {
            "patient_identifier" => None,
            "resource_identifier" => Some(at("resource_type")?),
            _ => return None,
        };
        let key = at(if resource_type.is_some() { "resource_id" } else { "patient_id" })?;
        Some(IdentifierTable { number, key, resource_type, system: at("system")?, value: at("value")? })
    };
    tables.iter().enumerate().filter_map(of).collect()
}

impl Owners {
    /// All identifiers in the runs but for patients'; of the first only, if they are many.
    pub fn before_asked(runs: &[Run], tables: &[Table]) -> io::Result<Self> {
        let mut owners = Owners::default();
        for table in identifier_tables(tables).iter().filter(|table| table.resource_type.is_some()) {
            owners.scan(runs, table, &|_| true, &|_| true)?;
        }
        Ok(owners)
    }

    /// The identifiers in the runs that are asked for, of records that are kept.
    pub fn of_asked(
        runs: &[Run],
        tables: &[Table],
        asked: &BTreeSet<IdentifierKey>,
        is_kept: &dyn Fn(u64) -> bool,
        source: &str,
    ) -> io::Result<Self> {
        let values: HashSet<&str> = asked.iter().map(|key| key.value.as_str()).collect();
        let mut owners = Owners::default();
        for table in identifier_tables(tables) {
            owners.scan(runs, &table, &|value| values.contains(value), is_kept)?;
        }
        for key in asked.iter().filter(|key| key.system == ID_SYSTEM) {
            for resource_type in key.resource_types() {
                let identity = Identity { resource_type, fhir_id: &key.value };
                owners.add(ID_SYSTEM, &key.value, resource_type, key_of(source, identity));
            }
        }
        Ok(owners)
    }

    /// The keys of all that have one of the identifiers.
    pub fn candidates(&self) -> HashSet<Key> {
        self.keys.iter().copied().collect()
    }

    /// Forgets those that are not there.
    pub fn keep(&mut self, living: &HashSet<Key>) {
        let keys = &self.keys;
        for bearers in self.by_value.values_mut() {
            bearers.retain(|(.., number)| living.contains(&keys[*number as usize]));
        }
    }

    /// The one resource that has the identifier: its type, and its number among the keys.
    pub fn owner(&self, asked: &IdentifierKey) -> Option<(ResourceType, i64)> {
        let bearers = self.by_value.get(&asked.value)?.iter();
        let mut found = bearers.filter(|(system, resource_type, _)| asked.may_mean(system, *resource_type));
        let (_, resource_type, number) = found.next()?;
        found.all(|(.., other)| other == number).then_some((*resource_type, i64::from(*number)))
    }

    fn add(&mut self, system: &str, value: &str, resource_type: ResourceType, key: Key) {
        let number = *self.numbers.entry(key).or_insert_with(|| {
            self.keys.push(key);
            self.keys.len() as u32 - 1
        });
        let bearers = self.by_value.entry(value.to_owned()).or_default();
        bearers.push((system.to_owned(), resource_type, number));
    }

    fn scan(
        &mut self,
        runs: &[Run],
        table: &IdentifierTable,
        is_wanted: &dyn Fn(&str) -> bool,
        is_kept: &dyn Fn(u64) -> bool,
    ) -> io::Result<()> {
        let mut merge = Merge::new(runs, table.number)?;
        while let Some((head, mut rows)) = merge.next()? {
            if !is_kept(head.record) {
                continue;
            }
            while let Some(row) = take_row(&mut rows) {
                self.row(table, &row, is_wanted);
            }
            if self.by_value.len() > MOST_BEFORE_ASKED {
                break;
            }
        }
        Ok(())
    }

    fn row(&mut self, table: &IdentifierTable, row: &[Option<&[u8]>], is_wanted: &dyn Fn(&str) -> bool) {
        let text = |at: usize| row.get(at).copied().flatten().map(std::str::from_utf8);
        let Some(Ok(value)) = text(table.value).filter(|value| value.is_ok_and(is_wanted)) else { return };
        let resource_type = match table.resource_type {
            Some(at) => text(at).and_then(Result::ok).and_then(ResourceType::named),
            None => ResourceType::named("Patient"),
        };
        let key = row.get(table.key).copied().flatten().and_then(|key| Key::try_from(key).ok());
        if let (Some(resource_type), Some(key)) = (resource_type, key) {
            let system = text(table.system).and_then(Result::ok).unwrap_or("");
            self.add(system, value, resource_type, key);
        }
    }
}

/// The values of the first row, which is taken off.
pub(super) fn take_row<'r>(rows: &mut &'r [u8]) -> Option<Vec<Option<&'r [u8]>>> {
    let (count, mut rest) = rows.split_first_chunk::<2>()?;
    let count = usize::from(u16::from_be_bytes(*count));
    let mut values = Vec::with_capacity(count);
    while values.len() < count {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let length = i32::from_be_bytes(*length);
        let Ok(bytes) = usize::try_from(length) else {
            // Nulls of a compact row.
            values.resize(values.len() + length.unsigned_abs() as usize, None);
            rest = after;
            continue;
        };
        let (value, after) = after.split_at_checked(bytes)?;
        values.push(Some(value));
        rest = after;
    }
    *rows = rest;
    Some(values)
}
