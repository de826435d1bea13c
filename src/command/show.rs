//! `fhirmill show`: a resource's JSON, byte for byte as it was received.

use std::io::Write;

use anyhow::{Context, Result, bail};
use diesel::sql_types::{BigInt, Integer, Nullable, Text};
use diesel::{QueryableByName, RunQueryDsl, sql_query};

use crate::archive::{ArchiveError, Location, Storage};
use crate::cli::{ExitCode, ShowArguments};
use crate::config::Settings;
use crate::pipeline::limits;
use fhirmill_core::read;
use fhirmill_postgres::database::{Database, Wait};

#[derive(QueryableByName)]
struct Place {
    #[diesel(sql_type = Text)]
    source: String,
    #[diesel(sql_type = Nullable<Text>)]
    body: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    path: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    status: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    archive_path: Option<String>,
    #[diesel(sql_type = Nullable<Integer>)]
    member: Option<i32>,
    #[diesel(sql_type = Nullable<BigInt>)]
    byte_offset: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    byte_length: Option<i64>,
}

/// Prints the resource from the database or from the archived file.
pub fn run(settings: &Settings, arguments: &ShowArguments) -> Result<ExitCode> {
    let Some((resource_type, fhir_id)) = arguments.resource.split_once('/') else {
        eprintln!("error: expected TYPE/ID, such as Patient/123");
        return Ok(ExitCode::Usage);
    };
    let mut connection = Database::open(&settings.database(), Wait::No)?.connect()?;
    let places: Vec<Place> = sql_query(
        "select s.code as source, b.body, f.path, f.status, f.archive_path, r.member, r.byte_offset, r.byte_length \
         from etl.resource r join etl.source s on s.id = r.source_id \
         left join etl.resource_body b on b.id = r.id left join etl.load_file f on f.id = r.file_id \
         where r.resource_type = $1 and r.fhir_id = $2 and ($3 is null or s.code = $3) \
           and r.content_hash is not null order by s.code",
    )
    .bind::<Text, _>(resource_type)
    .bind::<Text, _>(fhir_id)
    .bind::<Nullable<Text>, _>(arguments.source.as_deref())
    .load(&mut connection)?;
    let place = match places.as_slice() {
        [] => bail!("there is no {}", arguments.resource),
        [place] => place,
        several => {
            let sources: Vec<&str> = several.iter().map(|place| place.source.as_str()).collect();
            bail!("several sources have it: add --source with one of {}", sources.join(", "))
        }
    };
    let mut out = std::io::stdout().lock();
    match &place.body {
        Some(body) => out.write_all(body.as_bytes())?,
        None => out.write_all(&from_archive(settings, place)?)?,
    }
    out.write_all(b"\n")?;
    Ok(ExitCode::Success)
}

fn from_archive(settings: &Settings, place: &Place) -> Result<Vec<u8>> {
    let path = place.path.clone().unwrap_or_default();
    let Some(stored) = &place.archive_path else {
        return Err(ArchiveError::NotYet { path }.into());
    };
    let (Some(member), Some(offset), Some(length)) = (place.member, place.byte_offset, place.byte_length)
    else {
        bail!("the registry does not know its place in {stored}");
    };
    let (storage, location) = (Storage::of(settings), Location::stored(stored));
    let archive = storage.of_status(place.status.as_deref().unwrap_or_default());
    let file = archive.open(&location)?;
    read::read_range_of(file, &limits(settings), member as u32, offset as u64, length as u64)
        .with_context(|| format!("{} cannot be read", archive.address(&location).display()))
}
