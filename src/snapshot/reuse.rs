//! Which tables share the files of the snapshot before: those that look as they did then.

use fhirmill_postgres::ledger::SnapshotRun;
use fhirmill_postgres::picture::{Earlier, Picture, PictureId, Relation, RelationKind};

use uuid::Uuid;

use super::error::SnapshotError;
use super::manifest::{Manifest, ManifestTable};
use super::target::Target;

/// The snapshot before.
pub(super) struct Base {
    /// Its name in the target.
    pub name: String,
    manifest: Manifest,
    earlier: Earlier,
}

impl Base {
    /// The newest snapshot of the target, if its picture is one of this database, can be compared
    /// with this one, and was written by this version of the program in this format.
    pub fn find(
        (target, names): (&dyn Target, &[String]),
        run: &mut SnapshotRun,
        id: &PictureId,
        format: &str,
    ) -> Result<Option<Base>, SnapshotError> {
        let Some(name) = names.last().cloned() else { return Ok(None) };
        let text = target.manifest(&name).map_err(SnapshotError::target(&name))?;
        let Some(manifest) = Manifest::parse(&text) else { return Ok(None) };
        let Ok(token) = Uuid::parse_str(&manifest.token) else { return Ok(None) };
        let ledger = || SnapshotError::query("look for the snapshot before");
        run.was_complete(token).map_err(ledger())?;
        let earlier = Earlier { oldest_transaction: manifest.oldest_transaction };
        let is_alike = manifest.program_version == env!("CARGO_PKG_VERSION")
            && manifest.format == format
            && manifest.database == id.database
            && earlier.is_comparable(id)
            && run.knows(token).map_err(ledger())?;
        Ok(is_alike.then_some(Base { name, manifest, earlier }))
    }

    /// The table as the snapshot before has it, if its files are good for this one.
    pub fn unchanged(
        &self,
        picture: &mut Picture,
        relation: &Relation,
    ) -> Result<Option<&ManifestTable>, SnapshotError> {
        let Some(before) = self.manifest.table(&relation.schema, &relation.name) else { return Ok(None) };
        let now = ManifestTable::of(relation);
        let is_same = relation.kind == RelationKind::Table
            && (before.oid, &before.kind, &before.comment, &before.columns)
                == (now.oid, &now.kind, &now.comment, &now.columns)
            && !before.files.is_empty();
        if !is_same {
            return Ok(None);
        }
        let shown = self.earlier.shows(picture.connection(), relation, before.rows);
        let is_shown = shown.map_err(SnapshotError::query(format!("count {}", relation.path())))?;
        Ok(is_shown.then_some(before))
    }

    /// Whether the table was written into the same bytes as before.
    pub fn has_same_files(&self, table: &ManifestTable) -> bool {
        self.manifest.table(&table.schema, &table.name).is_some_and(|before| before.files == table.files)
    }
}
