//! What the operator's *page* asks the ledger, and who may look at it.
//!
//! A view of the page answers in a moment, however much has been loaded. So every
//! question here is answered by an index, by counts that the ledger keeps, or by the
//! statistics of Postgres, which are called estimates; where something has to be counted,
//! the count ends at a bound.

mod activity;
mod applied_views;
mod elements;
mod feeds;
mod lineage;
mod login_failure;
mod progress;
mod references;
mod rejects;
mod runs;
mod senders;
mod session;
mod tables;
mod uploads;
mod user;

pub use activity::{DayCount, Delivered, SourceHabit};
pub use applied_views::ViewLine;
pub use elements::NotedElement;
pub use feeds::{FeedFile, FeedFilePage, FeedRun};
pub use lineage::FileLineage;
pub use login_failure::LoginFailures;
pub use progress::RunInProgress;
pub use references::{UnresolvedCount, UnresolvedReferences};
pub use rejects::{BOUND, FileReason, OpenReason, RawRecord};
pub use runs::{RunLine, RunPage};
pub use senders::SenderActivity;
pub use session::{PageSession, SignedIn};
pub use tables::{ColumnEntry, TableEntry};
pub use uploads::OpenUpload;
pub use user::PageUser;
