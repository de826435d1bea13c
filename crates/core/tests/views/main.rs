//! Views, run over resources and compiled with mistakes. The expected values were worked out
//! by hand from the specification of SQL on FHIR and of FHIRPath.

mod limits;
mod rows;
mod semantics;

use fhirmill_core::map::{Input, ViewRunner};
use fhirmill_core::read::{self, ReadLimits, Stopped};
use fhirmill_core::views::{Format, RowWriter};

/// The rows of the resources in a file, as CSV without its header; a problem in
/// the place of the resource's rows.
pub fn rows(view: &str, file: &str) -> Vec<String> {
    let mut runner = ViewRunner::new(view).unwrap_or_else(|found| panic!("{found:?}"));
    let mut out = Vec::new();
    read::read_each(file.as_bytes().to_vec(), &ReadLimits::default(), |found| {
        let frame = found.map_err(|_| Stopped)?;
        let mut bytes = Vec::new();
        let mut writer = RowWriter::new(runner.view(), Format::Csv, &mut bytes);
        let result = runner.run(&Input::from(&frame), &mut writer);
        writer.keep().and_then(|()| writer.flush()).expect("memory");
        drop(writer);
        match result {
            Ok(_) => out.extend(String::from_utf8(bytes).expect("UTF-8").lines().skip(1).map(str::to_owned)),
            Err(error) => out.push(format!("! {error}")),
        }
        Ok(())
    })
    .expect("it is read");
    out
}

/// A view of these columns: name and path.
pub fn view(resource: &str, columns: &[(&str, &str)]) -> String {
    let columns: Vec<String> =
        columns.iter().map(|(name, path)| format!(r#"{{"name": "{name}", "path": "{path}"}}"#)).collect();
    format!(r#"{{"resource": "{resource}", "select": [{{"column": [{}]}}]}}"#, columns.join(","))
}

/// The value of one expression in one resource.
pub fn value(resource: &str, path: &str, json: &str) -> String {
    rows(&view(resource, &[("x", path)]), json).join("|")
}

/// The mistakes of a definition: path and message of each.
pub fn mistakes(view: &str) -> Vec<(String, String)> {
    let found = ViewRunner::new(view).err().unwrap_or_default();
    found.into_iter().map(|mistake| (mistake.path, mistake.message)).collect()
}
