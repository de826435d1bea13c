//! Azure Blob Storage, by its emulator Azurite: what the suite shows with S3, end to end.
//! `make object-storage` installs it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pretty_assertions::assert_eq;
use sha2::{Digest, Sha256};

use super::patient;
use super::reads::large;
use crate::delivery;
use crate::support::state::{State, difference};
use crate::support::{TestEnvironment, wait_until};

/// The account of the emulator and its key, which are public.
const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// A server that is killed with the test.
struct Server {
    child: Child,
    host: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts the emulator that `make object-storage` installs; `None` if it is not there.
fn start(program: &str, address: &str, arguments: &dyn Fn(&str, &str) -> Vec<String>) -> Option<Server> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/object-store").join(program);
    if !path.exists() {
        eprintln!("skipped: {} is not installed", path.display());
        return None;
    }
    let port = 20_000 + std::process::id() % 10_000;
    let child = Command::new(path)
        .args(arguments(address, &port.to_string()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let host = format!("{address}:{port}");
    let server = Server { child, host };
    wait_until("the emulator answers", || TcpStream::connect(&server.host).is_ok());
    Some(server)
}

/// One call by HTTP/1.0: status and body.
fn call(host: &str, method: &str, path: &str, headers: &[(&str, String)], body: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    write!(stream, "{method} {path} HTTP/1.0\r\nHost: {host}\r\nContent-Length: {length}\r\n{headers}\r\n")
        .unwrap();
    stream.write_all(body).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}

fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let padded = |pad: u8| (0..64).map(|at| key.get(at).copied().unwrap_or(0) ^ pad).collect::<Vec<u8>>();
    let inner = Sha256::digest([&padded(0x36)[..], message].concat());
    Sha256::digest([&padded(0x5c)[..], &inner[..]].concat()).to_vec()
}

/// A call of Azurite, signed with the shared key.
fn signed(server: &Server, method: &str, path: &str, query: &[(&str, &str)], body: &[u8]) -> (u16, String) {
    let date = chrono::Utc::now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let mut headers = vec![("x-ms-date", date), ("x-ms-version", "2021-08-06".to_owned())];
    if method == "PUT" && query.is_empty() {
        headers.insert(0, ("x-ms-blob-type", "BlockBlob".to_owned()));
    }
    let length = if body.is_empty() { String::new() } else { body.len().to_string() };
    let signed: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let asked: String = query.iter().map(|(name, value)| format!("\n{name}:{value}")).collect();
    let text = format!("{method}\n\n\n{length}\n\n\n\n\n\n\n\n\n{signed}/{ACCOUNT}/{ACCOUNT}{path}{asked}");
    let signature = STANDARD.encode(hmac(&STANDARD.decode(KEY).unwrap(), text.as_bytes()));
    headers.push(("Authorization", format!("SharedKey {ACCOUNT}:{signature}")));
    let asked: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mark = if asked.is_empty() { "" } else { "?" };
    call(&server.host, method, &format!("/{ACCOUNT}{path}{mark}{}", asked.join("&")), &headers, body)
}

/// The names of the blobs below a prefix.
fn blobs(server: &Server, prefix: &str) -> Vec<String> {
    let query = [("comp", "list"), ("prefix", prefix), ("restype", "container")];
    let (status, body) = signed(server, "GET", "/clinic", &query, b"");
    assert_eq!(status, 200, "{body}");
    body.split("<Name>").skip(1).filter_map(|rest| Some(rest.split_once("</Name>")?.0.to_owned())).collect()
}

/// What is done with every store: its environment, its URL, how an object is put there, and what is
/// there below a prefix.
fn end_to_end(
    settings: &[(&str, String)],
    url: &str,
    put: &dyn Fn(&str, &[u8]),
    list: &dyn Fn(&str) -> Vec<String>,
) {
    let environment = TestEnvironment::new();
    let run = |arguments: &[&str], failpoints: &str| {
        let mut command = environment.command(arguments);
        command.envs(delivery::SETTINGS).envs(settings.iter().map(|(name, value)| (name, value)));
        for (name, prefix) in [("INBOX_URL", "inbox"), ("ARCHIVE_URL", "archive"), ("REJECTS_URL", "rejects")]
        {
            command.env(name, format!("{url}/{prefix}"));
        }
        command.env("STORAGE_ALLOW_HTTP", "on").env("FAILPOINTS", failpoints);
        environment.run_command(&mut command)
    };
    // The delivery of the other tests, as from a folder.
    delivery::put_first(&environment);
    delivery::put(&environment);
    for path in environment.listing().iter().filter(|path| path.starts_with("inbox/")) {
        put(path, &std::fs::read(environment.path(path)).unwrap());
        std::fs::remove_file(environment.path(path)).unwrap();
    }
    run(&["once"], "").expect_code(3);
    assert_eq!(difference(&State::of(&environment).tables(), &super::wanted()), None);
    assert_eq!(list("inbox/"), Vec::<String>::new());
    // One that is read in ranges, over a death at each step of its move.
    let content = large(0..300, "Quill");
    let before = list("archive/").len();
    for (number, step) in ["committed", "noted", "moved", "store-removed", ""].into_iter().enumerate() {
        if number == 0 {
            put("inbox/far/large.ndjson", content.as_bytes());
        } else {
            put(
                &format!("inbox/far/{number}.json"),
                patient(&format!("far-{number}"), "Quill").to_string().as_bytes(),
            );
        }
        let failpoints = if step.is_empty() { String::new() } else { format!("{step}=return") };
        run(&["once"], &failpoints).expect_code(if step.is_empty() { 0 } else { -1 });
    }
    let of_far = "select f.status, count(*) from etl.load_file f join etl.source s on s.id = f.source_id \
                  where s.code = 'far' group by 1";
    assert_eq!(environment.query(of_far), [["loaded", "5"]]);
    assert_eq!((list("inbox/").len(), list("archive/").len()), (0, before + 5));
    run(&["check", "--archive"], "").expect_code(0);
    run(&["remap"], "").expect_code(0);
}

#[test]
#[ignore = "needs Azurite: make object-storage"]
fn azure_blob_storage_is_loaded_as_a_folder_is() {
    let arguments = |address: &str, port: &str| {
        let flags = ["--silent", "--disableTelemetry", "--skipApiVersionCheck", "--inMemoryPersistence"];
        let at = ["--blobHost", address, "--blobPort", port];
        flags.into_iter().chain(at).map(str::to_owned).collect()
    };
    let Some(server) = start("node_modules/.bin/azurite-blob", "127.91.8.1", &arguments) else { return };
    let made = signed(&server, "PUT", "/clinic", &[("restype", "container")], b"");
    assert_eq!(made.0, 201, "{}", made.1);
    let settings = [
        ("AZURE_STORAGE_USE_EMULATOR", "true".to_owned()),
        ("AZURITE_BLOB_STORAGE_URL", format!("http://{}", server.host)),
    ];
    let put = |key: &str, content: &[u8]| {
        let (status, body) = signed(&server, "PUT", &format!("/clinic/{}", encoded(key)), &[], content);
        assert_eq!(status, 201, "{key}: {body}");
    };
    end_to_end(&settings, "az://clinic", &put, &|prefix| blobs(&server, prefix));
}

/// A key as a URL has it.
fn encoded(key: &str) -> String {
    let of = |byte: u8| match byte {
        b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    key.bytes().map(of).collect()
}
