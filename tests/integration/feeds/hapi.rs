//! HAPI's own `$export`, by its JPA server in tests/hapi: `make hapi`.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use fhirmill_postgres::failpoint::FeedStep;
use pretty_assertions::assert_eq;

use super::{export_command, resources};
use crate::support::TestEnvironment;

/// The server, which ends with the test.
pub struct Hapi {
    process: Child,
    /// Its base URL.
    pub base: String,
}

impl Drop for Hapi {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Hapi {
    /// Starts it on a port that is free.
    pub fn start(environment: &TestEnvironment) -> Self {
        Self::start_with(environment, &[])
    }

    /// As [`Hapi::start`]; references must lead to what it has.
    pub fn start_strict(environment: &TestEnvironment) -> Self {
        Self::start_with(environment, &["strict"])
    }

    fn start_with(environment: &TestEnvironment, more: &[&str]) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/hapi");
        let (classes, libraries) = (folder.join("classes"), folder.join("lib/*"));
        let log = std::fs::File::create(environment.path("hapi.log")).unwrap();
        let mut process = Command::new("java")
            .args([
                "-Xmx1g",
                "-cp",
                &format!("{}:{}", classes.display(), libraries.display()),
                "HapiServer",
                "0",
            ])
            .args(more)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("there is a JDK 17: make hapi");
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let ready =
            lines.map_while(Result::ok).find_map(|line| line.strip_prefix("ready: ").map(str::to_owned));
        let said = || std::fs::read_to_string(environment.path("hapi.log")).unwrap();
        Hapi { process, base: ready.unwrap_or_else(|| panic!("HAPI does not start: {}", said())) }
    }

    /// Calls it; returns the body of an answer that is no error.
    pub fn call(&self, path: &str, arguments: &[&str]) -> Vec<u8> {
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--fail", "--max-time", "600"])
            .args(["--header", "Content-Type: application/fhir+json"])
            .args(arguments)
            .arg(format!("{}{path}", self.base))
            .output()
            .unwrap();
        assert!(output.status.success(), "{path}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// How many resources of a type it has.
    pub fn count(&self, resource_type: &str) -> i64 {
        // It answers searches of the last minute from a cache.
        let now = ["--header", "Cache-Control: no-cache"];
        let body = self.call(&format!("/{resource_type}?_summary=count"), &now);
        serde_json::from_slice::<serde_json::Value>(&body).unwrap()["total"].as_i64().unwrap()
    }

    /// Fills it with synthetic patients.
    pub fn fill(&self, environment: &TestEnvironment, patients: usize) {
        let number = patients.to_string();
        environment
            .run(&["generate", "--patients", &number, "--seed", "5", "--out", "bundles"])
            .expect_code(0);
        let mut bundles: Vec<_> = std::fs::read_dir(environment.path("bundles"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        // The hospital comes before its patients.
        bundles.sort();
        for bundle in bundles {
            self.call("", &["--data-binary", &format!("@{}", bundle.display())]);
        }
    }
}

/// The tables have of each type what the server has.
#[track_caller]
fn compare(environment: &TestEnvironment, hapi: &Hapi, source: &str) -> i64 {
    let found = resources(environment, source);
    assert!(found.len() > 10, "{found:?}");
    for (resource_type, count) in &found {
        assert_eq!(*count, hapi.count(resource_type), "{resource_type}");
    }
    found.iter().map(|(_, count)| count).sum()
}

#[test]
#[ignore = "needs a JDK and HAPI's modules: make hapi"]
fn hapi_exports_and_nothing_is_lost_by_kills() {
    let environment = TestEnvironment::new();
    let hapi = Hapi::start(&environment);
    hapi.fill(&environment, 3);
    println!("HAPI is filled");
    let command = || export_command(&environment, &hapi.base, "by-hand", &["--downloads", "2"]);
    for (step, action) in [
        (FeedStep::Accepted, "return"),
        (FeedStep::Polled, "return"),
        (FeedStep::FilesNoted, "return"),
        (FeedStep::Fetched, "3*off->return"),
        (FeedStep::Landed, "5*off->return"),
        (FeedStep::AllLanded, "return"),
    ] {
        let mut mortal = command();
        let run = environment.run_command(mortal.env("FAILPOINTS", format!("{}={action}", step.name())));
        assert_eq!(run.code, -1, "{step:?} is not passed: {}", run.stderr);
        println!("killed at {step:?}");
    }
    let report = environment.run_command(&mut command()).expect_code(0).json();
    let all = compare(&environment, &hapi, "by-hand");
    println!("{} files, {} records, {all} resources", report["files"], report["records"]);
    assert_eq!(report["records"], all);
    assert_eq!(environment.value("select count(*) from etl.export_job"), "1");
    assert_eq!(environment.value("select count(*) from etl.export_job where deleted_at is not null"), "1");

    // A feed: everything at first, and then what has changed.
    environment.put(
        "fhirmill.toml",
        format!(
            "[[feed]]\nname = \"hapi\"\nkind = \"export\"\nsource = \"feed\"\nurl = \"{}\"\nretry_wait = \"1s\"\n",
            hapi.base
        ),
    );
    let mut mortal = environment.command(&["feeds", "run", "hapi"]);
    let failpoint = format!("{}=2*off->return", FeedStep::Landed.name());
    assert_eq!(environment.run_command(mortal.env("FAILPOINTS", failpoint)).code, -1);
    environment.run(&["feeds", "run", "hapi"]).expect_code(0);
    assert_eq!(compare(&environment, &hapi, "feed"), all);
    let patient = "{\"resourceType\":\"Patient\",\"id\":\"late\",\"gender\":\"male\"}";
    hapi.call("/Patient/late", &["--request", "PUT", "--data", patient]);
    let second = environment.run(&["feeds", "run", "hapi", "--json"]).expect_code(0).json();
    assert_eq!(second["records"], 1, "{second}");
    assert_eq!(compare(&environment, &hapi, "feed"), all + 1);
    environment.run(&["check", "--archive"]).expect_code(0);
}
