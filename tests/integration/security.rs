//! Security: who may connect to the database, what analysts may see, and that
//! neither patients' values nor passwords appear in logs, messages, process
//! lists or query lists.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use pretty_assertions::assert_eq;
use serde_json::Value;

use crate::steps::load;
use crate::support::TestEnvironment;

const PATIENT: &str = r#"{"resourceType":"Patient","id":"p1","gender":"female"}"#;

/// Creates a key and a self-signed certificate for that host.
fn certificate(folder: &Path, file: &str, host: &str) {
    let output = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
        .args([
            "-days",
            "2",
            "-subj",
            &format!("/CN={host}"),
            "-addext",
            &format!("subjectAltName=DNS:{host}"),
        ])
        .args(["-keyout", &format!("{file}.key"), "-out", &format!("{file}.crt")])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_servers_certificate_is_verified_if_the_url_requires_it() {
    let environment = TestEnvironment::with_own_migrated_server();
    let cluster = environment.path("data/postgres/cluster");
    certificate(&cluster, "server", "localhost");
    certificate(&environment.path(""), "other", "localhost");
    let key = cluster.join("server.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    // The server's user reads them.
    for path in [key, cluster.join("server.crt")] {
        let owner = fs::metadata(&cluster).map(|metadata| (metadata.uid(), metadata.gid())).unwrap();
        std::os::unix::fs::chown(path, Some(owner.0), Some(owner.1)).unwrap();
    }
    fs::write(cluster.join("pg_hba.conf"), "hostssl all all 127.0.0.1/32 scram-sha-256\n").unwrap();
    let url = environment.database_url().to_owned();
    let mut session = PgConnection::establish(&url).unwrap();
    session.batch_execute("alter system set ssl = on").unwrap();
    session.batch_execute("select pg_reload_conf()").unwrap();
    drop(session);

    let named = url.replace("127.0.0.1", "localhost");
    let root = cluster.join("server.crt");
    let once = |url: &str, mode: &str, root: &Path| {
        let url = format!("{url}?sslmode={mode}&sslrootcert={}", root.display());
        environment.run_command(environment.command(&["once"]).env("DATABASE_URL", url))
    };
    environment.put("inbox/p.json", PATIENT);
    let not_trusted = "has a certificate that cannot be verified";
    for (run, reason) in [
        (once(&named, "verify-full", &environment.path("other.crt")), not_trusted),
        (once(&named, "verify-full", &environment.path("none.crt")), not_trusted),
        (once(&url, "verify-full", &root), not_trusted),
        (once(&url, "disable", &root), "add ?sslmode=require"),
    ] {
        let run = run.expect_code(4);
        assert!(run.stderr.contains(reason), "{}", run.stderr);
        assert!(!run.stderr.contains(password(&url)), "{}", run.stderr);
    }
    assert!(!environment.inbox_is_empty());
    once(&named, "verify-full", &root).expect_code(0);
    assert_eq!(environment.value("select count(*) from patient"), "1");
    assert_eq!(environment.value("select ssl from pg_stat_ssl where pid = pg_backend_pid()"), "true");
}

/// The password in a URL.
fn password(url: &str) -> &str {
    url.split_once('@').unwrap().0.rsplit_once(':').unwrap().1
}

#[test]
fn the_private_server_listens_only_locally_and_requires_the_password() {
    let environment = TestEnvironment::with_own_server();
    assert_eq!(environment.value("select current_setting('listen_addresses') as value"), "127.0.0.1");
    let methods = environment.query("select distinct auth_method from pg_hba_file_rules");
    assert_eq!(methods, [["scram-sha-256"]]);
    let url = environment.database_url();
    let nameless = url.replacen(password(url), "", 1);
    let port = url.rsplit_once(':').unwrap().1.split_once('/').unwrap().0;
    let socket = environment.path("data/postgres").display().to_string().replace('/', "%2F");
    for refused in [nameless, format!("postgres://fhirmill@{socket}:{port}/fhirmill")] {
        let error =
            PgConnection::establish(&refused).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains("no password supplied"), "{error}");
    }
    let mode = |path: &str| fs::metadata(environment.path(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("data/postgres"), mode("data/postgres/password")), (0o700, 0o600));
}

#[test]
fn analysts_read_the_tables_and_views_and_nothing_else() {
    let environment = TestEnvironment::new();
    let patients = "{\"resourceType\":\"Patient\",\"id\":\"p1\"}\n{\"resourceType\":\"Patient\",\"id\":\"p2\",\"birthDate\":\"soon\"}\n";
    environment.put("inbox/p.ndjson", patients);
    environment.run_command(environment.command(&["once"]).env("KEEP_BODIES", "database")).expect_code(3);
    assert_eq!(environment.value("select count(*) from etl.resource_body"), "1");
    let relations = "from pg_class c join pg_namespace n on n.oid = c.relnamespace \
         where n.nspname in ('public', 'etl', 'analytics') and c.relkind in ('r', 'v', 'm', 'p', 'S')";
    let role = environment.readers_role();
    let may = |right: &str| format!("has_table_privilege('{role}', c.oid, '{right}')");
    let readable =
        environment.query(&format!("select distinct n.nspname {relations} and {} order by 1", may("select")));
    assert_eq!(readable, [["analytics"], ["public"]]);
    let rights = ["insert", "update", "delete", "truncate", "references", "trigger"].map(may).join(" or ");
    assert_eq!(
        environment.value(&format!("select count(*) {relations} and c.relkind <> 'S' and ({rights})")),
        "0"
    );
    let creates = format!(
        "select nspname from pg_namespace where has_schema_privilege('{role}', oid, 'create') order by 1"
    );
    assert_eq!(environment.query(&creates), [["workspace"], ["workspace_omop"], ["workspace_tuva"]]);
    assert_eq!(
        environment
            .value(&format!("select has_database_privilege('{role}', current_database(), 'create') as may")),
        "false"
    );

    // And by trying.
    let mut analyst = PgConnection::establish(environment.database_url()).unwrap();
    analyst.batch_execute(&format!("set role {role}")).unwrap();
    analyst.batch_execute("select * from patient; select * from analytics.claim_financials").unwrap();
    for forbidden in [
        "select body from etl.resource_body",
        "select raw from etl.rejected_record",
        "select * from etl.load_file",
        "insert into patient (id, fhir_id, source_id) values (0, 'x', 1)",
        "update patient set gender = 'other'",
        "delete from patient",
        "truncate patient",
        "drop table patient",
        "create table public.mine (id integer)",
        "copy patient to program 'cat'",
        "select pg_read_file('/etc/hostname')",
    ] {
        let error = analyst.batch_execute(forbidden).expect_err(forbidden).to_string();
        assert!(error.contains("permission denied") || error.contains("must be "), "{forbidden}: {error}");
    }
}

/// Part of every text that could identify a patient.
const MARKER: &str = "Quillfeather";

/// Members whose text comes from FHIR or a terminology, or names the resource.
const NO_VALUES: [&str; 8] =
    ["resourceType", "id", "reference", "fullUrl", "url", "system", "method", "versionId"];

/// Puts the marker into all other text. If dates are marked too, the resource
/// is rejected.
fn mark(value: &mut Value, marks_dates: bool, count: &mut usize) {
    match value {
        Value::Object(members) => {
            for (name, member) in members.iter_mut().filter(|(name, _)| !NO_VALUES.contains(&name.as_str())) {
                let is_date = member
                    .as_str()
                    .is_some_and(|text| text.starts_with(|first: char| first.is_ascii_digit()));
                match member {
                    Value::String(_) if is_date && !marks_dates => {}
                    Value::String(text) if name == "div" => *text = format!("<div>{MARKER}</div>"),
                    Value::String(text) => {
                        *count += 1;
                        *text = format!("{MARKER}-{count}");
                    }
                    other => mark(other, marks_dates, count),
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                match item {
                    Value::String(text) => *text = MARKER.to_owned(),
                    other => mark(other, marks_dates, count),
                }
            }
        }
        _ => {}
    }
}

/// The samples with the marker in all text.
fn marked_samples(marks_dates: bool) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/export");
    let mut lines = String::new();
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("log.ndjson") {
            continue;
        }
        for line in fs::read_to_string(path).unwrap().lines() {
            let mut resource: Value = serde_json::from_str(line).unwrap();
            mark(&mut resource, marks_dates, &mut count);
            lines += &format!("{resource}\n");
        }
    }
    lines
}

