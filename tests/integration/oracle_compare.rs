//! Compares every column of every row that a load writes with the oracle.
//!
//! FHIRMILL_ORACLE_DATA names a folder or zip archive of FHIR files to load;
//! each folder in it is a source. Without it, the resources of
//! `oracle_resources` are loaded.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Read as _;
use std::path::Path;

use fhirmill_core::fhir::ResourceType;
use fhirmill_core::model::{TableKind, tables};

use crate::oracle::{Cell, Context, Json, Key, expected};
use crate::oracle_full::full_resources;
use crate::oracle_resources::RESOURCES;
use crate::support::{NULL, TestEnvironment, execute};

/// Files by their path in the inbox.
fn files() -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    match std::env::var("FHIRMILL_ORACLE_DATA") {
        Ok(path) if Path::new(&path).is_dir() => read_folder(Path::new(&path), Path::new(&path), &mut files),
        Ok(path) => {
            let mut archive = zip::ZipArchive::new(std::fs::File::open(&path).unwrap()).unwrap();
            for index in 0..archive.len() {
                let mut member = archive.by_index(index).unwrap();
                if member.is_file() {
                    let name = member.name().unwrap().into_owned();
                    let mut content = Vec::new();
                    member.read_to_end(&mut content).unwrap();
                    files.insert(name, content);
                }
            }
        }
        Err(_) => {
            files.insert("resources.json".to_owned(), RESOURCES.as_bytes().to_vec());
            files.insert("full.json".to_owned(), full_resources().into_bytes());
            // All of them again, contained in one resource, which they refer to each other in.
            let mut referring = RESOURCES.to_owned();
            for resource_type in ResourceType::all() {
                let relative = format!(r#""reference":"{}/"#, resource_type.name());
                referring = referring.replace(&relative, r##""reference":"#"##);
            }
            for (id, contained) in [("list", RESOURCES), ("referring", &referring)] {
                let container = format!(
                    r##"{{"resourceType":"CarePlan","id":"{id}","contained":{contained},"subject":{{"reference":"#p1"}},
                        "encounter":{{"reference":"#e1"}},"addresses":[{{"reference":"#c1"}},{{"reference":"#"}}]}}"##
                );
                files.insert(format!("{id}.json"), container.into_bytes());
            }
        }
    }
    files
}

fn read_folder(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_folder(root, &path, files);
        } else {
            let relative = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            files.insert(relative, std::fs::read(&path).unwrap());
        }
    }
}

/// A resource with what its Bundles say about it.
struct Delivered {
    resource: Json,
    full_url: Option<String>,
    full_urls: BTreeMap<String, Key>,
    bases: BTreeSet<String>,
}

/// All resources of a file, parsed independently of the program: one JSON
/// document, or one on each line.
fn delivered(bytes: &[u8]) -> Vec<Delivered> {
    let Ok(text) = std::str::from_utf8(bytes) else { return Vec::new() };
    let text = text.trim_start_matches('\u{feff}');
    let mut found = Vec::new();
    match Json::parse(text) {
        Ok(document) => take(document, None, &Context::default(), &mut found),
        Err(_) => {
            for line in text.lines() {
                if let Ok(document) = Json::parse(line) {
                    take(document, None, &Context::default(), &mut found);
                }
            }
        }
    }
    found
}

fn take(document: Json, full_url: Option<String>, outer: &Context, found: &mut Vec<Delivered>) {
    if let Json::List(items) = document {
        for item in items {
            take(item, None, outer, found);
        }
        return;
    }
    if document.string("resourceType") != Some("Bundle") {
        let (full_urls, bases) = (outer.full_urls.clone(), outer.bases.clone());
        found.push(Delivered { resource: document, full_url, full_urls, bases });
        return;
    }
    let mut context = Context::default();
    context.enter_bundle(&document);
    for (url, name) in &outer.full_urls {
        context.full_urls.entry(url.clone()).or_insert_with(|| name.clone());
    }
    for entry in document.get("entry").map_or(&[][..], Json::items) {
        if let Some(resource) = entry.get("resource") {
            take(resource.clone(), entry.string("fullUrl").map(str::to_owned), &context, found);
        }
    }
}

