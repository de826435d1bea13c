//! The binary as `make binary` builds it: without HTTP, metrics and traces. Run by
//! `make test-lean`, because it has to be built.

use std::path::Path;
use std::process::Command;

use crate::support::TestEnvironment;

#[test]
#[ignore = "make test-lean builds the binary and runs it"]
fn the_binary_without_features_loads_files_and_says_what_it_lacks() {
    let binary = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/local/fhirmill");
    let environment = TestEnvironment::new();
    environment.put("inbox/a.ndjson", "{\"resourceType\":\"Patient\",\"id\":\"1\"}\n");
    let command = |arguments: &[&str]| {
        let original = environment.command(arguments);
        let mut command = Command::new(&binary);
        command.args(arguments).current_dir(environment.path(""));
        original.get_envs().for_each(|(name, value)| match value {
            Some(value) => drop(command.env(name, value)),
            None => drop(command.env_remove(name)),
        });
        command
    };
    environment.run_command(&mut command(&["once"])).expect_code(0);
    assert_eq!(environment.value("select count(*) from patient"), "1");

    for (name, feature) in
        [("senders", "server"), ("users", "server"), ("feeds", "feeds"), ("export", "feeds")]
    {
        let refused = environment.run_command(&mut command(&[name])).expect_code(2);
        let complaint = format!("without the feature `{feature}`, which has the command `{name}`");
        assert!(refused.stderr.contains(&complaint), "{}", refused.stderr);
    }

    environment
        .put("view.json", r#"{"resource":"Patient","select":[{"column":[{"name":"id","path":"id"}]}]}"#);
    let view = ["views", "run", "--view", "view.json", "archive"];
    let printed = environment.run_command(&mut command(&view)).expect_code(0);
    assert_eq!(printed.stdout, "id\n1\n");
    let columns = [&view[..], &["--format", "parquet"]].concat();
    let refused = environment.run_command(&mut command(&columns)).expect_code(2);
    assert!(
        refused.stderr.contains("without the feature `lake`, which writes Parquet"),
        "{}",
        refused.stderr
    );

    let mut run = command(&["run"]);
    let wanted = ["HTTP_ADDRESS", "S3_ADDRESS", "METRICS_ADDRESS"];
    for (number, name) in wanted.into_iter().enumerate() {
        run.env(name, format!("127.0.0.1:{}", 18_080 + number));
    }
    run.env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");
    let refused = environment.run_command(&mut run).expect_code(2);
    for name in wanted {
        let complaint = format!("{name} is set, but this fhirmill was built without the feature `server`");
        assert!(refused.stderr.contains(&complaint), "{}", refused.stderr);
    }
    assert!(refused.stderr.contains("without the feature `traces`"), "{}", refused.stderr);
    assert!(refused.stderr.contains("make binary FEATURES=server"), "{}", refused.stderr);
}
