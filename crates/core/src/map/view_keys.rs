//! The keys that views ask for, found as those of all other tables are.

use super::target::{TargetIdentity, Targets};
use crate::rows::Target;

/// `Type/id`: what stands for a key where there is no registry.
pub(super) fn key_text(targets: &Targets, key: Target) -> String {
    match targets.all().nth(key as usize) {
        Some(TargetIdentity::Identity(identity)) => {
            format!("{}/{}", identity.resource_type.name(), identity.fhir_id)
        }
        Some(TargetIdentity::Key(key)) => key.to_string(),
        None => String::new(),
    }
}
