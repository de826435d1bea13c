//! SeaweedFS, a real server of S3: one for all tests, which each have buckets of their own. It
//! checks signatures, and takes calls without any from the tests themselves.
//!
//! `make target/object-store/bin/weed` installs it. It listens at an address of the loopback network
//! that only this process uses, so that nobody else has its ports.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::TestEnvironment;

const KEYS: &str = r#"{"identities": [
  {"name": "fhirmill", "credentials": [{"accessKey": "AK", "secretKey": "swordfish"}],
   "actions": ["Admin", "Read", "Write", "List"]},
  {"name": "anonymous", "actions": ["Admin", "Read", "Write", "List"]}]}"#;

/// A running server.
pub struct Seaweed {
    /// Its address and port.
    pub host: String,
    program: PathBuf,
    folder: PathBuf,
    /// Closing them makes the watching children stop the server.
    pipes: Vec<ChildStdin>,
}

/// The program; `None` if it is not installed, and then there is nothing to test with.
fn program() -> Option<PathBuf> {
    let path = std::env::var_os("SEAWEED").map(PathBuf::from);
    let path =
        path.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/object-store/bin/weed"));
    let is_there = path.exists();
    if !is_there {
        eprintln!("skipped: make target/object-store/bin/weed installs a server of S3");
    }
    is_there.then_some(path)
}

/// The server that all tests share.
pub fn shared() -> Option<&'static Seaweed> {
    static SHARED: LazyLock<Option<Seaweed>> = LazyLock::new(Seaweed::start);
    SHARED.as_ref()
}

impl Seaweed {
    /// Starts a server, and waits until it takes objects; `None` if it is not installed.
    pub fn start() -> Option<Self> {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let program = program()?;
        for _ in 0..3 {
            let number = std::process::id() * 8 + STARTED.fetch_add(1, Ordering::Relaxed);
            let [_, a, b, c] = number.to_be_bytes();
            let address = format!("127.{}.{b}.{}", 64 + a % 128, c.max(1));
            let folder = std::env::temp_dir().join(format!("fhirmill-weed-{number}"));
            fs::create_dir_all(folder.join("data")).unwrap();
            fs::write(folder.join("keys.json"), KEYS).unwrap();
            // Besides its ports, and those 10,000 above them, it has sockets in /tmp that are named
            // after these: so they differ although the addresses do.
            let port = 21_000 + 4 * u16::try_from(number % 7000).unwrap();
            let host = format!("{address}:{port}");
            let mut server = Seaweed { host, program: program.clone(), folder, pipes: Vec::new() };
            server.spawn();
            if server.is_ready() {
                return Some(server);
            }
            eprintln!("SeaweedFS does not start at {}", server.host);
        }
        panic!("SeaweedFS does not start")
    }

    /// Whether it takes objects, after a while.
    fn is_ready(&self) -> bool {
        (0..900).any(|_| {
            thread::sleep(Duration::from_millis(100));
            call(&self.host, "PUT", "/ready", b"").is_ok_and(|answer| matches!(answer.status, 200 | 409))
                && call(&self.host, "PUT", "/ready/object", b"{}").is_ok_and(|answer| answer.status == 200)
        })
    }

    /// Kills it, as a power failure would.
    pub fn kill(&self) {
        let pid = fs::read_to_string(self.folder.join("pid")).unwrap();
        kill(Pid::from_raw(pid.trim().parse().unwrap()), Signal::SIGKILL).unwrap();
    }

    /// Starts it again.
    pub fn start_again(&mut self) {
        self.spawn();
        assert!(self.is_ready());
    }

