//! What an operator does and sees, through the doors that an operator has: folders,
//! commands, exit codes, logs and reports.

mod skipped_paths;
mod skipped_types;

/// A patient with that ID, as a line.
fn patient(id: &str) -> String {
    format!("{{\"resourceType\":\"Patient\",\"id\":\"{id}\",\"gender\":\"female\"}}\n")
}

/// An observation of that patient, as a line.
fn observation(id: &str, patient: &str) -> String {
    format!(
        "{{\"resourceType\":\"Observation\",\"id\":\"{id}\",\"status\":\"final\",\
         \"code\":{{\"text\":\"c\"}},\"subject\":{{\"reference\":\"Patient/{patient}\"}}}}\n"
    )
}
