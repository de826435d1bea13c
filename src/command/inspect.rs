//! `fhirmill inspect`: shows what is in files, without a database.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use crate::cli::{ExitCode, InspectArguments};
use crate::config::Settings;
use crate::report::Deviations;
use fhirmill_core::map::{Input, MapSettings, Mapper, Plan, RowBatch};
use fhirmill_core::read::{self, Document, Frame, Payload, ReadDefect, ResourceHandler, Stopped};

/// What one file holds.
#[derive(Debug, Default, Serialize)]
struct Inspection {
    file: String,
    documents: Vec<String>,
    resources: BTreeMap<String, u64>,
    deletes: u64,
    without_resource: u64,
    /// Elements that R4 does not define, by path.
    unmapped: BTreeMap<String, u64>,
    deviations: Deviations,
    problems: Vec<Problem>,
}

#[derive(Debug, Serialize)]
struct Problem {
    location: String,
    reason: String,
}

/// Reads each file as a load would, and prints its counts and problems.
pub fn run(settings: &Settings, arguments: &InspectArguments) -> Result<ExitCode> {
    let mut inspections = Vec::new();
    for path in &arguments.files {
        inspections.push(inspect(settings, path));
    }
    let has_problems = inspections.iter().any(|inspection| !inspection.problems.is_empty());
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&inspections)?);
    } else {
        inspections.iter().for_each(print);
    }
    Ok(if has_problems { ExitCode::Rejected } else { ExitCode::Success })
}

fn print(inspection: &Inspection) {
    println!("{}", inspection.file);
    for document in &inspection.documents {
        println!("  {document}");
    }
    for (name, count) in &inspection.resources {
        println!("  {count:>12} {name}");
    }
    for (count, what) in
        [(inspection.deletes, "deletes"), (inspection.without_resource, "entries without a resource")]
    {
        if count > 0 {
            println!("  {count:>12} {what}");
        }
    }
    for (element, count) in &inspection.unmapped {
        println!("  {count:>12} with {element}, which R4 does not define");
    }
    for (deviation, elements) in &inspection.deviations {
        for (element, count) in elements {
            println!("  {count:>12} {deviation}: {element}");
        }
    }
    for problem in &inspection.problems {
        println!("  problem: {}: {}", problem.location, problem.reason);
    }
}

fn inspect(settings: &Settings, path: &Path) -> Inspection {
    let plan = Plan::built_in();
    let table_count = plan.tables.len();
    let mut inspector = Inspector {
        mapper: Mapper::new(plan, MapSettings { timezone: settings.assume_timezone }),
        batch: RowBatch::new(table_count),
        document: String::new(),
        found: Inspection { file: path.display().to_string(), ..Inspection::default() },
    };
    if let Err(error) = read::read(path, &settings.read_limits(), &mut inspector) {
        inspector.found.problems.push(Problem { location: "the file".to_owned(), reason: error.to_string() });
    }
    inspector.found
}

struct Inspector {
    mapper: Mapper,
    batch: RowBatch,
    document: String,
    found: Inspection,
}

impl Inspector {
    /// Counts the elements of the resource just mapped that deviate from R4.
    fn count_elements(&mut self) {
        for unmapped in self.batch.unmapped() {
            let element = format!("{}.{}", unmapped.resource_type.name(), unmapped.element);
            *self.found.unmapped.entry(element).or_default() += 1;
        }
        for deviant in self.batch.deviations() {
            let element = format!("{}.{}", deviant.resource_type.name(), deviant.element);
            let of_deviation = self.found.deviations.entry(deviant.deviation.name()).or_default();
            *of_deviation.entry(element).or_default() += 1;
        }
    }

    fn problem(&mut self, location: &dyn std::fmt::Display, reason: String) {
        let location = if self.document.is_empty() {
            location.to_string()
        } else {
            format!("{}, {location}", self.document)
        };
        self.found.problems.push(Problem { location, reason });
    }
}

impl ResourceHandler for Inspector {
    fn document(&mut self, document: &Document<'_>) -> Result<(), Stopped> {
        document.name.clone_into(&mut self.document);
        let form = document.format.name();
        self.found.documents.push(if document.name.is_empty() {
            form.to_owned()
        } else {
            format!("{}: {form}", document.name)
        });
        Ok(())
    }

    fn frame(&mut self, frame: Frame<'_>) -> Result<(), Stopped> {
        match frame.payload {
            Payload::Delete => self.found.deletes += 1,
            Payload::None => self.found.without_resource += 1,
            Payload::Patch => self.problem(&frame.location, "PATCH cannot be loaded".to_owned()),
            Payload::Resource => {
                self.batch.clear();
                let input = Input::from(&frame);
                match self.mapper.map(&input, &mut self.batch) {
                    Ok(()) => {
                        let name = self.batch.identity(0).resource_type.name().to_owned();
                        *self.found.resources.entry(name).or_default() += 1;
                        self.count_elements();
                    }
                    Err(error) => self.problem(&frame.location, error.to_string()),
                }
                // Identifiers in references would be looked up in the database.
                self.mapper.identifiers().take_asked();
            }
        }
        Ok(())
    }

    fn defect(&mut self, defect: ReadDefect<'_>) -> Result<(), Stopped> {
        self.problem(&defect.location, format!("{}, at byte {}", defect.reason, defect.detected_at));
        Ok(())
    }
}
