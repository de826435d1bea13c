//! Maps files on one thread, decodes the rows and writes them as Parquet to nowhere, and
//! prints the CPU seconds of each as JSON:
//! `cargo run --profile local --package fhirmill-arrow --example decode -- FILE…`.

use std::io::{self, Sink};
use std::sync::Arc;
use std::time::Duration;

use fhirmill_arrow::{
    BatchLimits, Checked, Decoder, Format, Key, KeyForm, Keys, TableSchema, TableWriter, WriteOptions, key_of,
};
use fhirmill_core::map::{Input, MapSettings, Mapper, Plan, RowBatch, TargetIdentity};
use fhirmill_core::read::{self, Document, Frame, Payload, ReadDefect, ReadLimits, ResourceHandler, Stopped};
use nix::sys::resource::{UsageWho, getrusage};

const BATCH_BYTES: u64 = 1 << 20;
/// As a conversion has them.
const LIMITS: BatchLimits = BatchLimits { rows: 8 << 10, bytes: 2 << 20 };

struct Bench {
    mapper: Mapper,
    batch: RowBatch,
    tables: Vec<(Decoder, TableWriter<Checked<Sink>>)>,
    json_bytes: u64,
    row_bytes: u64,
    rows: u64,
    keys: Duration,
    decode: Duration,
    write: Duration,
}

impl Bench {
    fn take_rows(&mut self) -> Result<(), Box<dyn std::error::Error>> {
        self.row_bytes += self.batch.byte_count() as u64;
        let begin = cpu_time()?;
        let keys: Vec<Key> = self
            .batch
            .targets()
            .map(|target| match target {
                TargetIdentity::Identity(identity) => key_of("default", identity),
                TargetIdentity::Key(_) => Key::default(),
            })
            .collect();
        let numbers: Vec<i64> = (0..keys.len() as i64).collect();
        let keyed = cpu_time()?;
        self.batch.fill_keys(&numbers, 1);
        let mut written = Duration::ZERO;
        for (number, (decoder, writer)) in self.tables.iter_mut().enumerate() {
            for mut rows in self.batch.runs(number, &|_| true) {
                while let Some(batch) = decoder.decode(&mut rows, Keys::Listed(&keys))? {
                    let begin = cpu_time()?;
                    self.rows += batch.num_rows() as u64;
                    writer.write(&batch)?;
                    written += cpu_time()? - begin;
                }
            }
        }
        self.keys += keyed - begin;
        self.write += written;
        self.decode += cpu_time()? - keyed - written;
        self.batch.clear();
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Box<dyn std::error::Error>> {
        self.take_rows()?;
        for (mut decoder, mut writer) in self.tables.drain(..) {
            let begin = cpu_time()?;
            let batch = decoder.finish()?;
            let decoded = cpu_time()?;
            if let Some(batch) = batch {
                self.rows += batch.num_rows() as u64;
                writer.write(&batch)?;
            }
            writer.finish()?;
            self.decode += decoded - begin;
            self.write += cpu_time()? - decoded;
        }
        Ok(())
    }
}

impl ResourceHandler for Bench {
    fn document(&mut self, _: &Document<'_>) -> Result<(), Stopped> {
        Ok(())
    }

    fn frame(&mut self, frame: Frame<'_>) -> Result<(), Stopped> {
        if frame.payload == Payload::Resource {
            let before = self.json_bytes;
            self.json_bytes += frame.bytes.len() as u64;
            // What cannot be mapped is left out.
            let _ = self.mapper.map(&Input::from(&frame), &mut self.batch);
            self.mapper.identifiers().take_asked();
            if self.json_bytes / BATCH_BYTES != before / BATCH_BYTES {
                self.take_rows().map_err(|_| Stopped)?;
            }
        }
        Ok(())
    }

    fn defect(&mut self, _: ReadDefect<'_>) -> Result<(), Stopped> {
        Ok(())
    }
}

fn cpu_time() -> Result<Duration, nix::Error> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let seconds = |time: nix::sys::time::TimeVal| {
        Duration::new(time.tv_sec().unsigned_abs(), time.tv_usec().unsigned_abs() as u32 * 1000)
    };
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let plan = Plan::built_in();
    let mut tables = Vec::new();
    for table in &plan.tables {
        let schema = Arc::new(TableSchema::of_model(table, KeyForm::Hash)?);
        let out = Checked::new(io::sink());
        let writer = TableWriter::new(Format::Parquet, &schema, out, WriteOptions::default())?;
        tables.push((Decoder::new(schema, LIMITS), writer));
    }
    let mut bench = Bench {
        batch: RowBatch::compact(plan.tables.len()),
        mapper: Mapper::new(plan, MapSettings::default()),
        tables,
        json_bytes: 0,
        row_bytes: 0,
        rows: 0,
        keys: Duration::ZERO,
        decode: Duration::ZERO,
        write: Duration::ZERO,
    };
    let before = cpu_time()?;
    for path in std::env::args().skip(1) {
        read::read(path.as_ref(), &ReadLimits::default(), &mut bench)?;
    }
    bench.finish()?;
    let all = (cpu_time()? - before).as_secs_f64();
    let [keys, decode, write] = [bench.keys, bench.decode, bench.write].map(|part| part.as_secs_f64());
    let map = all - keys - decode - write;
    let Bench { json_bytes, row_bytes, rows, .. } = bench;
    println!(
        r#"{{"json_bytes": {json_bytes}, "row_bytes": {row_bytes}, "rows": {rows}, "map": {map:.3}, "keys": {keys:.3}, "decode": {decode:.3}, "write": {write:.3}, "decode_to_map": {:.3}}}"#,
        decode / map
    );
    Ok(())
}
