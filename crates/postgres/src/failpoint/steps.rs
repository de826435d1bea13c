//! The *steps* at which tests can kill the program, by subject.

use super::Failpoint;

macro_rules! steps {
    ($($(#[$about:meta])* $steps:ident { $($(#[$what:meta])* $step:ident = $name:literal,)* })*) => {$(
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $steps {
            $($(#[$what])* $step,)*
        }

        impl $steps {
            /// Every step, in the order in which they are passed.
            pub const ALL: &[$steps] = &[$($steps::$step,)*];

            /// Its name in FAILPOINTS.
            pub fn name(self) -> &'static str {
                match self {
                    $($steps::$step => $name,)*
                }
            }
        }

        impl Failpoint for $steps {
            fn name(self) -> &'static str {
                $steps::name(self)
            }
        }
    )*};
}

steps! {
    /// Where loading a file can be killed.
    Step {
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
    FeedStep {
        /// The ledger has the export, and the server was not asked for it.
        Requested = "feed-requested",
        /// The server has accepted it, and the ledger has its status URL.
        Accepted = "feed-accepted",
        /// The server was asked how far it is, and works on it.
        Polled = "feed-polled",
        /// The manifest is read, and not in the ledger.
        ManifestRead = "feed-manifest-read",
        /// The ledger has the files of the manifest.
        FilesNoted = "feed-files-noted",
        /// Bytes of a file are on disk and in the ledger.
        Checkpoint = "feed-checkpoint",
        /// A file is complete, and not in the inbox.
        Fetched = "feed-fetched",
        /// The ledger has the path that a file is about to get in the inbox.
        LandingNoted = "feed-landing-noted",
        /// A file is in the inbox, and the ledger does not know.
        Landed = "feed-landed",
        /// All files are in the inbox.
        AllLanded = "feed-all-landed",
        /// All files are loaded, and the ledger has it.
        Finished = "feed-finished",
        /// The server has deleted the export.
        Deleted = "feed-deleted",
    }

    /// Where the filling of a view can be killed.
    ViewStep {
        /// The view is in the ledger and has a table, which is empty.
        Registered = "view-registered",
        /// The rows of one batch and how far the filling has come are committed.
        Filled = "view-filled",
        /// The indexes are built, and the table is not that of the view yet.
        Indexed = "view-indexed",
        /// The table has taken the place of the one before.
        Swapped = "view-swapped",
    }

    /// Where an onboarding without primary keys can be killed.
    KeyStep {
        /// The tables have no keys, and no rows.
        Postponed = "keys-postponed",
        /// The index of a key is built, and is not declared as one.
        Indexed = "key-indexed",
        /// A key is complete.
        Declared = "key-declared",
    }

    /// Where an undo can be killed.
    UndoStep {
        /// It is known which resources it affects, and which files have to be read again.
        Scanned = "undo-scanned",
        /// The resources are removed, and nothing is committed.
        Cleared = "undo-cleared",
        /// A batch of another file is loaded again.
        Replayed = "undo-replayed",
        /// The ledger has it, and nothing is committed.
        Recorded = "undo-recorded",
        /// It is committed; references by identifier are not resolved.
        Committed = "undo-committed",
    }

    /// Where an erasure can be killed.
    EraseStep {
        /// The request is in the ledger.
        Requested = "erase-requested",
        /// It is known what is erased, and nothing is changed.
        Searched = "erase-searched",
        /// A file of the archive is written again, beside the old one.
        Rewritten = "erase-rewritten",
        /// The rows are removed, and nothing is committed.
        Cleared = "erase-cleared",
        /// The ledger has it, and nothing is committed.
        Recorded = "erase-recorded",
        /// It is committed; the old files are still there.
        Committed = "erase-committed",
        /// A task that was left is done.
        TaskDone = "erase-task-done",
        /// Nothing is left to do, and the ledger does not know it.
        Finished = "erase-finished",
    }

    /// Where moving an object to an archive can be killed, besides the steps of every file.
    StoreStep {
        /// The store has copied a part of it.
        PartCopied = "store-part-copied",
        /// The store has copied it, and the copy is not proven.
        Copied = "store-copied",
        /// The original is removed.
        Removed = "store-removed",
    }

    /// Where the compression of archived files and their removal by retention can be killed.
    ArchiveStep {
        /// The compressed file is there, and the file as it was sent, too.
        Compressed = "archive-compressed",
        /// Only the compressed file is there, and the ledger does not know.
        OriginalRemoved = "archive-original-removed",
        /// The ledger says that a file is removed, and it is still there.
        RemovalNoted = "archive-removal-noted",
        /// A file is removed.
        Removed = "archive-removed",
    }

    /// Where a Kafka feed can be killed.
    KafkaStep {
        /// The partitions and their offsets are known, and nothing is read.
        Assigned = "kafka-assigned",
        /// A batch of messages is read, and nothing of it is written.
        Gathered = "kafka-gathered",
        /// The file that it goes to is in the ledger, and empty.
        Opened = "kafka-opened",
        /// The batch is in its file on disk, and not committed.
        Appended = "kafka-appended",
        /// The offsets are moved, and not committed.
        OffsetsMoved = "kafka-offsets-moved",
        /// The batch is committed, and the group at Kafka has not been told.
        Loaded = "kafka-loaded",
        /// The group has been told.
        Told = "kafka-told",
        /// A file is complete, and its account is not closed.
        Completing = "kafka-completing",
    }

    /// Where a snapshot can be killed.
    SnapshotStep {
        /// Its folder is there, and the ledger does not have its picture.
        Begun = "snapshot-begun",
        /// The ledger has its picture, and nothing is written.
        PictureTaken = "snapshot-picture-taken",
        /// The rows of one table are written.
        TableWritten = "snapshot-table-written",
        /// All tables are written, and the manifest is not.
        Written = "snapshot-written",
        /// It is complete, and the ledger does not know.
        Published = "snapshot-published",
    }

    /// Where forwarding to a sink can be killed.
    ForwardStep {
        /// The process has the lock of the sink.
        Locked = "forward-locked",
        /// Batches are taken, and their resources are noted as being sent.
        Taken = "forward-taken",
        /// The sink has answered, and nothing is noted of it.
        Answered = "forward-answered",
        /// The answer is noted.
        Noted = "forward-noted",
        /// All of a unit is sent and noted.
        Sent = "forward-sent",
        /// The batches of the unit are done, or go on to the next type.
        Finished = "forward-finished",
        /// Deletions are taken.
        DeletesTaken = "forward-deletes-taken",
    }

    /// Where a conversion to files can be killed.
    ConvertStep {
        /// A batch is mapped.
        Mapped = "convert-mapped",
        /// A table is written, and not at its place.
        TableWritten = "convert-table-written",
        /// The manifest of the conversion that is replaced is removed.
        Revoked = "convert-revoked",
        /// A table is at its place, and the manifest is not.
        TablePlaced = "convert-table-placed",
        /// The manifest is at its place.
        Complete = "convert-complete",
    }

    /// Where a backup can be killed.
    BackupStep {
        /// The picture is taken, and nothing is written.
        PictureTaken = "backup-picture-taken",
        /// The database is dumped.
        Dumped = "backup-dumped",
        /// Files are copied, and their list is not written.
        FilesCopied = "backup-files-copied",
        /// Everything is written, and the manifest is not.
        Written = "backup-written",
        /// The backup is complete; older ones are there.
        Complete = "backup-complete",
        /// The manifest of an older one is removed, and its files are not.
        ManifestRemoved = "backup-manifest-removed",
    }

    /// Where a restore can be killed.
    RestoreStep {
        /// The database is marked as being restored, and empty.
        Marked = "restore-marked",
        /// The roles are there.
        RolesCreated = "restore-roles-created",
        /// The files are at their places.
        FilesRestored = "restore-files-restored",
        /// The tables are filled, and the database is still marked.
        Filled = "restore-filled",
        /// The database is whole, and of an older version, perhaps.
        Unmarked = "restore-unmarked",
    }
}
