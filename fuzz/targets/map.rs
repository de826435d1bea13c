//! Mapping: any bytes give all rows of a resource or none, and a rejected
//! resource does not affect the ones before it.

#![no_main]

use std::cell::RefCell;

use fhirmill_core::datatype::Timezone;
use fhirmill_core::map::{Input, MapSettings, Mapper, Plan, RowBatch};
use fhirmill_fuzz::rows;

const NEIGHBOUR: &[u8] = br#"{"resourceType":"Patient","id":"n","name":[{"family":"Neighbour"}]}"#;

fn input(bytes: &[u8]) -> Input<'_> {
    Input { bytes, full_url: None, full_urls: None, id: None, base_urls: &[], effective_at: None, earlier: None, wanted: None }
}

fn tables(batch: &RowBatch) -> Vec<Vec<u8>> {
    let count = Plan::built_in().tables.len();
    (0..count).map(|table| batch.runs(table, &|_| true).collect::<Vec<_>>().concat()).collect()
}

struct State {
    mapper: Mapper,
    batch: RowBatch,
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    thread_local!(static STATE: RefCell<State> = RefCell::new(State {
        mapper: Mapper::new(Plan::built_in(), MapSettings { timezone: Timezone::UTC }),
        batch: RowBatch::new(Plan::built_in().tables.len()),
    }));
    STATE.with_borrow_mut(|State { mapper, batch }| {
        batch.clear();
        mapper.identifiers().take_asked();
        mapper.map(&input(NEIGHBOUR), batch).expect("the neighbour is valid");
        let before = tables(batch);
        match mapper.map(&input(bytes), batch) {
            Err(_) => assert_eq!(tables(batch), before),
            Ok(()) => {
                for table in tables(batch) {
                    for row in rows(&table) {
                        let texts = row.into_iter().flatten();
                        // A value cannot be much longer than the JSON that it comes from.
                        assert!(texts.map(<[u8]>::len).max() <= Some(20 * bytes.len() + 1000));
                    }
                }
            }
        }
    });
});