/// A resource that is current according to the registry.
struct Current {
    id: String,
    source_id: i16,
    key: Key,
    delivered: Delivered,
}

fn current(environment: &TestEnvironment, files: &BTreeMap<String, Vec<u8>>) -> Vec<Current> {
    let rows = environment.query(
        "select r.id, r.source_id, r.resource_type, r.fhir_id, f.path, r.byte_offset, r.byte_length \
         from etl.resource r join etl.load_file f on f.id = r.file_id where r.content_hash is not null \
         order by f.path, r.byte_offset",
    );
    let mut of_files: HashMap<String, Vec<Delivered>> = HashMap::new();
    let mut found = Vec::new();
    for row in rows {
        let [id, source_id, resource_type, fhir_id, path, offset, length] = row.try_into().unwrap();
        let (offset, length): (usize, usize) = (offset.parse().unwrap(), length.parse().unwrap());
        let text = std::str::from_utf8(&files[&path][offset..offset + length]).unwrap();
        let resource = Json::parse(text).unwrap();
        let rest = of_files.entry(path.clone()).or_insert_with(|| delivered(&files[&path]));
        let place = rest.iter().position(|delivered| delivered.resource == resource);
        let place = place.unwrap_or_else(|| panic!("{resource_type}/{fhir_id} is not in {path}"));
        let delivered = rest.remove(place);
        found.push(Current {
            id,
            source_id: source_id.parse().unwrap(),
            key: (resource_type, fhir_id),
            delivered,
        });
    }
    found
}

#[derive(Default)]
struct Comparison {
    compared: u64,
    equal_and_not_null: u64,
    /// Count and examples by table and column.
    different: BTreeMap<String, (u64, Vec<String>)>,
}

impl Comparison {
    fn differs(&mut self, place: String, example: String) {
        let (count, examples) = self.different.entry(place).or_default();
        *count += 1;
        if examples.len() < 3 {
            examples.push(example);
        }
    }
}

/// The values of a row as text, by column.
type Printed = BTreeMap<String, String>;

/// The rows that the oracle expects, by table and primary key.
fn expected_rows(
    environment: &TestEnvironment,
    current: &[Current],
    keys: &BTreeMap<String, Vec<String>>,
) -> BTreeMap<String, BTreeMap<Vec<String>, Printed>> {
    let mut registry: HashMap<(i16, Key), String> = HashMap::new();
    for row in environment.query("select source_id, resource_type, fhir_id, id from etl.resource") {
        let [source_id, resource_type, fhir_id, id] = row.try_into().unwrap();
        registry.insert((source_id.parse().unwrap(), (resource_type, fhir_id)), id);
    }
    let mut contexts: BTreeMap<i16, Context> = BTreeMap::new();
    for Current { source_id, key, delivered, .. } in current {
        let context = contexts
            .entry(*source_id)
            .or_insert_with(|| Context { source_id: *source_id, ..Context::default() });
        context.learn(&delivered.resource, &key.1);
    }
    let mut rows: BTreeMap<String, BTreeMap<Vec<String>, Printed>> = BTreeMap::new();
    for Current { source_id, key, delivered, .. } in current {
        let context = contexts.get_mut(source_id).unwrap();
        context.full_url.clone_from(&delivered.full_url);
        context.full_urls.clone_from(&delivered.full_urls);
        context.bases.clone_from(&delivered.bases);
        for (table, expected) in expected(&delivered.resource, key, context).0 {
            for row in expected {
                let printed: Printed = row
                    .into_iter()
                    .map(|(column, cell)| {
                        let text = match cell {
                            Cell::Null => NULL.to_owned(),
                            Cell::Text(text) => text,
                            Cell::Key(key) => match registry.get(&(*source_id, key.clone())) {
                                Some(id) => id.clone(),
                                None => format!("the key of {}/{}, which has none", key.0, key.1),
                            },
                        };
                        (column, text)
                    })
                    .collect();
                let key = keys[&table].iter().map(|column| printed[column].clone()).collect();
                rows.entry(table.clone()).or_default().insert(key, printed);
            }
        }
    }
    rows
}

