//! The *inbox* is the folder that files arrive in; the first folder below it
//! names the source of its files. Besides, it may be a prefix of an object store: [`Inboxes`] are
//! both, and what is found in either is an [`InboxFile`] with its [`Place`].
//!
//! This module answers questions about it: which files are ready
//! ([`scan()`]), what has to be left alone ([`SkippedPaths`]), whether a file still has the content
//! that was read ([`FileContent`]), how a file leaves without overwriting anything
//! ([`relocate()`]), and how the program itself puts a file there
//! ([`Landing`]). It hashes files and never interprets what is in them.

mod empty_folders;
mod file_content;
mod inboxes;
mod landed;
mod landing;
mod name;
#[cfg(feature = "storage")]
mod object_place;
#[cfg(feature = "storage")]
mod objects;
mod place;
mod relocate;
mod scan;
mod skipped_paths;
mod waiting;

pub use empty_folders::remove_empty_folders;
pub use file_content::{FileContent, open};
pub use inboxes::{Inbox, Inboxes, Patience, Unreadable};
pub use landing::{Landing, flush_folder, land_file};
#[cfg(feature = "lake")]
pub(crate) use name::is_unfinished;
pub use name::{DEFAULT_SOURCE, LONGEST_NAME, escaped, source_folder, unescaped};
#[cfg(feature = "storage")]
pub use object_place::ObjectPlace;
#[cfg(feature = "storage")]
pub use objects::ObjectInbox;
pub use place::{FilePlace, Place};
pub use relocate::{Relocation, is_free_for, relocate, rename};
#[cfg(feature = "lake")]
pub(crate) use scan::rank;
pub use scan::{InboxFile, Scan, is_there, scan};
pub use skipped_paths::{SkippedPath, SkippedPaths};
pub use waiting::{Waiting, waiting};
