//! The register of *contained resources*: which of them each container in the
//! tables has, so that their rows go when it is replaced or deleted.

use diesel::sql_types::{Array, BigInt, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};
use fhirmill_core::fhir::ResourceType;
use fhirmill_core::rows::RowBuffer;
use fhirmill_core::sink::{AcceptedBatch, Outcomes};

use crate::LoadError;
use crate::database::CopyTable;

/// A session that replaces a container has its version locked, so that no other
/// one changes its contained resources.
const UNREGISTER: &str = "\
delete from etl.contained_resource c using etl.resource_key k
where c.container_id = any($1) and k.id = c.id
returning c.id, k.resource_type";

#[derive(QueryableByName)]
struct Unregistered {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    resource_type: String,
}

/// Removes what replaced resources contained from the register; returns type and
/// key of each.
pub(super) fn unregister(
    connection: &mut PgConnection,
    outcomes: &Outcomes,
) -> Result<Vec<(ResourceType, i64)>, LoadError> {
    if outcomes.replaced.is_empty() {
        return Ok(Vec::new());
    }
    let containers: Vec<i64> = outcomes.replaced.iter().map(|(_, key)| *key).collect();
    let unregistered: Vec<Unregistered> =
        sql_query(UNREGISTER).bind::<Array<BigInt>, _>(&containers).load(connection)?;
    let typed = unregistered
        .into_iter()
        .filter_map(|Unregistered { id, resource_type }| Some((ResourceType::named(&resource_type)?, id)));
    Ok(typed.collect())
}

/// Registers what the batch's resources contain.
pub(super) fn register(connection: &mut PgConnection, batch: &AcceptedBatch<'_>) -> Result<(), LoadError> {
    let mut buffer = RowBuffer::default();
    for contained in batch.contained() {
        buffer.begin_row(2);
        buffer.bigint(contained.key);
        buffer.bigint(contained.container_key);
    }
    CopyTable::new("etl.contained_resource", ["id", "container_id"]).copy_buffer(connection, &buffer)?;
    Ok(())
}
