//! A second sink beside Postgres gets what Postgres has accepted.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use diesel::{Connection, PgConnection};
use fhirmill_core::datatype::Timezone;
use fhirmill_core::map::{Input, MapSettings, Mapper, Plan, RowBatch};
use fhirmill_core::sink::{
    AcceptedBatch, BatchId, Durability, Mode, Origin, Outcome, Outcomes, Receipt, Sink,
};
use fhirmill_postgres::ledger::{Claim, FileRelations, NewFile, Run};
use fhirmill_postgres::load::{Bodies, FilePart, Load, Loader};
use fhirmill_postgres::registry::RunRegistry;

use crate::support::TestEnvironment;

/// Counts the rows of every table, as far as they are current.
#[derive(Default)]
struct RowCounter {
    rows: BTreeMap<String, i64>,
    batches: Vec<BatchId>,
    replaced: usize,
}

impl Sink for RowCounter {
    type Error = Infallible;

    fn write(&mut self, batch: &AcceptedBatch<'_>) -> Result<Receipt, Infallible> {
        let mut rows = 0;
        for table in batch.tables().filter(|table| table.row_count > 0) {
            *self.rows.entry(table.table.name.clone()).or_default() += table.row_count as i64;
            rows += table.row_count as u64;
        }
        if let Mode::Load(id) = batch.batch.mode {
            self.batches.push(id);
        }
        self.replaced += batch.outcomes.replaced.len();
        Ok(Receipt { rows, durability: Durability::Accepted })
    }
}

const RESOURCES: [&str; 3] = [
    r#"{"resourceType":"Patient","id":"p1","gender":"female","name":[{"family":"Quill"},{"family":"Ink"}],"identifier":[{"system":"urn:mrn","value":"1"}]}"#,
    r#"{"resourceType":"Observation","id":"o1","status":"final","subject":{"reference":"Patient/p1"},"code":{"coding":[{"code":"a"},{"code":"b"}]}}"#,
    r#"{"resourceType":"Observation","id":"o2","status":"final","subject":{"reference":"Patient/p1"},"note":[{"text":"n"}]}"#,
];

/// Loads these resources as a file in a run of its own, and gives the batch to
/// the sink after its commit.
fn load(
    environment: &TestEnvironment,
    sha256: [u8; 32],
    resources: &[&str],
    sink: &mut RowCounter,
) -> Outcomes {
    let connect = || PgConnection::establish(environment.database_url()).unwrap();
    let mut run = Run::begin(connect(), "test").unwrap();
    let file = NewFile { path: "a.ndjson", source: "hospital", size: 1, sha256, object: None };
    let Some(Claim::Load(file)) = run.claim(&[file]).unwrap().pop() else { panic!("the file is claimed") };

    let plan = Plan::built_in();
    let mut rows = RowBatch::new(plan.tables.len());
    let mut mapper = Mapper::new(Arc::clone(&plan), MapSettings { timezone: Timezone::UTC });
    for resource in resources {
        let (full_url, full_urls, effective_at, wanted) = (None, None, None, None);
        let bytes = resource.as_bytes();
        mapper
            .map(
                &Input {
                    bytes,
                    id: None,
                    full_url,
                    full_urls,
                    base_urls: &[],
                    effective_at,
                    wanted,
                    earlier: None,
                },
                &mut rows,
            )
            .unwrap();
    }
    let bodies: Vec<&[u8]> = resources.iter().map(|resource| resource.as_bytes()).collect();
    let origins: Vec<Origin> = (1..=resources.len() as u64)
        .map(|position| Origin { file: 0, position, member: 0, offset: 0, length: 1 })
        .collect();
    let records = (1, resources.len() as u64);
    let mut load = Load {
        mode: Mode::Load(BatchId { run: run.id, number: 0 }),
        source_id: file.source_id,
        files: &[FilePart { file_id: file.id, records, skipped: 0, unchanged: 0 }],
        rows: &mut rows,
        origins: &origins,
        bodies: &bodies,
        deletes: &[],
        skipped: &[],
        delivery: fhirmill_postgres::load::Delivery::Claimed,
        rejects: &[],
        by_identifier: &fhirmill_postgres::registry::ByIdentifier::default(),
        relations: &FileRelations::default(),
    };
    let registry = Arc::new(RunRegistry::begin(run.connection()).unwrap());
    let mut loader = Loader::new(connect(), Arc::clone(&plan), Bodies::Store, registry).unwrap();
    let loaded = loader.load(&mut load).unwrap();
    let Ok(receipt) = sink.write(&load.accepted(&loaded, &plan));
    assert_eq!(receipt.rows, loaded.rows);
    loaded.outcomes
}

/// The number of rows of every table that has any.
fn rows_in_tables(environment: &TestEnvironment) -> BTreeMap<String, i64> {
    let mut rows = BTreeMap::new();
    for table in &Plan::built_in().tables {
        let count = environment.value(&format!("select count(*) from {}", table.name)).parse().unwrap();
        if count > 0 {
            rows.insert(table.name.clone(), count);
        }
    }
    rows
}

#[test]
fn a_sink_that_counts_rows_agrees_with_the_tables() {
    let environment = TestEnvironment::new();
    let mut sink = RowCounter::default();
    let outcomes = load(&environment, [1; 32], &RESOURCES, &mut sink);
    assert!(outcomes.of_resources.iter().all(|outcome| matches!(outcome, Outcome::Inserted { .. })));
    assert!(sink.rows["patient_name"] == 2 && sink.rows["observation"] == 2);
    assert_eq!(sink.rows, rows_in_tables(&environment));

    // The same again brings no row, to either.
    let outcomes = load(&environment, [2; 32], &RESOURCES, &mut sink);
    assert_eq!(outcomes.of_resources, [Outcome::Unchanged; 3]);
    assert_eq!(sink.rows, rows_in_tables(&environment));

    // Another version replaces rows: the sink is told which resource's, and the
    // revision by which it can order them.
    let changed = [RESOURCES[0].replace("female", "other")];
    let outcomes = load(&environment, [3; 32], &[changed[0].as_str()], &mut sink);
    assert!(matches!(outcomes.of_resources[..], [Outcome::Updated { revision: 2, .. }]));
    assert_eq!(sink.replaced, 1);

    let runs: Vec<i64> = sink.batches.iter().map(|id| id.run).collect();
    assert!(sink.batches.len() == 3 && runs.is_sorted());
}
