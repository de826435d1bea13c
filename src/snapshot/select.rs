//! Which of the relations a snapshot has.

use fhirmill_postgres::picture::Relation;

use super::error::SnapshotError;
use crate::config::{SnapshotPlan, nearest_name};

/// The schemas that a snapshot may have. The last one only goes into snapshots that name it:
/// who may read them need not be who may read the others.
const SCHEMAS: [&str; 5] = ["public", "analytics", "views", "etl", DEIDENTIFIED];
const DEIDENTIFIED: &str = "deidentified";

/// Those that the plan names, or all of them.
pub(super) fn select(relations: Vec<Relation>, plan: &SnapshotPlan) -> Result<Vec<Relation>, SnapshotError> {
    for schema in &plan.schemas {
        if !SCHEMAS.contains(&schema.as_str()) {
            let nearest = nearest_name(schema, SCHEMAS.into_iter());
            let nearest = nearest.map(str::to_owned);
            return Err(SnapshotError::Unknown { what: "schema", name: schema.clone(), nearest });
        }
    }
    for table in &plan.tables {
        if !relations.iter().any(|relation| is_named(relation, table)) {
            let paths: Vec<String> = relations.iter().map(Relation::path).collect();
            let nearest = nearest_name(table, paths.iter().map(String::as_str)).map(str::to_owned);
            return Err(SnapshotError::Unknown { what: "table", name: table.clone(), nearest });
        }
    }
    let is_wanted = |relation: &Relation| {
        let is_named_only = relation.schema == DEIDENTIFIED && plan.tables.is_empty();
        (plan.schemas.is_empty() && !is_named_only || plan.schemas.contains(&relation.schema))
            && (plan.tables.is_empty() || plan.tables.iter().any(|table| is_named(relation, table)))
    };
    Ok(relations.into_iter().filter(is_wanted).collect())
}

fn is_named(relation: &Relation, table: &str) -> bool {
    relation.path() == table.strip_prefix("public.").unwrap_or(table)
}
