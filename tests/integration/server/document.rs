//! The lines of docs/API.md do what they say, as an operator pastes them.

use std::process::Command;

use super::HttpService;

#[test]
fn the_lines_of_the_document_work_as_pasted() {
    let s3 = format!("127.0.0.1:{}", crate::support::port_of_its_own());
    let files = crate::support::port_of_its_own();
    let hosts = format!("private:127.0.0.1:{files}");
    let service = HttpService::start_with(&[("S3_ADDRESS", &s3), ("BULK_SUBMIT_HOSTS", &hosts)]);
    let document = include_str!("../../../docs/API.md");
    let mut script =
        format!("set -euo pipefail\nfhirmill() {{ {} \"$@\"; }}\n", env!("CARGO_BIN_EXE_fhirmill"));
    for block in document.split("```sh\n").skip(1) {
        script.push_str(block.split("```").next().unwrap());
    }
    let mut bash = Command::new("bash");
    bash.arg("-c").arg(script).current_dir(service.environment.path(""));
    bash.env("FHIRMILL", format!("http://127.0.0.1:{}", service.port));
    bash.env("FHIRMILL_FILES", format!("http://127.0.0.1:{files}"));
    bash.env("FHIRMILL_S3", format!("http://{s3}"));
    bash.env("DATABASE_URL", service.environment.database_url());
    let output = bash.output().unwrap();
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}\n{errors}");
    assert!(text.contains("\"inserted\": 5000"), "{text}");
    assert!(text.contains("4.0.1"), "{text}");
    let loaded = "select count(*) from etl.load_file f join etl.source s on s.id = f.source_id \
                  where s.code = 'st-marys' and f.status = 'loaded' and f.path not like '%/updates-%'";
    crate::support::wait_until("the files are loaded", || service.environment.value(loaded) == "3");
}
