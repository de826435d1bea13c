//! The *inbox* is the folder that files arrive in; the first folder below it
//! names the source of its files.
//!
//! This module answers questions about it: which files are ready
//! ([`scan()`]), what has to be left alone ([`SkippedPaths`]), whether a file still has the content that was read
//! ([`FileContent`]), how a file leaves without overwriting anything
//! ([`relocate()`]), and how the program itself puts a file there
//! ([`Landing`]). It hashes files and never interprets what is in them.

mod empty_folders;
mod file_content;
mod landed;
mod landing;
mod name;
mod relocate;
mod scan;
mod skipped_paths;
mod waiting;

pub use empty_folders::remove_empty_folders;
pub use file_content::{FileContent, open};
pub use landing::{Landing, flush_folder, land_file};
pub use name::{DEFAULT_SOURCE, LONGEST_NAME, escaped, source_folder, unescaped};
pub use relocate::{Relocation, is_free_for, relocate, remove, rename};
pub use scan::{InboxFile, Scan, is_there, scan};
pub use skipped_paths::{SkippedPath, SkippedPaths};
pub use waiting::{Waiting, waiting};
