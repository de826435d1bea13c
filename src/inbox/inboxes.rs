//! All that files arrive in: the folder, and, if INBOX_URL is set, a prefix of an object store
//! besides.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::scan::{Scan, is_there, scan};
use super::waiting::{Waiting, waiting};
use crate::config::Settings;

/// Something that files arrive in.
pub trait Inbox: Debug + Send + Sync {
    /// What is ready to be loaded, if it has not changed for `settle`. One that has very many files
    /// gives some of them; with `goes_on` those after the ones that the last scan gave.
    fn scan(&self, settle: Duration, goes_on: bool) -> io::Result<Scan>;

    /// Whether it has anything at this escaped path. True if that cannot be determined.
    fn is_there(&self, relative: &str) -> bool;

    /// What waits in it, by source.
    fn waiting(&self) -> io::Result<BTreeMap<String, Waiting>>;

    /// Where it is, for people.
    fn address(&self) -> String;
}

/// How long a store of objects is waited for that is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Some seconds: files of the folder must not wait for it, and it is asked again later.
    Little,
    /// The same before anything is read from it, and some minutes afterwards.
    OnceListed,
    /// Some minutes.
    Much,
}

/// See the module.
#[derive(Debug)]
pub struct Inboxes(Vec<Box<dyn Inbox>>);

/// An inbox that cannot be read.
#[derive(Debug)]
pub struct Unreadable {
    /// Where it is.
    pub address: String,
    /// Why it cannot.
    pub error: io::Error,
}

impl Unreadable {
    /// Whether more [`Patience`] would have helped.
    pub fn is_away(&self) -> bool {
        self.error.kind() == io::ErrorKind::TimedOut
    }
}

impl Inboxes {
    /// Those that the settings name, with little patience.
    pub fn of(settings: &Settings) -> Self {
        Self::with_patience(settings, Patience::Little)
    }

    /// Those that the settings name.
    pub fn with_patience(settings: &Settings, patience: Patience) -> Self {
        #[cfg(not(feature = "storage"))]
        let _ = patience;
        let folder: Box<dyn Inbox> = Box::new(FolderInbox(settings.inbox_dir.clone()));
        #[cfg(feature = "storage")]
        let objects =
            super::ObjectInbox::of(settings, patience).map(|inbox| Box::new(inbox) as Box<dyn Inbox>);
        #[cfg(not(feature = "storage"))]
        let objects = None;
        Inboxes([Some(folder), objects].into_iter().flatten().collect())
    }

    /// What is ready in all of them, and the first that cannot be read.
    pub fn scan(&self, settle: Duration, goes_on: bool) -> (Scan, Option<Unreadable>) {
        let (mut all, mut unreadable) = (Scan::default(), None);
        for inbox in &self.0 {
            match inbox.scan(settle, goes_on) {
                Ok(found) => all.add(found),
                Err(error) => {
                    unreadable = unreadable.or(Some(Unreadable { address: inbox.address(), error }));
                }
            }
        }
        all.sort();
        (all, unreadable)
    }

    /// Whether any has something at this escaped path. True if that cannot be determined.
    pub fn is_there(&self, relative: &str) -> bool {
        self.0.iter().any(|inbox| inbox.is_there(relative))
    }

    /// What waits in all of them, by source. Only the first, the folder, must be readable.
    pub fn waiting(&self) -> io::Result<BTreeMap<String, Waiting>> {
        let mut all: BTreeMap<String, Waiting> = BTreeMap::new();
        for (number, inbox) in self.0.iter().enumerate() {
            match inbox.waiting() {
                Ok(found) => {
                    found.iter().for_each(|(source, waiting)| {
                        all.entry(source.clone()).or_default().add(waiting);
                    });
                }
                Err(error) if number == 0 => return Err(error),
                Err(_) => {}
            }
        }
        Ok(all)
    }
}

/// A folder that files arrive in.
#[derive(Debug)]
struct FolderInbox(PathBuf);

impl Inbox for FolderInbox {
    fn scan(&self, settle: Duration, _: bool) -> io::Result<Scan> {
        fs::create_dir_all(&self.0)?;
        scan(&self.0, settle)
    }

    fn is_there(&self, relative: &str) -> bool {
        is_there(&self.0, relative)
    }

    fn waiting(&self) -> io::Result<BTreeMap<String, Waiting>> {
        waiting(&self.0)
    }

    fn address(&self) -> String {
        self.0.display().to_string()
    }
}
