//! The operator's page in Chromium: what a person does there, by mouse and by keyboard; on a
//! phone; without a script; and what axe-core says of it. Pictures are in
//! target/page-pictures.
//!
//! Where there is no Chromium the test is left out with a message, unless REQUIRE_BROWSER is
//! set. Playwright and axe-core are installed once, into target/browser-venv.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::Duration;

use serde_json::json;

use super::page::{password_of, service};
use crate::support::execute;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A feed whose last run brought fewer observations than were announced, after one that failed.
const FEED: &str = "\
insert into etl.feed (name, kind, source, schedule, last_started_at, last_success_at, position, next_run_at, files,
                      bytes, records, retries, last_failure_at, last_failure, last_advice)
values ('st-marys-nightly', 'export', 'st-marys', '0 0 2 * * *', now() - interval '9 hours', now() - interval '8 hours',
        '2026-11-29T02:00:07Z', now() + interval '15 hours', 3, 60000000, 81000, 2, now() - interval '33 hours',
        'the server cannot be reached: time-out', 'The feed goes on by itself where it was.');
insert into etl.export_job (feed_id, request_hash, source, url, status, started_at, finished_at, last_error, retries)
select id, 'x', source, 'https://fhir.st-marys.example/r4/$export', 'failed', now() - interval '33 hours',
       now() - interval '32 hours', 'the server cannot be reached: time-out', 12 from etl.feed;
insert into etl.export_job (feed_id, request_hash, source, url, status, started_at, finished_at, retries)
select id, 'x', source, 'https://fhir.st-marys.example/r4/$export', 'finished', now() - interval '9 hours',
       now() - interval '8 hours', 2 from etl.feed;
insert into etl.export_file (job_id, number, kind, resource_type, location, announced_count, seen_count, rejected_count,
                             status, size_bytes)
values (2, 1, 'output', 'Patient', 'x', 1000, 1000, 0, 'loaded', 1200000),
       (2, 2, 'output', 'Observation', 'x', 80213, 80000, 3, 'loaded', 58800000),
       (2, 3, 'outcome', 'OperationOutcome', 'x', null, 1, null, 'kept', 312)";

fn chromium() -> Option<PathBuf> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let found = std::env::split_paths(&paths)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|path| path.exists());
    if found.is_none() {
        assert!(std::env::var_os("REQUIRE_BROWSER").is_none(), "there is no Chromium");
        eprintln!("not tried: there is no Chromium; on Debian or Ubuntu: apt-get install chromium");
    }
    found
}

fn python() -> PathBuf {
    let folder = Path::new(ROOT).join("target/browser-venv");
    let output = Command::new(Path::new(ROOT).join("scripts/browser-venv")).arg(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}

/// Waits until the browser's test asks for something, or has ended.
fn is_told(browser: &mut Child, word: &Path) -> bool {
    while !word.exists() {
        if browser.try_wait().unwrap().is_some() {
            return word.exists();
        }
        sleep(Duration::from_millis(20));
    }
    true
}

#[test]
fn the_page_in_a_browser() {
    let Some(chromium) = chromium() else { return };
    let python = python();
    let service = service();
    let environment = &service.environment;
    execute(environment.database_url(), FEED);
    let view = Path::new(ROOT).join("views/blood_pressures.json");
    environment.run(&["views", "apply", "--wait", view.to_str().unwrap()]).expect_code(0);
    let settings = json!({
        "url": format!("http://127.0.0.1:{}", service.port),
        "folder": environment.path(""),
        "pictures": Path::new(ROOT).join("target/page-pictures"),
        "chromium": chromium,
        "name": "anna",
        "password": password_of("anna"),
    });
    let output = File::create(environment.path("browser")).unwrap();
    let mut browser = Command::new(python)
        .arg(Path::new(ROOT).join("tests/browser/page.py"))
        .arg(settings.to_string())
        .stdout(output.try_clone().unwrap())
        .stderr(output)
        .spawn()
        .unwrap();
    if is_told(&mut browser, &environment.path("load")) {
        // The load cannot go on as long as the table is locked.
        let held = environment.hold("patient");
        environment.put("inbox/st-marys/slow.ndjson", "{\"resourceType\":\"Patient\",\"id\":\"slow\"}\n");
        is_told(&mut browser, &environment.path("go-on"));
        drop(held);
    }
    let status = browser.wait().unwrap();
    let said = fs::read_to_string(environment.path("browser")).unwrap();
    assert!(status.success(), "{said}");
    println!("{said}");
}
