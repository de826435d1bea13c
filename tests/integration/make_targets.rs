//! The make targets and the commands in README and in the runbook, as they stand
//! there: with the private server, and in Docker, for which a script stands in that
//! runs the binary and records what it was asked.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use pretty_assertions::assert_eq;

use fhirmill::config::VARIABLES;

use crate::support::{BINARY, Run, TestEnvironment, clean_command};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const PATIENT: &str = r#"{"resourceType":"Patient","id":"123"}"#;

/// Stands in for `docker`. What it was asked is in `docker.log`, the label of the
/// image in `docker.image`, the input of shells in `docker.input`.
const DOCKER: &str = r#"#!/bin/sh
echo "$*" >> docker.log
case "$*" in
  "compose version") ;;
  "image inspect --format "*) cat docker.image 2>/dev/null ;;
  "build "*) echo "$*" | sed -n 's/.*--label fhirmill.sources=\([^ ]*\).*/\1/p' > docker.image ;;
  "inspect --format "*) echo healthy ;;
  "compose ps --quiet "*) echo container ;;
  "compose port postgres 5432") echo 127.0.0.1:5432 ;;
  "compose exec -T postgres sh -s") cat >> docker.input ;;
  "compose exec "*" psql "*) exec psql "$CONTAINER_DATABASE_URL" ;;
  "compose exec "*"fhirmill fhirmill "*)
    while [ "$1" != fhirmill ]; do shift; done
    shift 2
    DATABASE_URL=$CONTAINER_DATABASE_URL exec "$BINARY" "$@" ;;
  "compose "*) ;;
  *) exit 1 ;;
esac
"#;

