//! The *state* of a test environment: everything that a load leaves behind, so
//! that two environments that got the same files can be compared, whatever
//! happened to them.
//!
//! Keys are replaced by source, type and FHIR ID, files by their paths. What
//! depends on timing and batches is left out: load times, run numbers, the
//! number of intermediate revisions of a resource, and which of the accepted
//! counts a record is in (a version is stale if the next one is in the same
//! batch, but updated if it is in the tables). The sum of the counts is
//! compared.

use std::collections::BTreeMap;

use super::{TestEnvironment, tables_with_pages};

/// See the module: rows by section, sorted.
#[derive(Debug, PartialEq, Eq)]
pub struct State(BTreeMap<String, Vec<String>>);

/// The readable name of each key in the registry.
const KEYS: &str = "with registry as not materialized (
    select k.id, (select code from etl.source s where s.id = k.source_id) || '/' || k.resource_type || '/' || k.fhir_id as name
      from etl.resource_key k)";

/// The sections other than clinical tables, each row as one text.
const SECTIONS: [(&str, &str); 9] = [
    (
        "registry",
        "select jsonb_build_object('key', registry.name, 'hash', encode(r.content_hash, 'hex'),
            'effective', r.effective_at, 'version', r.version_id, 'updated', r.last_updated, 'file', f.path,
            'position', r.position, 'member', r.member, 'offset', r.byte_offset, 'length', r.byte_length,
            'is deleted', r.deleted_at is not null, 'full url', r.full_url, 'source', r.meta_source,
            'profile', r.profile, 'tag', r.tag, 'security', r.security, 'language', r.language)::text
           from etl.resource r join registry using (id) left join etl.load_file f on f.id = r.file_id",
    ),
    (
        "ledger",
        "select jsonb_build_object('file', f.path, 'source', s.code, 'status', f.status, 'form', f.form, 'seen', f.seen, 'rejected', f.rejected, 'skipped', f.skipped,
            'accepted', f.inserted + f.updated + f.unchanged + f.stale + f.deleted,
            'lies in', f.archive_path,
            'error', f.error)::text
           from etl.load_file f join etl.source s on s.id = f.source_id",
    ),
    ("open parts", "select b.file_id::text from etl.load_batch b"),
    (
        "rejects",
        "select jsonb_build_object('file', f.path, 'position', r.position, 'location', r.location,
            'type', r.resource_type, 'id', r.fhir_id, 'reason', r.reason, 'message', regexp_replace(r.message, 'at byte [0-9]+', 'at byte'),
            'raw', regexp_replace(encode(r.raw, 'hex'), '(20|0a)+$', ''), 'is retried', r.retried_at is not null)::text
           from etl.rejected_record r join etl.load_file f on f.id = r.file_id",
    ),
    (
        "contained resources",
        "select registry.name || ' in ' || (select k.resource_type || '/' || k.fhir_id from etl.resource_key k where k.id = c.container_id)
           from etl.contained_resource c join registry using (id)",
    ),
    (
        "unmapped elements",
        "select resource_type || '.' || element || ' ' || resources from etl.unmapped_element",
    ),
    (
        "deviating elements",
        "select resource_type || '.' || element || ' ' || deviation || ' ' || resources from etl.deviating_element",
    ),
    (
        "unresolved references",
        "select registry.name || ' ' || u.resource_type || ' ' || u.system || ' ' || u.value
           from etl.unresolved_reference u join registry on registry.id = u.resource_id",
    ),
    ("bodies", "select registry.name || ' ' || b.body from etl.resource_body b join registry using (id)"),
];

impl State {
    /// The environment's tables, registry, ledger and folders.
    #[track_caller]
    pub fn of(environment: &TestEnvironment) -> Self {
        let mut sections: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut parts: Vec<String> = SECTIONS
            .map(|(name, rows)| format!("select '{name}' as section, row from ({rows}) as s (row)"))
            .to_vec();
        parts.extend(clinical_tables(environment));
        for row in environment.query(&format!("{KEYS} {}", parts.join("\nunion all "))) {
            let [section, row] = row.try_into().unwrap();
            sections.entry(section).or_default().push(row);
        }
        let is_of_interest = |path: &String| !path.starts_with("logs/") && !path.starts_with("data/");
        sections
            .insert("folders".to_owned(), environment.listing().into_iter().filter(is_of_interest).collect());
        let indexes = "select relname::text from pg_class where relnamespace = 'public'::regnamespace and relkind = 'i' order by 1";
        sections.insert("indexes".to_owned(), environment.query(indexes).into_iter().flatten().collect());
        // A retry's file is named by a number that a sequence gave.
        for rows in sections.values_mut() {
            for row in rows.iter_mut() {
                *row = without_numbers(row, "retry-");
            }
            rows.sort();
        }
        Self(sections)
    }

