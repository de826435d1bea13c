//! *Elements* that the tables do not hold, or not as they were sent.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Nullable, Text};

/// An element that FHIR R4 does not define, or that is not written as it defines it.
#[derive(Clone, Debug, QueryableByName)]
pub struct NotedElement {
    /// The FHIR type.
    #[diesel(sql_type = Text)]
    pub resource_type: String,
    /// The path of the element.
    #[diesel(sql_type = Text)]
    pub element: String,
    /// In which way it deviates; none if R4 does not define it.
    #[diesel(sql_type = Nullable<Text>)]
    pub deviation: Option<String>,
    /// How many resources had it.
    #[diesel(sql_type = BigInt)]
    pub resources: i64,
    /// The last file that had it.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub file_id: Option<i64>,
    /// The source of that file.
    #[diesel(sql_type = Nullable<Text>)]
    pub source: Option<String>,
}

impl NotedElement {
    /// Elements that R4 does not define, the most frequent first; of one source, those that
    /// came from it last.
    pub fn unmapped(
        connection: &mut PgConnection,
        source: Option<&str>,
        limit: i64,
    ) -> QueryResult<Vec<NotedElement>> {
        Self::list(connection, ("etl.unmapped_element", "null::text"), source, limit)
    }

    /// Elements that are not written as R4 defines them, likewise.
    pub fn deviating(
        connection: &mut PgConnection,
        source: Option<&str>,
        limit: i64,
    ) -> QueryResult<Vec<NotedElement>> {
        Self::list(connection, ("etl.deviating_element", "e.deviation"), source, limit)
    }

    fn list(
        connection: &mut PgConnection,
        (table, deviation): (&str, &str),
        source: Option<&str>,
        limit: i64,
    ) -> QueryResult<Vec<NotedElement>> {
        sql_query(format!(
            "select e.resource_type, e.element, {deviation} as deviation, e.resources, f.id as file_id, \
                    s.code as source \
               from {table} e left join etl.load_file f on f.id = e.last_file_id \
               left join etl.source s on s.id = f.source_id \
              where $1 is null or s.code = $1 order by e.resources desc, e.resource_type, e.element, 3 limit $2"
        ))
        .bind::<Nullable<Text>, _>(source)
        .bind::<BigInt, _>(limit)
        .load(connection)
    }
}
