//! Unusual things in the inbox: files that change while they are read, unusual
//! names, and what is not a regular file. None of them may stop the run, affect
//! other files, or leave other rows than a quiet inbox would.

mod changes;
mod names;
mod special_files;

/// A patient with the ID `p1`.
const PATIENT: &str = r#"{"resourceType":"Patient","id":"p1","gender":"female"}"#;

/// A patient with that ID, as a line.
fn patient(id: &str) -> String {
    format!("{{\"resourceType\":\"Patient\",\"id\":\"{id}\"}}\n")
}
