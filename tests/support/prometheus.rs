//! *Prometheus*: Debian's programs, in a folder of the target directory.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::OnceLock;

/// The path of `prometheus` or `promtool`. The first test that asks fetches them, unless
/// `make test` has.
pub fn prometheus(program: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let folder = root.join("target/prometheus");
        let fetched = Command::new(root.join("scripts/fetch-prometheus")).arg(&folder).output().unwrap();
        assert!(fetched.status.success(), "{}", String::from_utf8_lossy(&fetched.stderr));
        folder
    });
    folder.join(program)
}

/// Runs `promtool`, with that on standard input.
pub fn promtool(arguments: &[&str], input: &str) -> Output {
    use std::io::Write;
    let mut child = Command::new(prometheus("promtool"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}
