//! `fhirmill rejects`: what could not be loaded, and why.

use anyhow::Result;
use diesel::sql_types::{BigInt, Integer, Nullable, Text};
use diesel::{QueryableByName, RunQueryDsl, sql_query};
use serde::Serialize;

use crate::cli::{ExitCode, RejectsArguments};
use crate::config::Settings;
use fhirmill_postgres::database::{Database, Wait};

#[derive(QueryableByName, Serialize)]
struct Rejected {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    file_id: i64,
    #[diesel(sql_type = Text)]
    path: String,
    #[diesel(sql_type = Text)]
    location: String,
    #[diesel(sql_type = Nullable<Text>)]
    resource_type: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    fhir_id: Option<String>,
    #[diesel(sql_type = Text)]
    reason: String,
    #[diesel(sql_type = Text)]
    message: String,
}

/// Lists rejected records that no retry has loaded since.
pub fn run(settings: &Settings, arguments: &RejectsArguments) -> Result<ExitCode> {
    let mut connection = Database::open(&settings.database(), Wait::No)?.connect()?;
    let rejects: Vec<Rejected> = sql_query(
        "select r.id, r.file_id, f.path, r.location, r.resource_type, r.fhir_id, r.reason, r.message \
         from etl.rejected_record r join etl.load_file f on f.id = r.file_id \
         where r.retried_at is null and ($1 is null or r.file_id = $1) order by r.id desc limit $2",
    )
    .bind::<Nullable<BigInt>, _>(arguments.file)
    .bind::<Integer, _>(i32::try_from(arguments.limit).unwrap_or(i32::MAX))
    .load(&mut connection)?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&rejects)?);
        return Ok(ExitCode::Success);
    }
    for reject in &rejects {
        println!("{:>6}  file {}, {}: {}", reject.id, reject.file_id, reject.path, reject.location);
        if let Some(resource_type) = &reject.resource_type {
            println!("        {resource_type}/{}", reject.fhir_id.as_deref().unwrap_or("(no id)"));
        }
        println!("        {}: {}", reject.reason, reject.message);
    }
    if rejects.is_empty() {
        println!("nothing is rejected");
    }
    Ok(ExitCode::Success)
}
