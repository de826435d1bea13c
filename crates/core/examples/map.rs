//! Frames and maps files on one thread, without a database, and prints the cost
//! as JSON: `cargo run --profile local --example map -- FILE…`. `make bench`
//! uses it. As in a load, rows are discarded after every BATCH_BYTES of JSON.

use std::time::Duration;

use fhirmill_core::map::{Input, MapSettings, Mapper, Plan, RowBatch};
use fhirmill_core::read::{self, Document, Frame, Payload, ReadDefect, ReadLimits, ResourceHandler, Stopped};
use nix::sys::resource::{UsageWho, getrusage};

struct RowCounter {
    mapper: Mapper,
    batch: RowBatch,
    resources: u64,
    json_bytes: u64,
    row_bytes: u64,
    batch_bytes: u64,
}

impl RowCounter {
    fn discard_rows(&mut self) {
        self.row_bytes += self.batch.byte_count() as u64;
        self.batch.clear();
    }
}

impl ResourceHandler for RowCounter {
    fn document(&mut self, _: &Document<'_>) -> Result<(), Stopped> {
        Ok(())
    }

    fn frame(&mut self, frame: Frame<'_>) -> Result<(), Stopped> {
        if frame.payload != Payload::Resource {
            return Ok(());
        }
        let input = Input::from(&frame);
        if self.mapper.map(&input, &mut self.batch).is_ok() {
            self.resources += 1;
        }
        self.json_bytes += frame.bytes.len() as u64;
        if self.json_bytes / self.batch_bytes
            != (self.json_bytes - frame.bytes.len() as u64) / self.batch_bytes
        {
            self.discard_rows();
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
    let table_count = plan.tables.len();
    let mut counter = RowCounter {
        mapper: Mapper::new(plan, MapSettings::default()),
        batch: RowBatch::new(table_count),
        resources: 0,
        json_bytes: 0,
        row_bytes: 0,
        batch_bytes: match std::env::var("BATCH_BYTES") {
            Ok(written) => written.parse::<std::num::NonZeroU64>()?.get(),
            Err(_) => 6 << 20,
        },
    };
    let before = cpu_time()?;
    let mut file_bytes = 0;
    for path in std::env::args().skip(1) {
        file_bytes += std::fs::metadata(&path)?.len();
        read::read(path.as_ref(), &ReadLimits::default(), &mut counter)?;
    }
    counter.discard_rows();
    let seconds = (cpu_time()? - before).as_secs_f64();
    println!(
        r#"{{"file_bytes": {file_bytes}, "resources": {}, "row_bytes": {}, "cpu_seconds": {seconds:.3}}}"#,
        counter.resources, counter.row_bytes
    );
    Ok(())
}
