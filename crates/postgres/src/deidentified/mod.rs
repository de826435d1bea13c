//! The *de-identified copy*: schema `deidentified`, which shows of the clinical tables
//! what the rules of the model allow ([`fhirmill_core::model::Rule`]), as views or as
//! tables. Its readers are the members of a role of their own ([`Researchers`]), who can
//! read nothing else. The secret is in a table of the ledger, which only the owner reads.

mod expression;
mod functions;
mod lists;
mod made;
mod publish;
mod researchers;
mod secret;
mod select;

pub use publish::{Published, ensure_researchers, publish, withdraw};
pub use researchers::Researchers;
pub use secret::DeidentifiedSecret;

use fhirmill_core::datatype::Timezone;

/// As what the copy is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As views: always as new as the tables, computed whenever they are read.
    Views,
    /// As tables: made at times, as fast to read as any.
    Tables,
}

impl Form {
    /// Its name in the ledger and in settings.
    pub fn name(self) -> &'static str {
        match self {
            Form::Views => "views",
            Form::Tables => "tables",
        }
    }
}

/// What the copy is to be.
#[derive(Clone, Debug)]
pub struct Deidentification {
    /// As what it is there.
    pub form: Form,
    /// What keys and days are computed with.
    pub secret: DeidentifiedSecret,
    /// The zone in which times keep their time of day.
    pub timezone: Timezone,
    /// Code systems that are shown besides the published ones.
    pub code_systems: Vec<String>,
}
