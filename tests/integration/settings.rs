//! Settings from flags, the environment and `.env`, and what is said about
//! wrong ones.

use fhirmill::config::VARIABLES;

use crate::support::TestEnvironment;

#[test]
fn all_invalid_settings_are_reported_together_and_nothing_is_done() {
    let environment = TestEnvironment::without_database();
    let run = environment
        .run_command(
            environment
                .command(&["database", "start", "--batch-bytes", "some"])
                .env("SETTLE_SECONDS", "soon")
                .env("ASSUME_TIMEZONE", "Mars/Olympus"),
        )
        .expect_code(2);
    assert!(run.stderr.starts_with("error: 3 settings are wrong\n"), "{}", run.stderr);
    for part in [
        "SETTLE_SECONDS is \"soon\", but must be a number of seconds",
        "(for example SETTLE_SECONDS=2)",
        "ASSUME_TIMEZONE is \"Mars/Olympus\", but must be",
        "BATCH_BYTES is \"some\", but must be a size from 64KiB to 1GiB",
        "hint: ",
    ] {
        assert!(run.stderr.contains(part), "{part:?} in {}", run.stderr);
    }
    assert!(!environment.path("data").exists());
}

#[test]
fn flags_override_the_environment_which_overrides_the_env_file() {
    let environment = TestEnvironment::without_database();
    environment.put(".env", "WORKERS=file\nSETTLE_SECONDS=file\nBATCH_BYTES=file\n");
    let run = environment
        .run_command(
            environment
                .command(&["database", "url", "--batch-bytes", "flag"])
                .env("SETTLE_SECONDS", "environment")
                .env("BATCH_BYTES", "environment"),
        )
        .expect_code(2);
    for part in ["WORKERS is \"file\"", "SETTLE_SECONDS is \"environment\"", "BATCH_BYTES is \"flag\""] {
        assert!(run.stderr.contains(part), "{part:?} in {}", run.stderr);
    }
}

#[test]
fn an_empty_value_counts_as_unset() {
    let environment = TestEnvironment::without_database();
    let run = environment
        .run_command(environment.command(&["database", "url"]).env("WORKERS", "").env("SCHEDULE", ""))
        .expect_code(4);
    assert!(run.stderr.contains("has no cluster yet"), "{}", run.stderr);
}

#[test]
fn a_broken_env_file_is_reported_by_line_without_its_text() {
    let environment = TestEnvironment::without_database();
    environment.put(".env", "# mine\nWORKERS=2\nDATABASE_URL postgres://me:tunafish@here/there\n");
    let run = environment.run(&["database", "url"]).expect_code(2);
    assert!(run.stderr.contains(".env, line 3: not of the form NAME=value"), "{}", run.stderr);
    assert!(!run.stderr.contains("tunafish"), "{}", run.stderr);
}

#[test]
fn the_long_help_lists_every_variable_and_exit_code() {
    let environment = TestEnvironment::without_database();
    let run = environment.run(&["--help"]).expect_code(0);
    for variable in VARIABLES {
        assert!(run.stdout.contains(&format!("--{} ", variable.flag)), "{}", variable.flag);
    }
    for code in ["  0  ", "  1  ", "  2  ", "  3  ", "  4  ", "  5  ", "  130  "] {
        assert!(run.stdout.contains(code), "{code}");
    }
}

#[test]
fn an_unknown_flag_is_a_usage_error() {
    let environment = TestEnvironment::without_database();
    environment.run(&["once", "--frobnicate"]).expect_code(2);
}

#[test]
fn the_settings_file_gives_way_to_the_environment_and_complains_with_lines() {
    let environment = TestEnvironment::without_database();
    environment.put(".env", "LOG_DAYS=env-file\n");
    environment.put(
        "fhirmill.toml",
        "workers = \"file\"\nlog_days = \"file\"\nsettle_secs = 3\n\n[[feed]]\nname = \"lab\"\nkind = \"ftp\"\n",
    );
    let run = environment
        .run_command(
            environment.command(&["database", "url", "--batch-bytes", "flag"]).env_remove("SETTLE_SECONDS"),
        )
        .expect_code(2);
    assert!(run.stderr.starts_with("error: 6 settings are wrong\n"), "{}", run.stderr);
    for part in [
        "./fhirmill.toml, line 1: workers is \"file\", but must be a whole number from 1 to 256 (for example workers = 4)",
        "LOG_DAYS is \"env-file\"",
        "BATCH_BYTES is \"flag\"",
        "./fhirmill.toml, line 3: settle_secs is not a setting",
        "./fhirmill.toml, line 5: feed \"lab\" has no source",
        "./fhirmill.toml, line 7: feed \"lab\" is of kind \"ftp\", but this version has only export",
    ] {
        assert!(run.stderr.contains(part), "{part:?} in {}", run.stderr);
    }
}

#[test]
fn the_settings_file_sets_what_nothing_else_does() {
    let environment = TestEnvironment::new();
    environment.put("secret/url", environment.database_url().to_owned() + "\n");
    environment.put(
        "conf/mill.toml",
        "database_url_file = \"secret/url\"\ninbox_dir = \"in\"\nresource_types = [\"Patient\"]\n\n\
         [[source]]\nname = \"st-marys\"\ndescription = \"St Mary's\"\n",
    );
    environment.put("in/st-marys/p.json", r#"{"resourceType":"Patient","id":"p1"}"#);
    environment.put("in/st-marys/c.json", r#"{"resourceType":"Claim","id":"c1"}"#);
    let mut command = environment.command(&["once", "--json"]);
    command.env_remove("DATABASE_URL").env("FHIRMILL_CONFIG", "conf/mill.toml");
    let summary = environment.run_command(&mut command).expect_code(0).json();
    assert_eq!((&summary["account"]["inserted"], &summary["account"]["skipped"]), (&1.into(), &1.into()));
    assert_eq!(
        environment.value("select string_agg(code, ' ' order by code) from etl.source"),
        "default st-marys"
    );
}

#[test]
fn a_settings_file_that_is_asked_for_must_be_there() {
    let environment = TestEnvironment::without_database();
    let run = environment.run(&["database", "url", "--fhirmill-config", "nowhere.toml"]).expect_code(2);
    assert!(
        run.stderr.contains("FHIRMILL_CONFIG names nowhere.toml, which cannot be read"),
        "{}",
        run.stderr
    );
}
