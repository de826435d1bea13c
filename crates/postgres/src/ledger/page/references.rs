//! *Unresolved references* by source and type. If there are very many, a sample is
//! counted, and the counts are estimates.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Double, Text};

/// How many references are counted one by one.
const EXACT: i64 = 10_000;

/// References without a target.
#[derive(Clone, Debug)]
pub struct UnresolvedReferences {
    /// Whether the counts are estimates, from a sample.
    pub is_estimate: bool,
    /// By source, type and kind, the most frequent first.
    pub counts: Vec<UnresolvedCount>,
}

/// How many references of a kind have no target.
#[derive(Clone, Debug, QueryableByName)]
pub struct UnresolvedCount {
    /// The source.
    #[diesel(sql_type = Text)]
    pub source: String,
    /// The type of the resources that refer.
    #[diesel(sql_type = Text)]
    pub from_type: String,
    /// The type that they refer to; empty if they do not say.
    #[diesel(sql_type = Text)]
    pub to_type: String,
    /// `identifier`, or `address` of a resource.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// How many.
    #[diesel(sql_type = BigInt)]
    pub references: i64,
}

#[derive(QueryableByName)]
struct Size {
    #[diesel(sql_type = Double)]
    estimate: f64,
    #[diesel(sql_type = BigInt)]
    counted: i64,
}

impl UnresolvedReferences {
    /// As they are now, at most `limit` counts.
    pub fn count(connection: &mut PgConnection, limit: i64) -> QueryResult<UnresolvedReferences> {
        let size: Size = sql_query(
            "select greatest(reltuples, 0)::float8 as estimate, \
                    (select count(*) from (select from etl.unresolved_reference limit $1 + 1) bounded) as counted \
               from pg_class where oid = 'etl.unresolved_reference'::regclass",
        )
        .bind::<BigInt, _>(EXACT)
        .get_result(connection)?;
        let is_estimate = size.counted > EXACT;
        let exact = EXACT as f64;
        let sample = match is_estimate {
            true => {
                format!(
                    "tablesample system ({})",
                    (100.0 * exact / size.estimate.max(exact)).clamp(0.001, 100.0)
                )
            }
            false => String::new(),
        };
        let scale = if is_estimate { (size.estimate / exact).max(1.0) } else { 1.0 };
        let counts = sql_query(format!(
            "\
select s.code as source, k.resource_type as from_type, u.resource_type as to_type,
       case when u.system = 'reference' then 'address' else 'identifier' end as kind,
       round(count(*) * $1)::bigint as \"references\"
  from (select resource_id, resource_type, system from etl.unresolved_reference {sample} limit $2) u
  join etl.resource_key k on k.id = u.resource_id
  join etl.source s on s.id = k.source_id
 group by 1, 2, 3, 4 order by 5 desc, 1, 2, 3, 4 limit $3"
        ))
        .bind::<Double, _>(scale)
        .bind::<BigInt, _>(2 * EXACT)
        .bind::<BigInt, _>(limit)
        .load(connection)?;
        Ok(UnresolvedReferences { is_estimate, counts })
    }
}