#[test]
fn patient_values_appear_only_in_the_tables_and_the_archive() {
    let environment = TestEnvironment::with_own_migrated_server();
    environment.put("inbox/valid.ndjson", marked_samples(false));
    // The load is to last long enough for those who look at it meanwhile.
    for copy in 0..8 {
        let ids = format!("\"id\":\"{copy}-");
        environment
            .put(&format!("inbox/valid-{copy}.ndjson"), marked_samples(false).replace("\"id\":\"", &ids));
    }
    environment.put("inbox/invalid.ndjson", marked_samples(true));
    environment.put("inbox/no.json", format!("{MARKER} is no JSON"));
    environment
        .put("inbox/cut.json", format!("{{\"resourceType\":\"Patient\",\"name\":[{{\"family\":\"{MARKER}"));
    environment.put(
        "inbox/nul.json",
        format!("{{\"resourceType\":\"Patient\",\"id\":\"n\",\"{MARKER}\":\"{MARKER}\\u0000\"}}"),
    );
    let long = MARKER.repeat(3000);
    environment.put(
        "inbox/long.json",
        format!("{{\"resourceType\":\"Patient\",\"id\":\"l\",\"identifier\":[{{\"system\":\"urn:x\",\"value\":\"{long}\"}}]}}"),
    );
    let mut seen = BTreeSet::new();
    let mut command =
        environment.command(&["once", "--log-level", "trace", "--workers", "1", "--batch-bytes", "64KiB"]);
    let mut run = environment.start(&mut command);
    let process = format!("/proc/{}", run.pid());
    while run.is_running() {
        for name in ["cmdline", "comm"] {
            seen.insert(fs::read_to_string(format!("{process}/{name}")).unwrap_or_default());
        }
        let sessions = "select query, application_name from pg_stat_activity where pid <> pg_backend_pid()";
        seen.extend(environment.query(sessions).concat());
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(run.wait(), 3, "{}", run.stderr());
    assert!(seen.iter().any(|query| query.starts_with("COPY")), "no load was seen");

    let mut told = vec![
        run.stdout(),
        run.stderr(),
        fs::read_to_string(environment.path("data/postgres/server.log")).unwrap(),
    ];
    told.extend(seen);
    for arguments in
        [&["rejects"][..], &["rejects", "--json"], &["files"], &["status"], &["check"], &["retry"]]
    {
        let run = environment.run(arguments);
        told.extend([run.stdout, run.stderr]);
    }
    for path in environment.listing() {
        if path.starts_with("logs/") || path.ends_with(".report.txt") {
            told.push(fs::read_to_string(environment.path(&path)).unwrap());
        }
    }
    for text in &told {
        let line = text.lines().find(|line| line.contains(MARKER));
        assert_eq!(line, None);
    }
    // It is where it may be.
    let families = format!("select count(*) > 0 as found from patient_name where family like '{MARKER}%'");
    assert_eq!(environment.value(&families), "true");
    let rejects = format!(
        "select count(*) > 50 as found from etl.rejected_record where position('{MARKER}'::bytea in raw) > 0"
    );
    assert_eq!(environment.value(&rejects), "true");
}

#[test]
fn passwords_are_never_shown() {
    const SECRET: &str = "tunafish";
    let environment = TestEnvironment::new();
    let (_, server) = environment.database_url().split_once('@').unwrap();
    let host = server.split_once('/').unwrap().0;
    environment.put("root.crt", "no certificate");
    let root = environment.path("root.crt").display().to_string();
    let urls = [
        format!("postgres://fhirmill:{SECRET}@nowhere.invalid/fhirmill"),
        format!("postgres://fhirmill:{SECRET}@127.0.0.1:1/fhirmill"),
        format!("postgres://fhirmill:{SECRET}@{server}"),
        format!("postgres://fhirmill:{SECRET}@{host}/elsewhere"),
        format!("postgres://fhirmill@{host}/elsewhere?password={SECRET}"),
        format!("postgres://fhirmill:{SECRET}@{server}?sslmode=verify-full&sslrootcert={root}"),
        format!("postgres://fhirmill:{SECRET}@{server}?sslmode=bogus"),
        format!("postgres://fhirmill:{SECRET}@{server}?bogus={SECRET}"),
        format!("postgres://fhirmill:{SECRET}@{host}:port/fhirmill"),
        format!("postgres://fhirmill:{SECRET}/@{server}"),
        format!("host=localhost user=fhirmill password={SECRET}"),
        SECRET.to_owned(),
    ];
    for url in &urls {
        for arguments in [&["once", "--log-level", "trace"][..], &["status"], &["migrate", "status"]] {
            let run = environment.run_command(environment.command(arguments).env("DATABASE_URL", url));
            assert_ne!(run.code, 0);
            assert!(!(run.stdout.contains(SECRET) || run.stderr.contains(SECRET)), "{url}: {}", run.stderr);
        }
    }
    // With other settings wrong, and in a file that cannot be read.
    let run = environment
        .run_command(environment.command(&["once", "--workers", "many"]).env("DATABASE_URL", &urls[0]));
    assert!(!run.expect_code(2).stderr.contains(SECRET));
    environment.put(".env", format!("DATABASE_URL={}\nWORKERS\n", urls[0]));
    let run = environment.run_command(environment.command(&["once"]).env_remove("DATABASE_URL"));
    assert!(!run.expect_code(2).stderr.contains(SECRET));
    fs::remove_file(environment.path(".env")).unwrap();
    // Nor is the right one, when all is well.
    load(&environment, &[("p.json", PATIENT.as_bytes())]);
    for path in environment.listing() {
        let text = String::from_utf8_lossy(&fs::read(environment.path(&path)).unwrap()).into_owned();
        assert!(!text.contains(SECRET) && !text.contains(password(environment.database_url())), "{path}");
    }
}

#[test]
fn it_connects_only_to_its_database_and_writes_only_to_its_folders() {
    let environment = TestEnvironment::new();
    environment.put("inbox/p.json", PATIENT);
    environment.put("inbox/no.json", "no JSON");
    let once = environment.command(&["once"]);
    let mut traced = Command::new("strace");
    traced.args([
        "-f",
        "-qq",
        "-o",
        "trace",
        "-e",
        "trace=connect,openat,creat,mkdir,rename,unlink,unlinkat",
    ]);
    traced.arg(once.get_program()).args(once.get_args()).current_dir(environment.path(""));
    for (name, value) in once.get_envs() {
        match value {
            Some(value) => traced.env(name, value),
            None => traced.env_remove(name),
        };
    }
    match traced.output() {
        Ok(output) if output.status.code() == Some(3) => {}
        other => {
            eprintln!("not tried: processes cannot be traced here: {other:?}");
            return;
        }
    }
    let (_, server) = environment.database_url().split_once('@').unwrap();
    let port = server.split_once('/').unwrap().0.rsplit_once(':').unwrap().1;
    let trace = fs::read_to_string(environment.path("trace")).unwrap();
    let folder = environment.path("").display().to_string();
    let mut connections = 0;
    for line in trace.lines() {
        if line.contains("connect(") && line.contains("AF_INET") {
            assert!(line.contains(&format!("htons({port})")), "{line}");
            connections += 1;
        }
        let writes = ["O_WRONLY", "O_RDWR", "O_CREAT", "creat(", "mkdir(", "rename(", "unlink"];
        let path = line.split('"').nth(1).unwrap_or_default();
        if writes.iter().any(|sign| line.contains(sign)) && path.starts_with('/') {
            let is_own = ["inbox", "archive", "rejects", "logs"]
                .iter()
                .any(|own| path.starts_with(&format!("{folder}{own}")));
            assert!(is_own || path.starts_with("/dev/") || path.starts_with("/proc/"), "{line}");
        }
    }
    assert!(connections > 0, "{trace}");
}

#[test]
fn the_container_runs_as_an_unprivileged_user() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dockerfile = fs::read_to_string(root.join("Dockerfile")).unwrap();
    let (_, last_stage) = dockerfile.rsplit_once("\nFROM ").unwrap();
    let (before, after) = last_stage.split_once("\nUSER fhirmill\n").unwrap();
    assert!(
        before.contains("useradd") && !after.contains("\nUSER ") && !after.contains("\nRUN "),
        "{last_stage}"
    );
    let compose = fs::read_to_string(root.join("docker-compose.yml")).unwrap();
    assert!(compose.contains("user: \"${FHIRMILL_UID:-1000}:${FHIRMILL_GID:-1000}\""));
    assert!(compose.contains("\"${POSTGRES_ADDRESS:-127.0.0.1}:${POSTGRES_PORT:-5432}:5432\""));
    assert!(!compose.contains("privileged"));
}
