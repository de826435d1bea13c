//! Noting what a sink *answered*.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Binary, Integer, Nullable, SmallInt, Text};

use super::Sink;

/// What a sink is asked to do with a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// To have this version.
    Put,
    /// To delete it.
    Delete,
}

impl Method {
    /// As in HTTP.
    pub fn name(self) -> &'static str {
        match self {
            Method::Put => "PUT",
            Method::Delete => "DELETE",
        }
    }
}

/// A resource that was sent.
#[derive(Clone, Copy, Debug)]
pub struct SentResource<'r> {
    /// Its type.
    pub resource_type: &'r str,
    /// Its id.
    pub fhir_id: &'r str,
    /// The hash of its content; empty of a deletion.
    pub content_hash: &'r [u8],
}

/// A resource that was refused, and why. Has no values of the resource.
#[derive(Clone, Debug)]
pub struct Refusal<'r> {
    /// Its type.
    pub resource_type: &'r str,
    /// Its id.
    pub fhir_id: &'r str,
    /// The file and the position of its record; none of a deletion.
    pub place: Option<(i64, i64)>,
    /// The status of the answer.
    pub status: u16,
    /// The code.
    pub code: Option<&'r str>,
    /// The server's own number for the error.
    pub server_code: Option<&'r str>,
    /// The element that is named.
    pub expression: Option<&'r str>,
    /// What it refers to and the sink does not have, as `Type/id`.
    pub awaits: &'r [String],
}

/// An answer to a Bundle.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    /// What its entries asked for.
    pub method: Method,
    /// The type of its entries.
    pub resource_type: &'a str,
    /// The number of its entries.
    pub entries: usize,
    /// How many were refused.
    pub refused: usize,
    /// The status of the answer.
    pub status: u16,
    /// How long it took.
    pub milliseconds: u128,
    /// The size of the Bundle.
    pub bytes: usize,
    /// Who sent it.
    pub process: &'a str,
}

const ACCEPT: &str = "\
with u as (select * from unnest($2, $3, $4) as u (resource_type, fhir_id, content_hash)),
resolved as (
  update etl.sink_refusal r set resolved_at = now() from u
   where r.sink_id = $1 and r.resource_type = u.resource_type and r.fhir_id = u.fhir_id and r.resolved_at is null)
update etl.sink_resource s
   set sent_hash = u.content_hash, sending_hash = null, refused_hash = null, is_present = true, sent_at = now()
  from u where s.sink_id = $1 and s.resource_type = u.resource_type and s.fhir_id = u.fhir_id";

/// What lives again meanwhile is sent by its batch.
const DELETED: &str = "\
with u as (select * from unnest($2, $3) as u (resource_type, fhir_id)),
resolved as (
  update etl.sink_refusal r set resolved_at = now() from u
   where r.sink_id = $1 and r.resource_type = u.resource_type and r.fhir_id = u.fhir_id and r.resolved_at is null)
delete from etl.sink_resource s using u
 where s.sink_id = $1 and s.resource_type = u.resource_type and s.fhir_id = u.fhir_id";

const REQUEST: &str = "\
with noted as (
  update etl.sink set last_success_at = case when $5 > 0 then now() else last_success_at end,
         failing_since = null, retry_at = null, last_error = null, requests = requests + 1, refused = refused + $6,
         accepted = accepted + case when $2 = 'PUT' then $5 else 0 end,
         deleted = deleted + case when $2 = 'DELETE' then $5 else 0 end
   where id = $1)
insert into etl.sink_request (sink_id, method, resource_type, entries, accepted, refused, status, milliseconds, bytes, process)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

const REFUSE: &str = "\
with kept as (
  update etl.sink_resource set sending_hash = null,
         refused_hash = case when $4 = 'PUT' then sending_hash else refused_hash end,
         delete_refused_at = case when $4 = 'DELETE' then now() else delete_refused_at end
   where sink_id = $1 and resource_type = $2 and fhir_id = $3)
insert into etl.sink_refusal as r (sink_id, resource_type, fhir_id, method, file_id, position, status, code, server_code, expression, awaits)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
on conflict (sink_id, resource_type, fhir_id) do update
   set method = excluded.method, file_id = excluded.file_id, position = excluded.position, status = excluded.status,
       code = excluded.code, server_code = excluded.server_code, expression = excluded.expression,
       awaits = excluded.awaits, attempts = r.attempts + 1, refused_at = now(), resolved_at = null";

impl Sink {
    /// Notes the answer to a Bundle, and what of it was accepted.
    pub fn note_answer(
        &self,
        connection: &mut PgConnection,
        answered: &Answered<'_>,
        accepted: &[SentResource<'_>],
    ) -> QueryResult<()> {
        connection.transaction(|connection| {
            self.note_accepted(connection, answered.method, accepted)?;
            sql_query(REQUEST)
                .bind::<SmallInt, _>(self.id)
                .bind::<Text, _>(answered.method.name())
                .bind::<Text, _>(answered.resource_type)
                .bind::<Integer, _>(answered.entries as i32)
                .bind::<Integer, _>(accepted.len() as i32)
                .bind::<Integer, _>(answered.refused as i32)
                .bind::<Integer, _>(i32::from(answered.status))
                .bind::<Integer, _>(i32::try_from(answered.milliseconds).unwrap_or(i32::MAX))
                .bind::<BigInt, _>(answered.bytes as i64)
                .bind::<Text, _>(answered.process)
                .execute(connection)?;
            Ok(())
        })
    }

    fn note_accepted(
        &self,
        connection: &mut PgConnection,
        method: Method,
        accepted: &[SentResource<'_>],
    ) -> QueryResult<()> {
        let types: Vec<&str> = accepted.iter().map(|resource| resource.resource_type).collect();
        let ids: Vec<&str> = accepted.iter().map(|resource| resource.fhir_id).collect();
        if types.is_empty() {
            return Ok(());
        }
        match method {
            Method::Put => {
                let hashes: Vec<&[u8]> = accepted.iter().map(|resource| resource.content_hash).collect();
                sql_query(ACCEPT)
                    .bind::<SmallInt, _>(self.id)
                    .bind::<Array<Text>, _>(types)
                    .bind::<Array<Text>, _>(ids)
                    .bind::<Array<Binary>, _>(hashes)
                    .execute(connection)?
            }
            Method::Delete => sql_query(DELETED)
                .bind::<SmallInt, _>(self.id)
                .bind::<Array<Text>, _>(types)
                .bind::<Array<Text>, _>(ids)
                .execute(connection)?,
        };
        Ok(())
    }

    /// Notes that a resource was refused.
    pub fn note_refusal(
        &self,
        connection: &mut PgConnection,
        method: Method,
        refusal: &Refusal<'_>,
    ) -> QueryResult<()> {
        sql_query(REFUSE)
            .bind::<SmallInt, _>(self.id)
            .bind::<Text, _>(refusal.resource_type)
            .bind::<Text, _>(refusal.fhir_id)
            .bind::<Text, _>(method.name())
            .bind::<Nullable<BigInt>, _>(refusal.place.map(|(file_id, _)| file_id))
            .bind::<Nullable<BigInt>, _>(refusal.place.map(|(_, position)| position))
            .bind::<Integer, _>(i32::from(refusal.status))
            .bind::<Nullable<Text>, _>(refusal.code)
            .bind::<Nullable<Text>, _>(refusal.server_code)
            .bind::<Nullable<Text>, _>(refusal.expression)
            .bind::<Array<Text>, _>(refusal.awaits)
            .execute(connection)?;
        Ok(())
    }
}
