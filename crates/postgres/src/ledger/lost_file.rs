//! *Lost files*: a dead run left them open, and they are no longer in the inbox.

use diesel::dsl::now;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};
use tracing::warn;

use super::advisory_lock::living;
use super::schema::load_file;

/// A file that a dead run left open a day ago or longer, and that no run took
/// over.
#[derive(QueryableByName)]
struct LeftOpen {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    path: String,
}

/// Abandons files that were removed from the inbox for good after a run died
/// with them: as long as they are open, no repeated delivery counts as
/// unchanged. The day is for files that were only moved for a while, and for
/// another inbox. The caller holds the claim lock.
pub(super) fn give_up(
    connection: &mut PgConnection,
    run_id: i64,
    is_in_inbox: &dyn Fn(&str) -> bool,
) -> QueryResult<()> {
    let living = living();
    let mut lost: Vec<LeftOpen> = sql_query(format!(
        "select f.id, f.path from etl.load_file f where f.status = 'loading' and f.load_run_id <> $1 \
         and f.load_run_id not in ({living}) and f.started_at < now() - interval '1 day'"
    ))
    .bind::<BigInt, _>(run_id)
    .load(connection)?;
    lost.retain(|file| !is_in_inbox(&file.path));
    if lost.is_empty() {
        return Ok(());
    }
    for LeftOpen { id, path } in &lost {
        warn!(
            file.id = id,
            "abandoned {path}: the run that was loading it broke off, and it has left the inbox"
        );
    }
    let lost = load_file::table.filter(load_file::id.eq_any(lost.iter().map(|file| file.id)));
    diesel::update(lost)
        .set((
            load_file::status.eq("abandoned"),
            load_file::finished_at.eq(now),
            load_file::error.eq("the run that was loading it broke off, and it has left the inbox"),
        ))
        .execute(connection)?;
    Ok(())
}
