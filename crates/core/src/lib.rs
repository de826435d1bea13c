//! The core of fhirmill turns bytes into FHIR resources, and resources into rows
//! of relational tables in the binary format of Postgres' COPY. It uses no
//! database and no network, and reads files only where it is asked to.
//!
//! Data flow through the modules like this:
//!
//! 1. [`read`] cuts a file (plain or compressed; NDJSON, arrays, Bundles) into
//!    the bytes of single resources.
//! 2. [`json`] parses one resource into a tree that borrows from its bytes.
//! 3. [`model`] declares the tables; [`map`] follows a plan compiled from it, and
//!    writes each element as its [`datatype`] defines into [`rows`].
//! 4. [`sink`] describes what becomes of rows once their keys are known.
//!
//! # Example
//!
//! A Bundle becomes rows:
//!
//! ```
//! use fhirmill_core::map::{Input, MapSettings, Mapper, Plan, RowBatch};
//! use fhirmill_core::read::{self, ReadLimits, Stopped};
//!
//! # let bundle = br#"{"resourceType": "Bundle", "type": "collection", "entry": [
//! #     {"fullUrl": "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a",
//! #      "resource": {"resourceType": "Patient", "birthDate": "1970-01-01"}},
//! #     {"resource": {"resourceType": "Observation", "id": "weight", "status": "final",
//! #      "subject": {"reference": "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"},
//! #      "valueQuantity": {"value": 72.0, "unit": "kg"}}}]}"#.to_vec();
//! let plan = Plan::built_in();
//! let mut mapper = Mapper::new(plan.clone(), MapSettings::default());
//! let mut batch = RowBatch::new(plan.tables.len());
//! read::read_each(bundle, &ReadLimits::default(), |found| {
//!     let frame = found.map_err(|_| Stopped)?;
//!     mapper.map(&Input::from(&frame), &mut batch).map_err(|_| Stopped)
//! })?;
//! let keys: Vec<i64> = (1..).take(batch.targets().len()).collect();
//! batch.fill_keys(&keys, 1);
//! let observation = plan.tables.iter().position(|table| table.name == "observation").expect("declared");
//! let rows: Vec<&[u8]> = batch.runs(observation, &|_| true).collect();
//! # assert_eq!(batch.resources().len(), 2);
//! # assert_eq!(batch.row_count(observation, &|_| true), 1);
//! # assert!(rows.concat().windows(2).any(|unit| unit == b"kg"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `rows` between [`rows::HEADER`] and [`rows::TRAILER`] is what
//! `COPY observation FROM STDIN (FORMAT binary)` reads.

#![deny(missing_docs)]

pub mod datatype;
pub mod fhir;
pub mod json;
pub mod map;
pub mod model;
pub mod read;
pub mod rows;
pub mod sink;
pub mod version;
pub mod views;