/// Puts an executable into the folder that comes first in PATH.
fn program(environment: &TestEnvironment, name: &str, script: &str) {
    let path = environment.put(&format!("bin/{name}"), script);
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// What make needs of a checkout, with the binary as if make had built it.
fn checkout(environment: &TestEnvironment) {
    for path in ["Makefile", "docker-compose.yml", "Dockerfile", ".dockerignore", "Cargo.toml", "Cargo.lock"]
    {
        fs::copy(Path::new(ROOT).join(path), environment.path(path)).unwrap();
    }
    for folder in ["scripts", "docker", "samples"] {
        symlink(Path::new(ROOT).join(folder), environment.path(folder)).unwrap();
    }
    // The hash of the sources is that of these.
    fs::remove_file(environment.path("scripts")).unwrap();
    for script in fs::read_dir(Path::new(ROOT).join("scripts")).unwrap().flatten() {
        fs::create_dir_all(environment.path("scripts")).unwrap();
        fs::copy(script.path(), environment.path("scripts").join(script.file_name())).unwrap();
    }
    for source in ["src/main.rs", "crates/core/src/lib.rs", "migrations/1/up.sql"] {
        environment.put(source, "");
    }
    fs::create_dir_all(environment.path("target/local")).unwrap();
    symlink(BINARY, environment.path("target/local/fhirmill")).unwrap();
    program(environment, "cargo", "#!/bin/sh\nexit 0\n");
}

/// Runs a line of shell in the folder.
fn shell(environment: &TestEnvironment, line: &str) -> Run {
    let mut command = Command::new("bash");
    command.args(["-c", line]).current_dir(environment.path("")).stdin(std::process::Stdio::null());
    for (name, _) in clean_command().get_envs() {
        command.env_remove(name);
    }
    let path = format!("{}:{}", environment.path("bin").display(), std::env::var("PATH").unwrap());
    command.env("PATH", path).env("BINARY", BINARY).env_remove("MAKEFLAGS").env_remove("MAKELEVEL");
    if let Some(url) = environment.own_url() {
        command.env("CONTAINER_DATABASE_URL", url);
    }
    environment.run_command(&mut command)
}

/// The lines of a page's shell blocks, without comments.
fn lines(page: &str) -> Vec<String> {
    let text = fs::read_to_string(Path::new(ROOT).join(page)).unwrap();
    let blocks = text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.flat_map(str::lines).map(|line| line.split(" #").next().unwrap().trim().to_owned()).collect()
}

#[test]
fn the_commands_in_the_readme_work_without_docker() {
    let environment = TestEnvironment::without_database();
    checkout(&environment);
    program(&environment, "docker", "#!/bin/sh\nexit 1\n");
    program(&environment, "docker-compose", "#!/bin/sh\nexit 1\n");
    environment.put("inbox/p.json", PATIENT);
    let mut done = Vec::new();
    for line in lines("README.md") {
        let is_elsewhere = ["docker ", "make build", "make test", "PGPASSWORD="];
        if !is_elsewhere.iter().any(|other| line.starts_with(other)) {
            let run = shell(&environment, &line);
            assert_eq!(run.code, 0, "{line}\n{}{}", run.stdout, run.stderr);
            done.push((line, run.stdout));
        }
    }
    let output = |line: &str| {
        let found = done.iter().find(|(done, _)| done == line);
        found.unwrap_or_else(|| panic!("{line} is not in README.md: {done:?}")).1.clone()
    };
    assert!(output("make one-run").contains("1 inserted"), "{}", output("make one-run"));
    assert!(output("make status").contains("1 loaded"), "{}", output("make status"));
    assert!(output("make files").contains("p.json"), "{}", output("make files"));
    assert!(output("make runs").contains("once"), "{}", output("make runs"));
    assert_eq!(output("make rejects"), "nothing is rejected\n");
    assert_eq!(output("target/local/fhirmill show Patient/123").trim(), PATIENT);
    let counted = output("echo \"select count(*) from patient\" | make psql");
    assert!(counted.contains("(1 row)"), "{counted}");
    assert!(output("target/local/fhirmill database url").starts_with("postgres://fhirmill:"));
    shell(&environment, "make stop").expect_code(0);
}

#[test]
fn the_commands_in_the_readme_and_the_runbook_work_in_docker() {
    let environment = TestEnvironment::with_own_migrated_server();
    checkout(&environment);
    program(&environment, "docker", DOCKER);
    environment.put("inbox/p.json", PATIENT);
    environment.run(&["once"]).expect_code(0);
    let url = environment.database_url().to_owned();
    let (credentials, server) = url.split_once("://").unwrap().1.rsplit_once('@').unwrap();
    environment.put(".env", format!("POSTGRES_PASSWORD={}\n", credentials.split_once(':').unwrap().1));

    let mut done = 0;
    for line in [lines("README.md"), lines("docs/RUNBOOK.md")].concat() {
        let is_ours = [
            "docker compose exec",
            "PGPASSWORD=",
            "echo ",
            "make status",
            "make runs",
            "make files",
            "make rejects",
        ];
        if is_ours.iter().any(|ours| line.starts_with(ours)) {
            let line = line.replace("127.0.0.1:5432/fhirmill", server);
            let run = shell(&environment, &line);
            assert_eq!(run.code, 0, "{line}\n{}{}", run.stdout, run.stderr);
            done += 1;
        }
    }
    assert!(done >= 10, "{done} lines were found");
    let shown = shell(&environment, "docker compose exec fhirmill fhirmill show Patient/123").expect_code(0);
    assert_eq!(shown.stdout.trim(), PATIENT);
    let counted = shell(&environment, "echo 'select count(*) from patient' | make psql").expect_code(0);
    assert!(counted.stdout.contains("(1 row)"), "{}", counted.stdout);
}

#[test]
fn a_start_builds_a_stale_image_again_and_sets_the_password() {
    let environment = TestEnvironment::without_database();
    checkout(&environment);
    program(&environment, "docker", DOCKER);
    let builds = || {
        let log = fs::read_to_string(environment.path("docker.log")).unwrap();
        log.lines().filter(|line| line.starts_with("build ")).count()
    };
    let start = || {
        let run = shell(&environment, "make start-bg").expect_code(0);
        assert!(run.stdout.contains("Running. Drop files into inbox/"), "{}", run.stdout);
    };
    start();
    assert_eq!(builds(), 1);
    start();
    assert_eq!(builds(), 1);
    for source in ["src/main.rs", "src/new.rs", "crates/core/src/lib.rs", "migrations/1/up.sql", "Dockerfile"]
    {
        environment.put(source, format!("changed: {source}"));
        let before = builds();
        start();
        start();
        assert_eq!(builds(), before + 1, "{source}");
    }
    environment.put("README.md", "not in the image");
    let before = builds();
    start();
    assert_eq!(builds(), before);

    let input = fs::read_to_string(environment.path("docker.input")).unwrap();
    assert!(input.contains("alter role :\"user\" password :'password';"), "{input}");
    let log = fs::read_to_string(environment.path("docker.log")).unwrap();
    let place = |what: &str| log.lines().position(|line| line == what).unwrap();
    assert!(place("compose exec -T postgres sh -s") < place("compose up --detach"), "{log}");
    assert!(fs::read_to_string(environment.path(".env")).unwrap().starts_with("POSTGRES_PASSWORD="));
}

#[test]
fn the_containers_get_every_setting() {
    let text = fs::read_to_string(Path::new(ROOT).join("docker-compose.yml")).unwrap();
    // The containers have a server of their own.
    let of_the_private_server = ["DATA_DIR", "PG_BIN_DIR"];
    for variable in VARIABLES.iter().filter(|variable| !of_the_private_server.contains(&variable.name)) {
        let passed = format!("      {}: ", variable.name);
        assert!(text.contains(&passed), "docker-compose.yml does not pass {}", variable.name);
    }
    assert!(text.contains("${FHIRMILL_CONFIG:-/dev/null}:/srv/fhirmill/fhirmill.toml:ro"));
    // What stands in for a settings file that is not there is an empty one.
    let environment = TestEnvironment::without_database();
    let run = environment.run(&["files", "--fhirmill-config", "/dev/null"]).expect_code(0);
    assert!(run.stdout.starts_with("nothing has been loaded yet"), "{}", run.stdout);
}

#[test]
fn compose_mounts_the_settings_file_of_the_folder() {
    let environment = TestEnvironment::without_database();
    checkout(&environment);
    program(
        &environment,
        "docker",
        "#!/bin/sh\nif [ \"$*\" = 'compose exec fhirmill sh' ]; then echo \"config=$FHIRMILL_CONFIG\"; fi\n",
    );
    let config = || shell(&environment, "make shell").expect_code(0).stdout;
    assert!(config().contains("config=\n"), "{}", config());
    environment.put("fhirmill.toml", "");
    assert!(config().contains("config=./fhirmill.toml\n"), "{}", config());
    environment.put(".env", "POSTGRES_PASSWORD=x\nFHIRMILL_CONFIG=./other.toml\n");
    // Compose reads .env itself.
    assert!(config().contains("config=\n"), "{}", config());
}

/// docker-compose 1.29 refuses the file for any other, such as `${NAME:+…}`.
#[test]
fn the_compose_file_has_only_defaults_and_errors_for_what_is_not_set() {
    let text = fs::read_to_string(Path::new(ROOT).join("docker-compose.yml")).unwrap();
    for substitution in text.split("${").skip(1) {
        let name = substitution
            .find(|character: char| !character.is_ascii_alphanumeric() && character != '_')
            .unwrap();
        let operator = &substitution[name..];
        assert!(operator.starts_with(":-") || operator.starts_with(":?"), "${{{substitution}");
    }
}
