//! A *failpoint* is a named step in loading a file at which tests can kill the
//! program, as a power failure would, or make it do its work wrong.
//!
//! Only test builds have failpoints: the environment variable FAILPOINTS says
//! where and when, in the syntax of the crate `fail`. Other builds compile them to
//! nothing.
//!
//! `FAILPOINTS='committed=2*off->return'` kills the program when the third batch
//! is committed.

use fail::{FailScenario, fail_point};

/// Whether this build has failpoints.
const ARE_BUILT_IN: bool = fail::has_failpoints();

macro_rules! steps {
    ($($(#[$what:meta])* $step:ident = $name:literal,)*) => {
        /// Where the program can be killed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Step {
            $($(#[$what])* $step,)*
        }

        impl Step {
            /// Every step, in the order in which a file passes them.
            pub const ALL: &[Step] = &[$(Step::$step,)*];

            /// Its name in FAILPOINTS.
            pub fn name(self) -> &'static str {
                match self {
                    $(Step::$step => $name,)*
                }
            }
        }
    };
}

steps! {
    /// A migration is applied.
    Migrated = "migrated",
    /// Rejected records are in the inbox again, and still count as rejected.
    Dropped = "dropped",
    /// They count as retried, and are not loaded.
    Retried = "retried",
    /// A run is recorded, and has no file.
    Begun = "begun",
    /// Files are claimed, and are not opened.
    Claimed = "claimed",
    /// A document in a file is opened.
    Opened = "opened",
    /// A resource is framed.
    Framed = "framed",
    /// A batch is mapped.
    Mapped = "mapped",
    /// All resources that it contains or refers to have keys.
    KeysGiven = "keys-given",
    /// The registry has decided on versions.
    Decided = "decided",
    /// Rows of replaced versions are deleted.
    Replaced = "replaced",
    /// The rows of one table are copied.
    Copied = "copied",
    /// Rejects are written.
    RejectsWritten = "rejects-written",
    /// The batch's account is written, and nothing is committed.
    Accounted = "accounted",
    /// The batch is committed, and the program does not know yet.
    Committed = "committed",
    /// The accounts of files are closed in the ledger.
    Finished = "finished",
    /// The ledger has the locations to which the files will move.
    Noted = "noted",
    /// The report of a file that goes to the rejects is written.
    Reported = "reported",
    /// A file is in the archive or in the rejects.
    Moved = "moved",
    /// All files have left the inbox; references by identifier are not resolved.
    Departed = "departed",
    /// A batch is mapped again from the archive.
    WrittenAnew = "written-anew",
    /// One of the indexes is built.
    Indexed = "indexed",
    /// All indexes are built, and the run has not ended in the ledger.
    Complete = "complete",
}

/// Where the run of a feed can be killed, in the order in which an export passes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedStep {
    /// The ledger has the export, and the server was not asked for it.
    Requested,
    /// The server has accepted it, and the ledger has its status URL.
    Accepted,
    /// The server was asked how far it is, and works on it.
    Polled,
    /// The manifest is read, and not in the ledger.
    ManifestRead,
    /// The ledger has the files of the manifest.
    FilesNoted,
    /// Bytes of a file are on disk and in the ledger.
    Checkpoint,
    /// A file is complete, and not in the inbox.
    Fetched,
    /// The ledger has the path that a file is about to get in the inbox.
    LandingNoted,
    /// A file is in the inbox, and the ledger does not know.
    Landed,
    /// All files are in the inbox.
    AllLanded,
    /// All files are loaded, and the ledger has it.
    Finished,
    /// The server has deleted the export.
    Deleted,
}

impl FeedStep {
    /// Every step.
    pub const ALL: &[FeedStep] = &[
        FeedStep::Requested,
        FeedStep::Accepted,
        FeedStep::Polled,
        FeedStep::ManifestRead,
        FeedStep::FilesNoted,
        FeedStep::Checkpoint,
        FeedStep::Fetched,
        FeedStep::LandingNoted,
        FeedStep::Landed,
        FeedStep::AllLanded,
        FeedStep::Finished,
        FeedStep::Deleted,
    ];

    /// Its name in FAILPOINTS.
    pub fn name(self) -> &'static str {
        match self {
            FeedStep::Requested => "feed-requested",
            FeedStep::Accepted => "feed-accepted",
            FeedStep::Polled => "feed-polled",
            FeedStep::ManifestRead => "feed-manifest-read",
            FeedStep::FilesNoted => "feed-files-noted",
            FeedStep::Checkpoint => "feed-checkpoint",
            FeedStep::Fetched => "feed-fetched",
            FeedStep::LandingNoted => "feed-landing-noted",
            FeedStep::Landed => "feed-landed",
            FeedStep::AllLanded => "feed-all-landed",
            FeedStep::Finished => "feed-finished",
            FeedStep::Deleted => "feed-deleted",
        }
    }
}

