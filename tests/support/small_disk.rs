//! A *small disk*: a folder with a small file system of its own.
//!
//! It is mounted in its own mount namespace, so nothing remains when the test
//! ends, however it ends. Root can create one except in restricted containers,
//! other users where the kernel allows user namespaces. Elsewhere the test is
//! skipped with a message, unless REQUIRE_SMALL_DISK is set.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::unistd::Uid;

pub struct SmallDisk {
    /// Keeps the namespace alive until its standard input closes.
    holder: Child,
    folder: PathBuf,
}

impl SmallDisk {
    /// Mounts a disk on the folder; `None` if that is not permitted.
    pub fn mounted_on(folder: &Path, kibibytes: u32) -> Option<Self> {
        let script = "mount -t tmpfs -o size=\"$2k\" none \"$1\" && echo mounted && read -r _";
        let mut command = Command::new("unshare");
        if !Uid::effective().is_root() {
            command.args(["--user", "--map-root-user"]);
        }
        command.args(["--mount", "sh", "-c", script, "holder"]).arg(folder).arg(kibibytes.to_string());
        let holder = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut answer = String::new();
        if let Ok(mut holder) = holder {
            let _ = BufReader::new(holder.stdout.take().unwrap()).read_line(&mut answer);
            if answer == "mounted\n" {
                return Some(Self { holder, folder: folder.to_owned() });
            }
            let _ = holder.wait();
        }
        assert!(std::env::var_os("REQUIRE_SMALL_DISK").is_none(), "a small disk cannot be mounted");
        eprintln!("not tried: this user may not mount a small disk");
        None
    }

    /// The same command, to be run in the namespace that has the disk.
    pub fn inside(&self, command: &Command) -> Command {
        let mut inside = Command::new("nsenter");
        inside.args(["--mount", "--target", &self.holder.id().to_string()]);
        if !Uid::effective().is_root() {
            inside.args(["--user", "--preserve-credentials"]);
        }
        // Entering leads to the root folder.
        let folder = command.get_current_dir().unwrap_or(&self.folder);
        inside.args(["sh", "-c", "cd \"$1\" && shift && exec \"$@\"", "inside"]).arg(folder);
        inside.arg(command.get_program()).args(command.get_args()).stdin(Stdio::null());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => inside.env(name, value),
                None => inside.env_remove(name),
            };
        }
        inside
    }

    /// Runs a shell command in the disk's folder.
    #[track_caller]
    pub fn shell(&self, line: &str) {
        let mut command = Command::new("sh");
        command.args(["-c", line]).current_dir(&self.folder);
        let output = self.inside(&command).output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Fills the disk to the last byte.
    pub fn fill(&self) {
        self.shell(
            "dd if=/dev/zero of=filler bs=4k 2>/dev/null; dd if=/dev/zero of=filler2 bs=1 2>/dev/null; true",
        );
    }

    /// Changes the size of the disk.
    #[track_caller]
    pub fn resize(&self, kibibytes: u32) {
        self.shell(&format!("mount -o remount,size={kibibytes}k ."));
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}
