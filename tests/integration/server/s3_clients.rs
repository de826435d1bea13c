//! S3 with the clients that senders have: each sends a folder, is killed and resumed while
//! the service is killed as well, and everything is loaded once. `make s3-clients` installs
//! and runs them; a client that is missing is named.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;

use super::patients;
use super::s3::S3Service;
use crate::support::wait_until;

const CLIENTS: [&str; 4] = ["aws", "boto3", "rclone", "s3cmd"];
/// Sends the files of a folder that are not there yet, as an export job would.
const BOTO3: &str = "
import boto3, botocore, os, sys
from boto3.s3.transfer import TransferConfig
folder, endpoint = sys.argv[1:]
s3 = boto3.client('s3', endpoint_url=endpoint)
config = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20)
listed = s3.get_paginator('list_objects_v2').paginate(Bucket='st-marys', Prefix='boto3/')
known = {item['Key']: item['Size'] for page in listed for item in page.get('Contents', [])}
for name in sorted(os.listdir(folder)):
    path, key = os.path.join(folder, name), 'boto3/' + name
    if known.get(key) != os.path.getsize(path):
        s3.upload_file(path, 'st-marys', key, Config=config)
";

/// The client's program, if it is installed.
fn program(client: &str) -> Option<PathBuf> {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/s3-clients/bin");
    let name = if client == "boto3" { "python" } else { client };
    let own = installed.join(name);
    if own.exists() {
        return Some(own);
    }
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths)
        .map(|folder| folder.join(name))
        .find(|path| path.exists() && client != "boto3")
}

fn command(client: &str, program: &Path, service: &S3Service, folder: &Path) -> Command {
    let (key, secret) = service.user.split_once(':').unwrap();
    let (host, endpoint) =
        (format!("127.0.0.1:{}", service.port), format!("http://127.0.0.1:{}", service.port));
    let mut command = Command::new(program);
    command.env("AWS_ACCESS_KEY_ID", key).env("AWS_SECRET_ACCESS_KEY", secret);
    command.env("AWS_DEFAULT_REGION", "us-east-1").env_remove("AWS_CA_BUNDLE").env("AWS_MAX_ATTEMPTS", "3");
    command.env("HOME", service.http.environment.path(""));
    match client {
        "aws" => command
            .args(["--endpoint-url", &endpoint, "s3", "sync", "--no-progress"])
            .arg(folder)
            .arg("s3://st-marys/aws/"),
        "boto3" => command.args(["-c", BOTO3]).arg(folder).arg(&endpoint),
        "rclone" => command
            .args(["copy", "--s3-provider", "Other", "--s3-endpoint", &endpoint, "--s3-env-auth"])
            .args([
                "--s3-chunk-size",
                "5Mi",
                "--s3-upload-cutoff",
                "5Mi",
                "--retries",
                "1",
                "--config",
                "/dev/null",
            ])
            .arg(folder)
            .arg(":s3:st-marys/rclone/"),
        _ => command
            .args(["--config", "/dev/null", "--access_key", key, "--secret_key", secret, "--no-ssl"])
            .args([
                "--host",
                &host,
                "--host-bucket",
                &host,
                "--multipart-chunk-size-mb",
                "5",
                "--no-progress",
                "sync",
            ])
            .arg(format!("{}/", folder.display()))
            .arg("s3://st-marys/s3cmd/"),
    };
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A folder of small files and one that is sent in parts; returns the ids of its patients.
fn fill(folder: &Path, client: &str) -> BTreeSet<String> {
    fs::create_dir_all(folder).unwrap();
    let mut ids = BTreeSet::new();
    for (file, bytes) in
        [("large.ndjson", 17 << 20), ("one.ndjson", 100_000), ("two two.ndjson", 200_000), ("z+ü.ndjson", 50)]
    {
        let stem = format!("{client}-{}-", file.split(['.', ' ', '+']).next().unwrap());
        // Few records, because this is about their way here.
        let padding = " ".repeat(bytes / 200);
        let lines = String::from_utf8(patients(&stem, 9_000.min(bytes))).unwrap();
        let lines = lines.replace("}\n", &format!("{padding}}}\n")).into_bytes();
        ids.extend(
            (0..lines.iter().filter(|byte| **byte == b'\n').count()).map(|number| format!("{stem}{number}")),
        );
        fs::write(folder.join(file), lines).unwrap();
    }
    ids
}

/// The files of the spool, and their bytes.
fn spooled(service: &S3Service) -> BTreeSet<(String, u64)> {
    let folder = service.http.environment.path("inbox/.fhirmill-uploads");
    let bytes = |name: &str| fs::metadata(folder.join(name)).map_or(0, |data| data.len());
    service.http.spool().into_iter().map(|name| (name.clone(), bytes(&name))).collect()
}

#[test]
#[ignore = "needs the clients: make s3-clients"]
fn clients_that_are_killed_and_resumed_deliver_everything_once() {
    let mut service = S3Service::start();
    let mut missing = Vec::new();
    for client in CLIENTS {
        let Some(program) = program(client) else {
            missing.push(client);
            continue;
        };
        let folder = service.http.environment.path(&format!("sent/{client}"));
        let ids = fill(&folder, client);
        let began = Instant::now();
        let (mut rounds, mut kills) = (0, 0);
        loop {
            rounds += 1;
            assert!(rounds < 20, "{client} does not come to an end");
            let before = spooled(&service);
            let mut running = command(client, &program, &service, &folder).spawn().unwrap();
            if rounds <= 6 {
                // In the middle: after something has come.
                while running.try_wait().unwrap().is_none() && spooled(&service) == before {
                    sleep(Duration::from_millis(5));
                }
                sleep(Duration::from_millis(40 * rounds));
                let is_running = running.try_wait().unwrap().is_none();
                // In turns.
                if rounds % 2 == 0 {
                    service.http.restart();
                } else {
                    let _ = running.kill();
                }
                kills += u32::from(is_running);
            }
            let output = running.wait_with_output().unwrap();
            if output.status.success() {
                break;
            }
            if rounds > 6 {
                eprintln!("{client}: {}", String::from_utf8_lossy(&output.stderr));
            }
        }
        let deliveries = "select count(*) from etl.upload where status = 'completed'";
        let before = service.http.environment.value(deliveries);
        let again = command(client, &program, &service, &folder).output().unwrap();
        assert!(again.status.success(), "{client}: {}", String::from_utf8_lossy(&again.stderr));
        assert_eq!(service.http.environment.value(deliveries), before, "{client} sends files again");
        let waiting = "select count(*) from etl.upload u where u.status = 'completed' and not exists \
                       (select from etl.load_file f where f.path = u.landed_path and f.status in ('loaded', 'duplicate'))";
        wait_until("all files are loaded", || service.http.environment.value(waiting) == "0");
        let loaded = service
            .http
            .environment
            .query(&format!("select fhir_id from patient where fhir_id like '{client}-%'"));
        let loaded: BTreeSet<String> = loaded.into_iter().flatten().collect();
        let lost = ids.difference(&loaded).count();
        let foreign = loaded.difference(&ids).count();
        assert_eq!((lost, foreign), (0, 0), "{client}");
        println!(
            "{client}: {} files of {} patients, {kills} times killed, {:.0?}; lost 0, doubled 0",
            fs::read_dir(&folder).unwrap().count(),
            ids.len(),
            began.elapsed()
        );
    }
    let rejected = service.http.environment.value("select coalesce(sum(rejected), 0) from etl.load_file");
    assert_eq!(rejected, "0");
    for client in missing {
        println!("{client}: not installed, not tested");
    }
}