/// Where the filling of a view can be killed, in the order in which it passes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewStep {
    /// The view is in the ledger and has a table, which is empty.
    Registered,
    /// The rows of one batch and how far the filling has come are committed.
    Filled,
    /// The indexes are built, and the table is not that of the view yet.
    Indexed,
    /// The table has taken the place of the one before.
    Swapped,
}

impl ViewStep {
    /// Every step.
    pub const ALL: &[ViewStep] =
        &[ViewStep::Registered, ViewStep::Filled, ViewStep::Indexed, ViewStep::Swapped];

    /// Its name in FAILPOINTS.
    pub fn name(self) -> &'static str {
        match self {
            ViewStep::Registered => "view-registered",
            ViewStep::Filled => "view-filled",
            ViewStep::Indexed => "view-indexed",
            ViewStep::Swapped => "view-swapped",
        }
    }
}

/// Where an onboarding without primary keys can be killed, in the order in which it passes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStep {
    /// The tables have no keys, and no rows.
    Postponed,
    /// The index of a key is built, and is not declared as one.
    Indexed,
    /// A key is complete.
    Declared,
}

impl KeyStep {
    /// Every step.
    pub const ALL: &[KeyStep] = &[KeyStep::Postponed, KeyStep::Indexed, KeyStep::Declared];

    /// Its name in FAILPOINTS.
    pub fn name(self) -> &'static str {
        match self {
            KeyStep::Postponed => "keys-postponed",
            KeyStep::Indexed => "key-indexed",
            KeyStep::Declared => "key-declared",
        }
    }
}

/// Where an undo can be killed, in the order in which it passes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UndoStep {
    /// It is known which resources it affects, and which files have to be read again.
    Scanned,
    /// The resources are removed, and nothing is committed.
    Cleared,
    /// A batch of another file is loaded again.
    Replayed,
    /// The ledger has it, and nothing is committed.
    Recorded,
    /// It is committed; references by identifier are not resolved.
    Committed,
}

impl UndoStep {
    /// Every step.
    pub const ALL: &[UndoStep] =
        &[UndoStep::Scanned, UndoStep::Cleared, UndoStep::Replayed, UndoStep::Recorded, UndoStep::Committed];

    /// Its name in FAILPOINTS.
    pub fn name(self) -> &'static str {
        match self {
            UndoStep::Scanned => "undo-scanned",
            UndoStep::Cleared => "undo-cleared",
            UndoStep::Replayed => "undo-replayed",
            UndoStep::Recorded => "undo-recorded",
            UndoStep::Committed => "undo-committed",
        }
    }
}

/// Where an erasure can be killed, in the order in which it passes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EraseStep {
    /// The request is in the ledger.
    Requested,
    /// It is known what is erased, and nothing is changed.
    Searched,
    /// A file of the archive is written again, beside the old one.
    Rewritten,
    /// The rows are removed, and nothing is committed.
    Cleared,
    /// The ledger has it, and nothing is committed.
    Recorded,
    /// It is committed; the old files are still there.
    Committed,
    /// A task that was left is done.
    TaskDone,
    /// Nothing is left to do, and the ledger does not know it.
    Finished,
}

impl EraseStep {
    /// Every step.
    pub const ALL: &[EraseStep] = &[
        EraseStep::Requested,
        EraseStep::Searched,
        EraseStep::Rewritten,
        EraseStep::Cleared,
        EraseStep::Recorded,
        EraseStep::Committed,
        EraseStep::TaskDone,
        EraseStep::Finished,
    ];

    /// Its name in FAILPOINTS.
    pub fn name(self) -> &'static str {
        match self {
            EraseStep::Requested => "erase-requested",
            EraseStep::Searched => "erase-searched",
            EraseStep::Rewritten => "erase-rewritten",
            EraseStep::Cleared => "erase-cleared",
            EraseStep::Recorded => "erase-recorded",
            EraseStep::Committed => "erase-committed",
            EraseStep::TaskDone => "erase-task-done",
            EraseStep::Finished => "erase-finished",
        }
    }
}

