//! Files are mapped, and their rows decoded from COPY's binary form.

use std::collections::BTreeMap;

use fhirmill_core::map::{Input, MapError, MapSettings, Mapper, Plan, RowBatch, TargetIdentity};
use fhirmill_core::model::tables;
use fhirmill_core::read::{self, ReadLimits, Stopped};

/// A row: the bytes of each column, unless it is null, by name.
pub type Row = BTreeMap<String, Option<Vec<u8>>>;

/// The resources of one file, mapped.
pub struct Mapped {
    pub batch: RowBatch,
    pub errors: Vec<MapError>,
}

/// Maps all resources of a file. The key of each target is its number plus one.
pub fn map(file: &str) -> Mapped {
    let plan = Plan::built_in();
    let mut batch = RowBatch::new(plan.tables.len());
    let mut mapper = Mapper::new(plan, MapSettings::default());
    let mut errors = Vec::new();
    read::read_each(file.as_bytes().to_vec(), &ReadLimits::default(), |found| {
        let frame = found.map_err(|_| Stopped)?;
        errors.extend(mapper.map(&Input::from(&frame), &mut batch).err());
        Ok(())
    })
    .unwrap();
    let keys: Vec<i64> = (1..).take(batch.targets().len()).collect();
    batch.fill_keys(&keys, 7);
    Mapped { batch, errors }
}

impl Mapped {
    pub fn rows(&self, table: &str) -> Vec<Row> {
        let number = Plan::built_in().tables.iter().position(|plan| plan.name == table).unwrap();
        let declared = tables().into_iter().find(|declared| declared.name == table).unwrap();
        let bytes = self.batch.runs(number, &|_| true).collect::<Vec<_>>().concat();
        let mut rest = bytes.as_slice();
        let mut rows = Vec::new();
        while !rest.is_empty() {
            assert_eq!(take(&mut rest, 2), (declared.columns.len() as i16).to_be_bytes());
            let mut row = Row::new();
            for column in &declared.columns {
                let length = i32::from_be_bytes(take(&mut rest, 4).try_into().unwrap());
                let value = usize::try_from(length).ok().map(|length| take(&mut rest, length).to_vec());
                row.insert(column.name.clone(), value);
            }
            rows.push(row);
        }
        assert_eq!(rows.len(), self.batch.row_count(number, &|_| true));
        rows
    }

    /// The text in that column of every row; empty for null.
    pub fn texts(&self, table: &str, column: &str) -> Vec<String> {
        let text = |row: &Row| String::from_utf8(row[column].clone().unwrap_or_default()).unwrap();
        self.rows(table).iter().map(text).collect()
    }

    /// What the keys in that column identify, as `Type/id`; empty for null.
    pub fn identities(&self, table: &str, column: &str) -> Vec<String> {
        let identity = |row: &Row| {
            let Some(key) = &row[column] else { return String::new() };
            let target = i64::from_be_bytes(key.as_slice().try_into().unwrap()) - 1;
            match self.batch.targets().nth(target as usize).unwrap() {
                TargetIdentity::Identity(identity) => {
                    format!("{}/{}", identity.resource_type.name(), identity.fhir_id)
                }
                TargetIdentity::Key(key) => panic!("nobody has given the key {key}"),
            }
        };
        self.rows(table).iter().map(identity).collect()
    }
}

fn take<'r>(rest: &mut &'r [u8], length: usize) -> &'r [u8] {
    let (head, tail) = rest.split_at(length);
    *rest = tail;
    head
}