#[test]
fn every_column_matches_the_oracle() {
    let environment = TestEnvironment::new();
    let files = files();
    for (name, content) in &files {
        environment.put(&format!("inbox/{name}"), content);
    }
    let run = environment.run(&["once", "--json"]);
    assert!(run.code == 0 || run.code == 3, "{}", run.stderr);
    println!("{}", run.stdout);
    for row in environment.query("select reason, message, count(*) as n from etl.rejected_record group by 1, 2 order by 3 desc limit 20") {
        println!("rejected: {}", row.join(" | "));
    }
    execute(
        environment.database_url(),
        "do $$ begin execute format('alter database %I set timezone to ''UTC''', current_database()); end $$",
    );

    let current = current(&environment, &files);
    let names: HashMap<&str, &Key> =
        current.iter().map(|current| (current.id.as_str(), &current.key)).collect();
    let keys: BTreeMap<String, Vec<String>> =
        tables().into_iter().map(|table| (table.name.clone(), table.key.clone())).collect();
    let mut expected = expected_rows(&environment, &current, &keys);
    let mut comparison = Comparison::default();
    let mut filled: BTreeSet<String> = BTreeSet::new();
    for table in tables().iter().filter(|table| table.kind != TableKind::History) {
        let mut expected = expected.remove(&table.name).unwrap_or_default();
        let list: Vec<String> =
            table.columns.iter().map(|column| format!("\"{0}\"::text as \"{0}\"", column.name)).collect();
        for row in environment.query(&format!("select {} from {}", list.join(", "), table.name)) {
            let found: Printed = table.columns.iter().map(|column| column.name.clone()).zip(row).collect();
            let key: Vec<String> = table.key.iter().map(|column| found[column].clone()).collect();
            let name = key.iter().find_map(|part| names.get(part.as_str()));
            let who = format!("{name:?} {key:?}");
            let Some(expected) = expected.remove(&key) else {
                comparison
                    .differs(format!("{}: rows that are too many", table.name), format!("{who} {found:?}"));
                continue;
            };
            filled.insert(table.name.clone());
            let columns: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
            for column in columns {
                comparison.compared += 1;
                let of =
                    |row: &Printed| row.get(column).cloned().unwrap_or_else(|| "no such column".to_owned());
                let (wanted, had) = (of(&expected), of(&found));
                if wanted != had {
                    let example = format!("{who}: expected {wanted}, found {had}");
                    comparison.differs(format!("{}.{column}", table.name), example);
                } else if wanted != NULL {
                    comparison.equal_and_not_null += 1;
                }
            }
        }
        for (key, row) in expected {
            let name = key.iter().find_map(|part| names.get(part.as_str()));
            comparison.differs(
                format!("{}: rows that are missing", table.name),
                format!("{name:?} {key:?} {row:?}"),
            );
        }
    }
    for (table, rows) in expected {
        comparison.differs(format!("{table}: no such table"), format!("{} rows", rows.len()));
    }
    println!(
        "{} resources, {} tables, {} values compared, {} of them not null and equal, {} different",
        current.len(),
        filled.len(),
        comparison.compared,
        comparison.equal_and_not_null,
        comparison.different.values().map(|(count, _)| count).sum::<u64>()
    );
    for (place, (count, examples)) in &comparison.different {
        println!("{count:>8} {place}");
        for example in examples {
            println!("           {}", example.chars().take(600).collect::<String>());
        }
    }
    assert!(comparison.compared > 1000, "{} values compared", comparison.compared);
    assert!(comparison.different.is_empty(), "the load and the oracle differ");
}
