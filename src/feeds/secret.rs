//! *Secrets* of feeds: they are read when they are needed, so that a new one needs no restart.

use super::http::Failure;
use crate::config::Secret;

/// A secret as it is now.
pub fn read(secret: &Secret) -> Result<String, Failure> {
    let text = match secret {
        Secret::File(path) => std::fs::read_to_string(path)
            .map_err(|error| Failure::Settings(format!("{} cannot be read: {error}", path.display())))?,
        Secret::Environment(name) => std::env::var(name).map_err(|_| {
            Failure::Settings(format!("the environment variable {name}, which has a secret, is not set"))
        })?,
    };
    match text.trim() {
        "" => Err(Failure::Settings("a secret is empty".to_owned())),
        text => Ok(text.to_owned()),
    }
}