/// Where moving an object to an archive can be killed, besides the steps of every file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreStep {
    /// The store has copied a part of it.
    PartCopied,
    /// The store has copied it, and the copy is not proven.
    Copied,
    /// The original is removed.
    Removed,
}

impl StoreStep {
    /// Every step.
    pub const ALL: &[StoreStep] = &[StoreStep::PartCopied, StoreStep::Copied, StoreStep::Removed];

    /// Its name in FAILPOINTS.
    pub fn name(self) -> &'static str {
        match self {
            StoreStep::PartCopied => "store-part-copied",
            StoreStep::Copied => "store-copied",
            StoreStep::Removed => "store-removed",
        }
    }
}

/// Where the compression of archived files and their removal by retention can be killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArchiveStep {
    /// The compressed file is there, and the file as it was sent, too.
    Compressed,
    /// Only the compressed file is there, and the ledger does not know.
    OriginalRemoved,
    /// The ledger says that a file is removed, and it is still there.
    RemovalNoted,
    /// A file is removed.
    Removed,
}

impl ArchiveStep {
    /// Every step.
    pub const ALL: &[ArchiveStep] = &[
        ArchiveStep::Compressed,
        ArchiveStep::OriginalRemoved,
        ArchiveStep::RemovalNoted,
        ArchiveStep::Removed,
    ];

    /// Its name in FAILPOINTS.
    pub fn name(self) -> &'static str {
        match self {
            ArchiveStep::Compressed => "archive-compressed",
            ArchiveStep::OriginalRemoved => "archive-original-removed",
            ArchiveStep::RemovalNoted => "archive-removal-noted",
            ArchiveStep::Removed => "archive-removed",
        }
    }
}

/// Where a Kafka feed can be killed, in the order in which its messages pass them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KafkaStep {
    /// The partitions and their offsets are known, and nothing is read.
    Assigned,
    /// A batch of messages is read, and nothing of it is written.
    Gathered,
    /// The file that it goes to is in the ledger, and empty.
    Opened,
    /// The batch is in its file on disk, and not committed.
    Appended,
    /// The offsets are moved, and not committed.
    OffsetsMoved,
    /// The batch is committed, and the group at Kafka has not been told.
    Loaded,
    /// The group has been told.
    Told,
    /// A file is complete, and its account is not closed.
    Completing,
}

impl KafkaStep {
    /// Every step.
    pub const ALL: &[KafkaStep] = &[
        KafkaStep::Assigned,
        KafkaStep::Gathered,
        KafkaStep::Opened,
        KafkaStep::Appended,
        KafkaStep::OffsetsMoved,
        KafkaStep::Loaded,
        KafkaStep::Told,
        KafkaStep::Completing,
    ];

    /// Its name in FAILPOINTS.
    pub fn name(self) -> &'static str {
        match self {
            KafkaStep::Assigned => "kafka-assigned",
            KafkaStep::Gathered => "kafka-gathered",
            KafkaStep::Opened => "kafka-opened",
            KafkaStep::Appended => "kafka-appended",
            KafkaStep::OffsetsMoved => "kafka-offsets-moved",
            KafkaStep::Loaded => "kafka-loaded",
            KafkaStep::Told => "kafka-told",
            KafkaStep::Completing => "kafka-completing",
        }
    }
}

/// Where a snapshot can be killed, in the order in which it passes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotStep {
    /// Its folder is there, and the ledger does not have its picture.
    Begun,
    /// The ledger has its picture, and nothing is written.
    PictureTaken,
    /// The rows of one table are written.
    TableWritten,
    /// All tables are written, and the manifest is not.
    Written,
    /// It is complete, and the ledger does not know.
    Published,
}

impl SnapshotStep {
    /// Every step.
    pub const ALL: &[SnapshotStep] = &[
        SnapshotStep::Begun,
        SnapshotStep::PictureTaken,
        SnapshotStep::TableWritten,
        SnapshotStep::Written,
        SnapshotStep::Published,
    ];

