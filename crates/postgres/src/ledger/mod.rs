//! The *ledger* records what became of every file: which run has it, how far it
//! is, and its account. A file is claimed here before it is read, so that two
//! processes never load the same file, and a dead process's files are taken over.
//!
//! Every query on the `etl` tables outside of the registry is here, as a method
//! of the type that it reads or writes. `schema` declares the tables for
//! diesel; SQL in strings is what its query language cannot express.

mod account;
pub(crate) mod advisory_lock;
mod archived;
mod audit;
mod batch;
mod candidates;
mod claim;
mod delivery;
mod disk;
mod duplicate;
mod export_file;
mod export_job;
mod feed;
mod feed_entry;
mod feed_offset;
mod figures;
mod file;
pub mod forward;
mod kept_file;
mod lost_file;
mod mended;
mod notification;
mod object;
mod object_version;
mod old_rows;
pub mod page;
mod reject;
mod relations;
mod remap;
mod resource;
mod retention;
mod retry;
mod rule;
mod run;
mod run_entry;
pub(crate) mod schema;
mod sender;
mod service;
mod skipped;
mod snapshot;
mod source;
mod status;
mod stored_file;
mod submission;
mod update_file;
mod upload;
mod upload_part;
mod view;

pub use account::Account;
pub use advisory_lock::try_lock_archive;
pub(crate) use advisory_lock::{living, lock_claims, unlock_archive};
pub use archived::{ArchivedFile, FoundResource};
pub use audit::AuditEvent;
pub use batch::{BatchClaim, BatchPart, DeviatingElement, UnmappedElement};
pub use candidates::{NewFile, ObjectVersion};
pub use claim::{Claim, ClaimedFile};
pub use delivery::{Delivery, Outcome, Queue};
pub use disk::{DatabaseDisk, StoredFiles};
pub use duplicate::Verdict as DuplicateVerdict;
pub use export_file::{CountDifference, ExportFile, NewExportFile};
pub use export_job::{ExportJob, NewExport};
pub use feed::{Feed, FeedAmounts, FeedFailure, NewFeed};
pub use feed_entry::FeedEntry;
pub use feed_offset::{EndOffset, FeedFile, FeedOffset, OffsetMove, enter_source};
pub use figures::{RejectFigures, SourceFigures, UploadFigures};
pub use file::{FileEntry, FileFilter, FileStatus, ReadFile, has_file};
pub use kept_file::{AgedFile, KeptIn, PlainFile};
pub use mended::{MendedRecord, for_each_open_reject, last_reject};
pub use notification::{Notification, SilentSource, may_notify};
pub use object::StoredObject;
pub use old_rows::OldRows;
pub use reject::{
    Dismissal, NewReject, Reject, RejectCount, RejectFilter, RejectReason, RejectedFile, RejectedRecord,
};
pub use relations::FileRelations;
pub(crate) use relations::is_superseded;
pub use remap::{RemapFile, RemapPositions, count_unresolved, select_current, select_resolvable};
pub use resource::{ResourceSender, StoredResource};
pub use retention::Kept;
pub use retry::{PartialReject, PendingRejects, WholeReject, mark_retried};
pub use rule::{FilledTables, Rule};
pub use run::{ASYNCHRONOUS_COMMIT, Run, RunStatus, broken_off};
pub use run_entry::{RunEntry, RunFilter, has_run};
pub use sender::{Bearer, KeptSecrets, NewSender, Sender, use_proof};
pub use service::{NewService, ScanRecord, Service, ServiceEntry, SourceActivity};
pub use skipped::{SkippedFile, SkippedPart, SkippedRange};
pub use snapshot::{NewSnapshot, SnapshotEntry, SnapshotProgress, SnapshotRecord, SnapshotRun};
pub(crate) use source::BASE_URLS;
pub use source::{Source, SourceChange, UnknownServer, is_source_among};
pub use status::LedgerStatus;
pub(crate) use stored_file::STORED_FILE;
pub use stored_file::StoredFile;
pub use submission::{NewManifest, Submission, SubmissionKey, SubmittedManifest};
pub use update_file::{LeftFile, SourceFile, adopt_left, has_later_file, left_file};
pub use upload::{NewUpload, OpenUploads, Upload, WholeChecksum};
pub use upload_part::UploadPart;
pub(crate) use view::note_moved;
pub use view::{
    AppliedView, DefinitionResource, NewVersion, ViewOrigin, definition_resources, give_way_to_view_change,
    is_view_change_waiting, lock_views, remove_view, unlock_views,
};
