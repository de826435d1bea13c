//! A *storm*: the service and its clients are killed at random moments while files come
//! by all interfaces, and in the end every file is loaded once and whole.
//!
//! CHAOS_SEED repeats the choices, but not their timing; STORM_KILLS is the number of kills.
//! `make storm` prints the figures.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use pretty_assertions::assert_eq;

use super::s3::{S3Service, element};
use super::{Answer, patients};
use crate::chaos::{Dice, number_of};

/// Each sends one file after the other.
const SENDERS: u64 = 6;

/// What the senders need to know, and what they have done.
struct Storm {
    port: u16,
    s3_port: u16,
    token: String,
    user: String,
    folder: PathBuf,
    is_over: AtomicBool,
    /// The clients that run.
    running: Mutex<Vec<Pid>>,
    /// The name and number of patients of every file that was accepted.
    delivered: Mutex<Vec<(String, usize)>>,
    calls: AtomicUsize,
    unanswered: AtomicUsize,
}

/// A file in parts.
struct Parts {
    name: String,
    paths: Vec<PathBuf>,
}

impl Storm {
    /// Calls by a curl that may be killed; status 0 if it was, or had no answer.
    fn curl(&self, port: u16, arguments: &[&str]) -> Answer {
        let folder = tempfile::tempdir().unwrap();
        let (headers, body) = (folder.path().join("headers"), folder.path().join("body"));
        let mut child = Command::new("curl")
            .args(["--silent", "--max-time", "60", "--write-out", "%{http_code}", "--dump-header"])
            .arg(&headers)
            .arg("--output")
            .arg(&body)
            .arg(format!("http://127.0.0.1:{port}{}", arguments[0]))
            .args(&arguments[1..])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let pid = Pid::from_raw(child.id() as i32);
        self.running.lock().unwrap().push(pid);
        // Its number is its own until it is waited for below.
        waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT).unwrap();
        self.running.lock().unwrap().retain(|other| *other != pid);
        let output = child.stdout.take().map(std::io::read_to_string).unwrap().unwrap();
        let is_well = child.wait().unwrap().success();
        let status = output.trim().parse().unwrap_or(0);
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.unanswered.fetch_add(usize::from(!is_well), Ordering::Relaxed);
        Answer {
            status: if is_well { status } else { 0 },
            headers: fs::read_to_string(&headers).unwrap_or_default(),
            body: fs::read(&body).unwrap_or_default(),
        }
    }

    fn rest(&self, arguments: &[&str]) -> Answer {
        self.curl(self.port, &[arguments, &["--header", &self.token]].concat())
    }

    fn s3(&self, arguments: &[&str]) -> Answer {
        let signed = ["--aws-sigv4", "aws:amz:us-east-1:s3", "--user", &self.user];
        let payload = ["--header", "x-amz-content-sha256: UNSIGNED-PAYLOAD"];
        self.curl(self.s3_port, &[arguments, &signed, &payload].concat())
    }

    /// Repeats a call until it has the answer.
    #[track_caller]
    fn until(&self, status: u16, call: impl Fn() -> Answer) -> Answer {
        let began = Instant::now();
        loop {
            let answer = call();
            if answer.status == status {
                return answer;
            }
            let is_passing = matches!(answer.status, 0 | 409 | 429 | 503);
            assert!(is_passing && began.elapsed() < super::PATIENCE, "{answer:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn send_by_rest(&self, file: &Parts) {
        let body = serde_json::json!({"filename": file.name, "numParts": file.paths.len()}).to_string();
        let begun = self.until(201, || self.rest(&["/api/uploads", "--data", &body]));
        let upload = begun.header("location").unwrap();
        loop {
            let state = self.until(200, || self.rest(&[&upload])).json();
            let missing = state["missing"].as_array().unwrap();
            if state["status"] != "open" || missing.is_empty() {
                break;
            }
            for number in missing {
                let path = format!("{upload}/parts/{number}");
                let part = &file.paths[number.as_u64().unwrap() as usize - 1];
                self.rest(&[&path, "--upload-file", part.to_str().unwrap(), "--limit-rate", "2M"]);
            }
        }
        let path = format!("{upload}/complete");
        self.until(202, || self.rest(&[&path, "--request", "POST"]));
    }

    fn send_by_s3(&self, file: &Parts) {
        let key = format!("/st-marys/{}", file.name);
        let path = format!("{key}?uploads=");
        let upload = element(&self.until(200, || self.s3(&[&path, "--request", "POST"])), "UploadId");
        let path = format!("{key}?uploadId={upload}");
        let mut document = String::new();
        let is_received =
            |number: usize, listed: &str| listed.contains(&format!("<PartNumber>{number}</PartNumber>"));
        loop {
            let listed = self.until(200, || self.s3(&[&path])).text();
            let missing: Vec<usize> =
                (1..=file.paths.len()).filter(|number| !is_received(*number, &listed)).collect();
            if missing.is_empty() {
                for part in listed.split("<Part>").skip(1) {
                    let of = |name: &str| {
                        let text = part.split(&format!("<{name}>")).nth(1).unwrap();
                        text.split("</").next().unwrap().to_owned()
                    };
                    let (number, etag) = (of("PartNumber"), of("ETag"));
                    document.push_str(&format!(
                        "<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"
                    ));
                }
                break;
            }
            for number in missing {
                let path = format!("{key}?partNumber={number}&uploadId={upload}");
                let part = file.paths[number - 1].to_str().unwrap();
                self.s3(&[&path, "--upload-file", part, "--limit-rate", "2M"]);
            }
        }
        let document = format!("<CompleteMultipartUpload>{document}</CompleteMultipartUpload>");
        self.until(200, || self.s3(&[&path, "--request", "POST", "--data", &document]));
    }

    fn send_as_batch(&self, name: &str, file: &Path) {
        let path = format!("/api/batch?filename={name}");
        let (key, body) = (format!("Idempotency-Key: {name}"), format!("@{}", file.display()));
        let kind = "Content-Type: application/fhir+ndjson";
        self.until(202, || {
            let headers = ["--header", &key, "--header", kind, "--limit-rate", "2M"];
            self.rest(&[&[path.as_str(), "--data-binary", &body], &headers[..]].concat())
        });
    }

    /// Sends one file after the other until the storm is over.
    fn send(&self, sender: u64, seed: u64) {
        let mut dice = Dice::new(seed + sender);
        for number in 0.. {
            if self.is_over.load(Ordering::Relaxed) {
                break;
            }
            let stem = format!("s{sender}n{number}");
            let name = format!("{stem}.ndjson");
            let lines = few_patients(&stem, 50 + dice.below(200) as usize);
            let whole = self.folder.join(&name);
            fs::write(&whole, &lines).unwrap();
            let part_bytes = lines.len() / (2 + dice.below(4) as usize) + 1;
            let mut paths = Vec::new();
            for (part, bytes) in lines.chunks(part_bytes).enumerate() {
                paths.push(self.folder.join(format!("{stem}.{part}")));
                fs::write(&paths[part], bytes).unwrap();
            }
            let parts = Parts { name, paths };
            match sender % 3 {
                0 => self.send_by_rest(&parts),
                1 => self.send_by_s3(&parts),
                _ => self.send_as_batch(&parts.name, &whole),
            }
            let count = lines.iter().filter(|byte| **byte == b'\n').count();
            self.delivered.lock().unwrap().push((stem, count));
            for path in parts.paths.iter().chain([&whole]) {
                fs::remove_file(path).unwrap();
            }
        }
    }

    /// Kills a client that runs, if there is one.
    fn kill_a_client(&self, dice: &mut Dice) -> bool {
        let running = self.running.lock().unwrap();
        if running.is_empty() {
            return false;
        }
        let pid = running[dice.below(running.len() as u64) as usize];
        kill(pid, Signal::SIGKILL).is_ok()
    }
}

/// So many lines of patients, each of some kilobytes.
fn few_patients(stem: &str, count: usize) -> Vec<u8> {
    let lines = String::from_utf8(patients(&format!("{stem}x"), 45 * count)).unwrap();
    let padding = format!("{}}}\n", " ".repeat(3000));
    lines.replace("}\n", &padding).into_bytes()
}

/// Kills the service and clients so many times; returns how many there were of each.
fn blow(service: &mut S3Service, storm: &Storm, kills: u64, dice: &mut Dice) -> (u64, u64) {
    let (mut services, mut clients) = (0, 0);
    while services + clients < kills {
        std::thread::sleep(Duration::from_millis(dice.below(500)));
        if dice.below(2) == 0 {
            service.http.restart();
            services += 1;
        } else if storm.kill_a_client(dice) {
            clients += 1;
        }
    }
    (services, clients)
}

#[test]
#[ignore = "takes minutes: make storm"]
fn two_hundred_kills_lose_nothing_and_double_nothing() {
    let clock = chrono::Utc::now().timestamp().cast_unsigned();
    let (seed, kills) = (number_of("CHAOS_SEED", clock), number_of("STORM_KILLS", 200));
    println!("storm with CHAOS_SEED={seed}");
    let mut service = S3Service::start_with(&[], &["--max-open-uploads", "10000"]);
    let folder = tempfile::tempdir().unwrap();
    let storm = Storm {
        port: service.http.port,
        s3_port: service.port,
        token: service.http.authorization(&service.sender),
        user: service.user.clone(),
        folder: folder.path().to_owned(),
        is_over: AtomicBool::new(false),
        running: Mutex::default(),
        delivered: Mutex::default(),
        calls: AtomicUsize::new(0),
        unanswered: AtomicUsize::new(0),
    };
    let mut dice = Dice::new(seed);
    let (services, clients) = std::thread::scope(|scope| {
        for sender in 0..SENDERS {
            let storm = &storm;
            scope.spawn(move || storm.send(sender, seed));
        }
        let killed = blow(&mut service, &storm, kills, &mut dice);
        storm.is_over.store(true, Ordering::Relaxed);
        killed
    });
    let delivered = storm.delivered.into_inner().unwrap();
    let calls = (storm.calls.into_inner(), storm.unanswered.into_inner());
    println!(
        "{services} kills of the service, {clients} of clients; {} of {} calls without an answer",
        calls.1, calls.0
    );
    check(&service, &delivered);
}

/// Every file that was accepted is loaded, once and whole, and nothing else is.
fn check(service: &S3Service, delivered: &[(String, usize)]) {
    let environment = &service.http.environment;
    let began = Instant::now();
    let waiting = "select count(*) from etl.upload u where u.status in ('completing', 'completed') and not exists \
                   (select from etl.load_file f where f.path = u.landed_path and f.finished_at is not null)";
    while environment.value(waiting) != "0" {
        assert!(began.elapsed() < Duration::from_secs(1200), "files wait: {}", environment.value(waiting));
        std::thread::sleep(Duration::from_millis(500));
    }
    let rows = environment.query("select split_part(fhir_id, 'x', 1), count(*) from patient group by 1");
    let loaded: std::collections::BTreeMap<&str, usize> =
        rows.iter().map(|row| (row[0].as_str(), row[1].parse().unwrap())).collect();
    let whole = delivered.iter().filter(|(stem, count)| loaded.get(stem.as_str()) == Some(count)).count();
    let lost = delivered.iter().filter(|(stem, _)| !loaded.contains_key(stem.as_str())).count();
    let half = delivered.len() - whole - lost;
    let files: usize = environment.value("select count(*) from etl.load_file").parse().unwrap();
    let doubled = files - delivered.len().min(files);
    println!(
        "{} files of {} patients: lost {lost}, doubled {doubled}, half {half}",
        delivered.len(),
        delivered.iter().map(|(_, count)| count).sum::<usize>()
    );
    assert_eq!((lost, doubled, half), (0, 0, 0));
    assert_eq!(loaded.len(), delivered.len(), "files that nobody delivered");
    let account =
        "select count(*) from etl.load_file where status <> 'loaded' or rejected > 0 or seen <> inserted";
    assert_eq!(environment.value(account), "0", "files whose account is another");
    assert!(environment.inbox_is_empty());
    let open = environment.query("select id from etl.upload where status = 'open'");
    for name in service.http.spool() {
        assert!(open.iter().any(|row| name.starts_with(&row[0])), "{name} is of no upload");
    }
}
