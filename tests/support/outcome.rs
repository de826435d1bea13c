//! The *outcome* of loading: the contents of tables, ledger and folders, in a
//! form that does not depend on the run. Whatever goes wrong, the outcome must
//! equal that of an undisturbed run.
//!
//! Keys are replaced by what they identify (`default/Patient/p1`), files by
//! their paths; times are left out.

use std::collections::BTreeMap;
use std::fs;

use sha2::{Digest, Sha256};

use super::{TestEnvironment, query, tables_with_pages};

/// Sorted lines by the name of their table or folder; empty ones are left out.
pub type Outcome = BTreeMap<String, Vec<String>>;

/// Columns of the ledger's tables that describe the run rather than its result.
const OF_THE_RUN: [&str; 8] = [
    "load_run_id",
    "started_at",
    "finished_at",
    "loaded_at",
    "created_at",
    "archive_path",
    "valid_from",
    "resolved_at",
];

/// The ledger's tables that are part of an outcome.
const OF_THE_LEDGER: [&str; 8] = [
    "etl.load_file",
    "etl.resource_key",
    "etl.resource_version",
    "etl.rejected_record",
    "etl.unmapped_element",
    "etl.deviating_element",
    "etl.unresolved_reference",
    "etl.resource_body",
];

impl TestEnvironment {
    /// Everything that loading left behind, except for logs.
    #[track_caller]
    pub fn outcome(&self) -> Outcome {
        self.outcome_of(self.database_url())
    }

    /// The same, but with the tables of another database.
    #[track_caller]
    pub fn outcome_of(&self, url: &str) -> Outcome {
        let mut outcome = tables_of(url);
        outcome.insert("folders".to_owned(), self.folders());
        outcome
    }

    /// The rows of all clinical tables, the registry and the ledger.
    #[track_caller]
    pub fn tables(&self) -> Outcome {
        tables_of(self.database_url())
    }

    /// Every file with the hash of its content; the date in archive paths is
    /// left out.
    fn folders(&self) -> Vec<String> {
        let mut files = Vec::new();
        for path in self.listing() {
            let Some((folder, rest)) = path.split_once('/') else { continue };
            let shown = match (folder, rest.split_once('/')) {
                ("archive", Some((_day, rest))) => format!("archive/DAY/{rest}"),
                ("inbox" | "archive" | "rejects", _) => path.clone(),
                _ => continue,
            };
            let hash = Sha256::digest(fs::read(self.path(&path)).unwrap_or_default());
            files.push(format!("{shown} {:02x}{:02x}{:02x}{:02x}", hash[0], hash[1], hash[2], hash[3]));
        }
        files.sort();
        files
    }
}

#[track_caller]
fn tables_of(url: &str) -> Outcome {
    let clinical = tables_with_pages(url).into_iter().map(|name| format!("public.{name}"));
    let columns = query(
        url,
        "select format('%s.%s', n.nspname, c.relname) as name, a.attname::text from pg_attribute a \
         join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace \
         where n.nspname in ('public', 'etl') and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped \
           and a.atttypid in ('bigint'::regtype, 'smallint'::regtype) and (a.attname = 'id' or a.attname like '%\\_id')",
    );
    let mut parts = Vec::new();
    for table in OF_THE_LEDGER.map(str::to_owned).into_iter().chain(clinical) {
        let keys = columns.iter().filter(|column| column[0] == table).map(|column| column[1].as_str());
        parts.push(rows_of(&table, keys));
    }
    let mut tables = Outcome::new();
    for row in query(url, &parts.join(" union all ")) {
        tables.entry(row[0].clone()).or_default().push(row[1].clone());
    }
    for rows in tables.values_mut() {
        rows.sort();
    }
    tables
}

/// A query for a table's rows, each as one JSON text.
fn rows_of<'c>(table: &str, keys: impl Iterator<Item = &'c str>) -> String {
    let mut left_out: Vec<&str> = OF_THE_RUN.to_vec();
    let mut shown = Vec::new();
    for key in keys {
        left_out.push(key);
        let (names, name) = match (table, key) {
            (_, "source_id") => ("etl.source", "n.code"),
            (_, "file_id" | "first_file_id" | "last_file_id") => ("etl.load_file", "n.path"),
            ("etl.load_file" | "etl.resource_key" | "etl.rejected_record", _) => continue,
            (_, "load_run_id") => continue,
            _ => (
                "(select k.id, s.code, k.resource_type, k.fhir_id from etl.resource_key k join etl.source s on s.id = k.source_id)",
                "concat_ws('/', n.code, n.resource_type, n.fhir_id)",
            ),
        };
        shown.push(format!("'{key}', (select {name} from {names} n where n.id = t.{key})"));
    }
    format!(
        "select '{table}' as name, (to_jsonb(t) - '{{{}}}'::text[] || jsonb_build_object({}))::text as line from {table} t",
        left_out.join(","),
        shown.join(", ")
    )
}
