//! The database: a Postgres server that fhirmill fills.
//!
//! It is the server of DATABASE_URL, or a private one that fhirmill starts
//! itself ([`private`]); the rest of the program does not tell them apart. This
//! module opens it, hands out connections with the same settings, and migrates
//! the tables ([`migrations`]). It knows nothing of what is in the tables.

mod connection;
mod copy;
mod copy_out;
mod dependents;
mod error;
mod failure;
pub mod migrations;
mod noted_role;
mod open;
pub mod private;
mod readers;
mod rights;
mod settings;
pub mod tools;
mod url;

pub use connection::{Wait, server_encoding};
pub use copy::{CopyError, CopyTable};
pub use copy_out::{CopyOutError, CopyRows, CopySource, quoted};
pub use error::{DatabaseError, OLDEST_SUPPORTED_VERSION};
pub(crate) use failure::SessionMessages;
pub use failure::{Failure, NextStep};
pub use open::Database;
pub use readers::Readers;
pub(crate) use rights::Rights;
pub use settings::DatabaseSettings;
pub use url::DatabaseUrl;