    /// The clinical tables only.
    pub fn tables(&self) -> Self {
        let of_tables = self.0.iter().filter(|(section, _)| section.starts_with("table "));
        Self(of_tables.map(|(section, rows)| (section.clone(), rows.clone())).collect())
    }

    /// The same state with every row rewritten.
    pub fn rewritten(&self, rewrite: impl Fn(&str) -> String) -> Self {
        let sections = self.0.iter().map(|(section, rows)| {
            let mut rows: Vec<String> = rows.iter().map(|row| rewrite(row)).collect();
            rows.sort();
            (section.clone(), rows)
        });
        Self(sections.collect())
    }

    /// The same state without these sections.
    pub fn without(&self, sections: &[&str]) -> Self {
        let kept = self.0.iter().filter(|(section, _)| !sections.contains(&section.as_str()));
        Self(kept.map(|(section, rows)| (section.clone(), rows.clone())).collect())
    }

    /// The same state with the names of two files exchanged.
    pub fn with_names_swapped(&self, one: &str, other: &str) -> Self {
        let swapped = |row: &String| {
            let parts = row.split(one).map(|part| part.replace(other, one));
            parts.collect::<Vec<_>>().join(other)
        };
        let sections = self.0.iter().map(|(section, rows)| {
            let mut rows: Vec<String> = rows.iter().map(swapped).collect();
            rows.sort();
            (section.clone(), rows)
        });
        Self(sections.collect())
    }

    /// The number of rows.
    pub fn row_count(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// The numbers of rows that only `other` has, and that only `self` has:
    /// lost and duplicated.
    pub fn lost_and_doubled(&self, other: &Self) -> (usize, usize) {
        (minus(other, self).len(), minus(self, other).len())
    }
}

/// Requires both states to be equal, and reports the rows that differ.
#[track_caller]
pub fn assert_same(found: &State, wanted: &State, when: &str) {
    if let Some(difference) = difference(found, wanted) {
        panic!("{when}: {difference}");
    }
}

/// The rows that differ, if any.
pub fn difference(found: &State, wanted: &State) -> Option<String> {
    let (lost, doubled) = (minus(wanted, found), minus(found, wanted));
    if lost.is_empty() && doubled.is_empty() {
        return None;
    }
    let shown = |rows: &[String]| rows.iter().take(20).map(|row| format!("\n    {row}")).collect::<String>();
    Some(format!(
        "the state is not that of an undisturbed run.\n  {} rows are missing:{}\n  {} rows are too many:{}",
        lost.len(),
        shown(&lost),
        doubled.len(),
        shown(&doubled)
    ))
}

/// The rows of `one` that `other` lacks or has fewer times.
fn minus(one: &State, other: &State) -> Vec<String> {
    let mut rest = Vec::new();
    for (section, rows) in &one.0 {
        let mut counts: BTreeMap<&String, i64> = BTreeMap::new();
        for row in other.0.get(section).into_iter().flatten() {
            *counts.entry(row).or_default() += 1;
        }
        for row in rows {
            let count = counts.entry(row).or_default();
            *count -= 1;
            if *count < 0 {
                rest.push(format!("{section}: {row}"));
            }
        }
    }
    rest
}

/// A query for each clinical table that has rows, with its keys replaced by
/// names.
fn clinical_tables(environment: &TestEnvironment) -> Vec<String> {
    let is_filled = |table: &String| format!("select '{table}' as name where exists (select from {table})");
    let names: Vec<String> = tables_with_pages(&environment.current_url()).iter().map(is_filled).collect();
    if names.is_empty() {
        return Vec::new();
    }
    let filled = environment.query(&names.join(" union all "));
    let mut keys: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for column in environment.query(
        "select c.relname::text, a.attname::text from pg_attribute a join pg_class c on c.oid = a.attrelid
          where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
            and a.atttypid = 'bigint'::regtype and (a.attname = 'id' or a.attname like '%\\_id')",
    ) {
        let [table, column] = column.try_into().unwrap();
        keys.entry(table).or_default().push(column);
    }
    let mut queries = Vec::new();
    for table in filled.into_iter().flatten() {
        let mut row = "to_jsonb(t) - 'source_id' - 'loaded_at'".to_owned();
        for column in keys.get(&table).into_iter().flatten() {
            row += &format!(
                " || jsonb_build_object('{column}', coalesce((select name from registry where registry.id = t.{column}), t.{column}::text))"
            );
        }
        queries.push(format!("select 'table {table}' as section, ({row})::text as row from {table} t"));
    }
    queries
}

/// The text without the digits that follow the word.
fn without_numbers(text: &str, word: &str) -> String {
    let mut parts = text.split(word);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out += word;
        out += part.trim_start_matches(|character: char| character.is_ascii_digit());
    }
    out
}
