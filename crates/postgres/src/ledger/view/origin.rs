//! Where *definitions* of views come from besides the command: files of a folder, and
//! resources. The ledger has which content of each was looked at, and what became of it.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text};
use serde::Serialize;

use super::super::schema::view_origin;

/// A definition that was looked at.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset, Serialize)]
#[diesel(table_name = view_origin, treat_none_as_null = true)]
pub struct ViewOrigin {
    /// `folder` or `resource`.
    pub origin: String,
    /// The name of the file, or the key of the resource.
    pub key: String,
    /// The content that was looked at last.
    #[serde(skip)]
    pub fingerprint: String,
    /// The view that it was applied as.
    pub name: Option<String>,
    /// Why it is not applied.
    pub problem: Option<String>,
}

impl ViewOrigin {
    /// Those of one kind, or all.
    pub fn list(connection: &mut PgConnection, origin: Option<&str>) -> QueryResult<Vec<ViewOrigin>> {
        let mut query = view_origin::table
            .order((view_origin::origin, view_origin::key))
            .select(ViewOrigin::as_select())
            .into_boxed();
        if let Some(origin) = origin {
            query = query.filter(view_origin::origin.eq(origin.to_owned()));
        }
        query.load(connection)
    }

    /// Notes what became of it.
    pub fn save(&self, connection: &mut PgConnection) -> QueryResult<()> {
        diesel::insert_into(view_origin::table)
            .values(self)
            .on_conflict((view_origin::origin, view_origin::key))
            .do_update()
            .set((self, view_origin::seen_at.eq(diesel::dsl::now)))
            .execute(connection)?;
        Ok(())
    }

    /// Forgets it: it is gone.
    pub fn forget(&self, connection: &mut PgConnection) -> QueryResult<()> {
        diesel::delete(view_origin::table.find((&self.origin, &self.key))).execute(connection)?;
        Ok(())
    }
}

/// A ViewDefinition that a source has sent.
#[derive(Clone, Debug, QueryableByName)]
pub struct DefinitionResource {
    /// Its key.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// Its FHIR id.
    #[diesel(sql_type = Text)]
    pub fhir_id: String,
    /// The sender.
    #[diesel(sql_type = Text)]
    pub source: String,
    /// How often its content has changed.
    #[diesel(sql_type = Integer)]
    pub revision: i32,
    /// Its archived file, once it is in the archive.
    #[diesel(sql_type = Nullable<Text>)]
    pub archive_path: Option<String>,
}

/// The living ViewDefinitions of these sources, and those that were applied before.
pub fn definition_resources(
    connection: &mut PgConnection,
    sources: &[&str],
) -> QueryResult<Vec<DefinitionResource>> {
    sql_query(
        "select k.id, k.fhir_id, k.source, v.revision, f.archive_path \
           from (select k.id, k.fhir_id, s.code as source from etl.source s join etl.resource_key k \
                    on k.source_id = s.id and k.resource_type = 'ViewDefinition' where s.code = any($1) \
                 union select k.id, k.fhir_id, s.code from etl.view_origin o \
                   join etl.resource_key k on k.id = o.key::bigint join etl.source s on s.id = k.source_id \
                  where o.origin = 'resource') k \
           join etl.resource_version v on v.id = k.id left join etl.load_file f on f.id = v.file_id \
          where v.content_hash is not null order by k.id",
    )
    .bind::<Array<Text>, _>(sources)
    .load(connection)
}