    /// Its name in FAILPOINTS.
    pub fn name(self) -> &'static str {
        match self {
            SnapshotStep::Begun => "snapshot-begun",
            SnapshotStep::PictureTaken => "snapshot-picture-taken",
            SnapshotStep::TableWritten => "snapshot-table-written",
            SnapshotStep::Written => "snapshot-written",
            SnapshotStep::Published => "snapshot-published",
        }
    }
}

/// Where forwarding to a sink can be killed, in the order in which a unit passes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardStep {
    /// The process has the lock of the sink.
    Locked,
    /// Batches are taken, and their resources are noted as being sent.
    Taken,
    /// The sink has answered, and nothing is noted of it.
    Answered,
    /// The answer is noted.
    Noted,
    /// All of a unit is sent and noted.
    Sent,
    /// The batches of the unit are done, or go on to the next type.
    Finished,
    /// Deletions are taken.
    DeletesTaken,
}

impl ForwardStep {
    /// Every step.
    pub const ALL: &[ForwardStep] = &[
        ForwardStep::Locked,
        ForwardStep::Taken,
        ForwardStep::Answered,
        ForwardStep::Noted,
        ForwardStep::Sent,
        ForwardStep::Finished,
        ForwardStep::DeletesTaken,
    ];

    /// Its name in FAILPOINTS.
    pub fn name(self) -> &'static str {
        match self {
            ForwardStep::Locked => "forward-locked",
            ForwardStep::Taken => "forward-taken",
            ForwardStep::Answered => "forward-answered",
            ForwardStep::Noted => "forward-noted",
            ForwardStep::Sent => "forward-sent",
            ForwardStep::Finished => "forward-finished",
            ForwardStep::DeletesTaken => "forward-deletes-taken",
        }
    }
}

/// Where a conversion to files can be killed, in the order in which it passes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConvertStep {
    /// A batch is mapped.
    Mapped,
    /// A table is written, and not at its place.
    TableWritten,
    /// The manifest of the conversion that is replaced is removed.
    Revoked,
    /// A table is at its place, and the manifest is not.
    TablePlaced,
    /// The manifest is at its place.
    Complete,
}

impl ConvertStep {
    /// Every step.
    pub const ALL: &[ConvertStep] = &[
        ConvertStep::Mapped,
        ConvertStep::TableWritten,
        ConvertStep::Revoked,
        ConvertStep::TablePlaced,
        ConvertStep::Complete,
    ];

    /// Its name in FAILPOINTS.
    pub fn name(self) -> &'static str {
        match self {
            ConvertStep::Mapped => "convert-mapped",
            ConvertStep::TableWritten => "convert-table-written",
            ConvertStep::Revoked => "convert-revoked",
            ConvertStep::TablePlaced => "convert-table-placed",
            ConvertStep::Complete => "convert-complete",
        }
    }
}

/// Where a backup can be killed, in the order in which it passes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackupStep {
    /// The picture is taken, and nothing is written.
    PictureTaken,
    /// The database is dumped.
    Dumped,
    /// Files are copied, and their list is not written.
    FilesCopied,
    /// Everything is written, and the manifest is not.
    Written,
    /// The backup is complete; older ones are there.
    Complete,
    /// The manifest of an older one is removed, and its files are not.
    ManifestRemoved,
}

impl BackupStep {
    /// Every step.
    pub const ALL: &[BackupStep] = &[
        BackupStep::PictureTaken,
        BackupStep::Dumped,
        BackupStep::FilesCopied,
        BackupStep::Written,
        BackupStep::Complete,
        BackupStep::ManifestRemoved,
    ];

    /// Its name in FAILPOINTS.
    pub fn name(self) -> &'static str {
        match self {
            BackupStep::PictureTaken => "backup-picture-taken",
            BackupStep::Dumped => "backup-dumped",
            BackupStep::FilesCopied => "backup-files-copied",
            BackupStep::Written => "backup-written",
            BackupStep::Complete => "backup-complete",
            BackupStep::ManifestRemoved => "backup-manifest-removed",
        }
    }
}

/// Where a restore can be killed, in the order in which it passes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestoreStep {
    /// The database is marked as being restored, and empty.
    Marked,
    /// The roles are there.
    RolesCreated,
    /// The files are at their places.
    FilesRestored,
    /// The tables are filled, and the database is still marked.
    Filled,
    /// The database is whole, and of an older version, perhaps.
    Unmarked,
}

