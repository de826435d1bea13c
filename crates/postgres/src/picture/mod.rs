//! A *picture* of the database: what was committed at one time, seen over any number of
//! connections ([`Picture`]), what there is to see ([`Relation`]), and whether a table looks
//! as it did in an earlier picture ([`Earlier`]).

mod earlier;
mod relation;
mod session;

pub use earlier::{Count, Earlier};
pub use relation::{LINEAGE, Relation, RelationColumn, RelationKind};
pub use session::{Picture, PictureId};
