//! The core of fhirmill turns bytes into FHIR resources, and resources into
//! rows of relational tables. It opens no database, no network and no file of
//! its own: it reads what it is given.

pub mod datatype;
pub mod fhir;
pub mod json;
pub mod map;
pub mod model;
pub mod read;
pub mod rows;
pub mod sink;
