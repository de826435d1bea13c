use std::collections::BTreeMap;
use std::convert::Infallible;

use pretty_assertions::assert_eq;
use sha2::{Digest, Sha256};

use super::*;
use crate::datatype::Timezone;
use crate::map::{Input, Keys, MapSettings, Mapper, Plan, RowBatch, TargetIdentity};

/// Keys without a database: 63 bits of a hash.
struct HashKeys;

impl Keys for HashKeys {
    type Error = Infallible;

    fn keys<'t>(
        &mut self,
        source_id: i16,
        targets: impl ExactSizeIterator<Item = TargetIdentity<'t>>,
    ) -> Result<Vec<i64>, Infallible> {
        let key = |target| match target {
            TargetIdentity::Key(key) => key,
            TargetIdentity::Identity(identity) => {
                let name = format!("{source_id}/{}/{}", identity.resource_type.name(), identity.fhir_id);
                let digest = Sha256::digest(name);
                digest[..8].iter().fold(0, |key, byte| key << 8 | i64::from(*byte)) & i64::MAX
            }
        };
        Ok(targets.map(key).collect())
    }
}

/// Counts what it is told to store.
#[derive(Default)]
struct Counter {
    rows: BTreeMap<String, usize>,
    bodies: Vec<String>,
    deleted: Vec<String>,
}

impl Sink for Counter {
    type Error = Infallible;

    fn write(&mut self, batch: &AcceptedBatch<'_>) -> Result<Receipt, Infallible> {
        let mut rows = 0;
        for table in batch.tables().filter(|table| table.row_count > 0) {
            *self.rows.entry(table.table.name.clone()).or_default() += table.row_count;
            // Every row begins with the number of its columns.
            let columns = table.runs().next().map(|run| u16::from_be_bytes([run[0], run[1]]));
            assert_eq!(columns.map(usize::from), Some(table.table.columns.len()));
            rows += table.row_count as u64;
        }
        for resource in batch.resources().filter(|resource| resource.outcome.is_applied()) {
            self.bodies.push(String::from_utf8_lossy(resource.body).into_owned());
        }
        for delete in batch.deletes().filter(|delete| delete.outcome.revision().is_some()) {
            self.deleted.push(delete.identity.fhir_id.to_owned());
        }
        Ok(Receipt { rows, durability: Durability::Durable })
    }
}

#[test]
fn a_sink_stores_what_was_accepted_and_nothing_else() {
    let patient = br#"{"resourceType":"Patient","id":"p","name":[{"family":"A"},{"family":"B"}]}"#;
    let stale = br#"{"resourceType":"Patient","id":"q","name":[{"family":"C"}]}"#;
    let bodies: [&[u8]; 2] = [patient, stale];
    let plan = Plan::built_in();
    let mut mapper = Mapper::new(plan.clone(), MapSettings { timezone: Timezone::UTC });
    let mut rows = RowBatch::new(plan.tables.len());
    for body in bodies {
        let input = Input {
            bytes: body,
            full_url: None,
            full_urls: None,
            id: None,
            base_urls: &[],
            effective_at: None,
            earlier: None,
            wanted: None,
        };
        mapper.map(&input, &mut rows).unwrap();
    }
    let patient_type = rows.identity(0).resource_type;
    let deleted = rows.target(patient_type, "r");
    let Ok(keys) = HashKeys.keys(1, rows.targets());
    assert_eq!(HashKeys.keys(1, rows.targets()), Ok(keys.clone()));
    rows.fill_keys(&keys, 1);

    let origin = |position| Origin { file: 0, position, member: 0, offset: 0, length: 0 };
    let batch = KeyedBatch {
        mode: Mode::Load(BatchId { run: 1, number: 0 }),
        source_id: 1,
        file_ids: vec![1],
        rows: &rows,
        keys: &keys,
        origins: &[origin(0), origin(1)],
        bodies: &bodies,
        deletes: &[Delete { file: 0, target: deleted, position: 2, effective_at: None, version: None }],
    };
    let outcomes = Outcomes {
        of_resources: vec![Outcome::Inserted { key: keys[0] }, Outcome::Stale],
        of_deletes: vec![Outcome::Deleted { key: keys[deleted as usize], revision: 2 }],
        replaced: vec![(patient_type, keys[deleted as usize])],
        revived: Vec::new(),
    };
    let mut counter = Counter::default();
    let Ok(receipt) = counter.write(&AcceptedBatch::new(batch, &outcomes, &plan.tables));
    assert_eq!(receipt, Receipt { rows: 3, durability: Durability::Durable });
    let expected = BTreeMap::from([("patient".to_owned(), 1), ("patient_name".to_owned(), 2)]);
    assert_eq!(counter.rows, expected);
    assert_eq!(counter.bodies, [String::from_utf8_lossy(patient)]);
    assert_eq!(counter.deleted, ["r"]);
}