    /// Starts it as the child of a shell that ends it, and removes its files, when this process ends,
    /// however that is.
    #[expect(clippy::zombie_processes, reason = "the shell outlives this process on purpose")]
    fn spawn(&mut self) {
        let script = "folder=$1; port=$2; shift 2
            \"$@\" >\"$folder/log\" 2>&1 & echo $! >\"$folder/pid\"
            read -r _
            kill -9 $(cat \"$folder/pid\")
            for each in 0 1 2 3 10000 10001 10002 10003; do
              rm -f /tmp/seaweedfs-*-$((port + each)).sock
            done
            rm -rf \"$folder\"";
        let (address, port) = self.host.split_once(':').unwrap();
        let port: u16 = port.parse().unwrap();
        let mut child = Command::new("/bin/sh")
            .args(["-c", script, "watch"])
            .arg(&self.folder)
            .arg(port.to_string())
            .arg(&self.program)
            .args(["server", "-s3"])
            .arg(format!("-s3.port={port}"))
            .arg(format!("-master.port={}", port + 1))
            .arg(format!("-volume.port={}", port + 2))
            .arg(format!("-filer.port={}", port + 3))
            // Each bucket takes seven volumes.
            .args(["-master.volumeSizeLimitMB=64", "-volume.max=1000", "-volume.minFreeSpace=1MiB"])
            .arg(format!("-ip={address}"))
            .arg(format!("-ip.bind={address}"))
            .arg(format!("-s3.config={}", self.folder.join("keys.json").display()))
            .arg(format!("-dir={}", self.folder.join("data").display()))
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.pipes.push(child.stdin.take().unwrap());
    }
}

/// What a server answered.
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

/// One call, by HTTP/1.0: the answer ends with the connection.
pub fn call(host: &str, method: &str, path: &str, body: &[u8]) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let length = body.len();
    write!(stream, "{method} {path} HTTP/1.0\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n")?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(answer.len());
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Ok(Answer { status, body: answer.get(end + 4..).unwrap_or_default().to_vec() })
}

/// A bucket of its own.
pub struct Bucket {
    pub host: String,
    pub name: String,
}

impl Bucket {
    /// A new bucket of the shared server; `None` if there is none.
    pub fn new() -> Option<Self> {
        Some(Self::of(shared()?))
    }

    pub fn of(server: &Seaweed) -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let name = format!("clinic-{}", MADE.fetch_add(1, Ordering::Relaxed));
        let bucket = Bucket { host: server.host.clone(), name };
        assert_eq!(call(&bucket.host, "PUT", &format!("/{}", bucket.name), b"").unwrap().status, 200);
        bucket
    }

    fn path(&self, key: &str) -> String {
        let encoded = key.bytes().map(|byte| match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        });
        format!("/{}/{}", self.name, encoded.collect::<String>())
    }

    #[track_caller]
    pub fn put(&self, key: &str, content: impl AsRef<[u8]>) {
        assert_eq!(call(&self.host, "PUT", &self.path(key), content.as_ref()).unwrap().status, 200, "{key}");
    }

    /// Moves the files of the environment's inbox into the bucket, below `inbox/`.
    pub fn take_inbox(&self, environment: &TestEnvironment) {
        for path in environment.listing().iter().filter(|path| path.starts_with("inbox/")) {
            self.put(path, fs::read(environment.path(path)).unwrap());
            fs::remove_file(environment.path(path)).unwrap();
        }
    }

    pub fn get(&self, key: &str) -> Option<Vec<u8>> {
        let answer = call(&self.host, "GET", &self.path(key), b"").unwrap();
        (answer.status == 200).then_some(answer.body)
    }

    /// The keys below a prefix, in order.
    pub fn keys(&self, prefix: &str) -> Vec<String> {
        let path = format!("/{}?list-type=2&max-keys=1000&prefix={prefix}", self.name);
        let answer = call(&self.host, "GET", &path, b"").unwrap();
        let text = String::from_utf8(answer.body).unwrap();
        text.split("<Key>").skip(1).filter_map(|rest| Some(rest.split_once("</Key>")?.0.to_owned())).collect()
    }

    /// The settings by which fhirmill uses it, through `host`.
    pub fn settings(&self, host: &str) -> Vec<(&'static str, String)> {
        let url = |prefix: &str| format!("s3://{}/{prefix}", self.name);
        vec![
            ("INBOX_URL", url("inbox")),
            ("ARCHIVE_URL", url("archive")),
            ("REJECTS_URL", url("rejects")),
            ("STORAGE_ALLOW_HTTP", "on".to_owned()),
            ("AWS_ENDPOINT_URL", format!("http://{host}")),
            ("AWS_ACCESS_KEY_ID", "AK".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "swordfish".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
        ]
    }
}