impl RestoreStep {
    /// Every step.
    pub const ALL: &[RestoreStep] = &[
        RestoreStep::Marked,
        RestoreStep::RolesCreated,
        RestoreStep::FilesRestored,
        RestoreStep::Filled,
        RestoreStep::Unmarked,
    ];

    /// Its name in FAILPOINTS.
    pub fn name(self) -> &'static str {
        match self {
            RestoreStep::Marked => "restore-marked",
            RestoreStep::FilesRestored => "restore-files-restored",
            RestoreStep::RolesCreated => "restore-roles-created",
            RestoreStep::Filled => "restore-filled",
            RestoreStep::Unmarked => "restore-unmarked",
        }
    }
}

/// A fault that the reconciliation of record counts must detect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A record is silently left out of its batch.
    RecordDropped,
    /// The first rows of a table are not sent to COPY.
    RowsDropped,
    /// A reject is not written.
    RejectDropped,
}

impl Fault {
    /// Its name in FAILPOINTS.
    pub fn name(self) -> &'static str {
        match self {
            Fault::RecordDropped => "record-dropped",
            Fault::RowsDropped => "rows-dropped",
            Fault::RejectDropped => "reject-dropped",
        }
    }
}

/// Arms the failpoints of FAILPOINTS for as long as the value is held.
pub fn arm() -> Option<FailScenario<'static>> {
    if ARE_BUILT_IN { Some(FailScenario::setup()) } else { None }
}

/// The step is done: kills the program if FAILPOINTS says so.
pub fn passed(step: Step) {
    die_at(step.name());
}

/// The step of a feed is done: kills the program if FAILPOINTS says so.
pub fn passed_feed(step: FeedStep) {
    die_at(step.name());
}

/// The step of the filling of a view is done: kills the program if FAILPOINTS says so.
pub fn passed_view(step: ViewStep) {
    die_at(step.name());
}

/// The step of an onboarding without primary keys is done: kills the program if FAILPOINTS
/// says so.
pub fn passed_key(step: KeyStep) {
    die_at(step.name());
}

/// The step of a store is done: kills the program if FAILPOINTS says so.
pub fn passed_store(step: StoreStep) {
    die_at(step.name());
}

/// The step of an archive is done: kills the program if FAILPOINTS says so.
pub fn passed_archive(step: ArchiveStep) {
    die_at(step.name());
}

/// The step of a Kafka feed is done: kills the program if FAILPOINTS says so.
pub fn passed_kafka(step: KafkaStep) {
    die_at(step.name());
}

/// The step of a snapshot is done: kills the program if FAILPOINTS says so.
pub fn passed_snapshot(step: SnapshotStep) {
    die_at(step.name());
}

/// The step of an undo is done: kills the program if FAILPOINTS says so.
pub fn passed_undo(step: UndoStep) {
    die_at(step.name());
}

/// The step of an erasure is done: kills the program if FAILPOINTS says so.
pub fn passed_erase(step: EraseStep) {
    die_at(step.name());
}

/// The step of forwarding is done: kills the program if FAILPOINTS says so.
pub fn passed_forward(step: ForwardStep) {
    die_at(step.name());
}

/// The step of a conversion is done: kills the program if FAILPOINTS says so.
pub fn passed_convert(step: ConvertStep) {
    die_at(step.name());
}

/// The step of a backup is done: kills the program if FAILPOINTS says so.
pub fn passed_backup(step: BackupStep) {
    die_at(step.name());
}

/// The step of a restore is done: kills the program if FAILPOINTS says so.
pub fn passed_restore(step: RestoreStep) {
    die_at(step.name());
}

fn die_at(name: &str) {
    if ARE_BUILT_IN && is_hit(name) {
        // No destructor runs, nothing is flushed, the server is not informed.
        let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL);
    }
}

/// A limit, or the one that FAILPOINTS sets instead: `NAME=return(NUMBER)`.
pub fn limit(name: &str, limit: u64) -> u64 {
    // Without failpoints the macro takes nothing.
    let _ = name;
    fail_point!(name, |number| number.and_then(|number| number.parse().ok()).unwrap_or(limit));
    limit
}

/// Whether FAILPOINTS demands the fault now.
pub fn has(fault: Fault) -> bool {
    ARE_BUILT_IN && is_hit(fault.name())
}

fn is_hit(name: &str) -> bool {
    // Without failpoints the macro takes nothing.
    let _ = name;
    fail_point!(name, |_| true);
    false
}
