//! Who gives the *keys* that stand for resources in all tables.

use super::target::TargetIdentity;

/// Gives keys to resources. The registry does, which keeps them in the
/// database; where there is no database a hash can.
///
/// A resource is a type and an id within a source. It must get the same key
/// whenever it is asked for, by whomever, for good; no two resources may get
/// the same one.
pub trait Keys {
    /// Why no keys could be given.
    type Error;

    /// The keys of the targets of a batch of that source, in the order of the
    /// targets. A target that already is a key ([`TargetIdentity::Key`]) stays as
    /// it is.
    fn keys<'t>(
        &mut self,
        source_id: i16,
        targets: impl ExactSizeIterator<Item = TargetIdentity<'t>>,
    ) -> Result<Vec<i64>, Self::Error>;
}
