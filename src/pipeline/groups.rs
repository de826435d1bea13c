//! Files in *groups* that are claimed together.

use crate::inbox::InboxFile;

/// The most files of a group.
const GROUP_FILES: usize = 500;
/// The most bytes of a group of several files.
const GROUP_BYTES: u64 = 64 << 20;

/// The files in groups, in their order. A group has only files that others refer
/// to by identifier, or only such that do the referring.
pub(super) fn groups(files: &[InboxFile]) -> Vec<&[InboxFile]> {
    let (mut groups, mut rest) = (Vec::new(), files);
    while !rest.is_empty() {
        let (group, later) = rest.split_at(group_len(rest));
        groups.push(group);
        rest = later;
    }
    groups
}

/// How many of the files are in the first group; at least one.
fn group_len(files: &[InboxFile]) -> usize {
    let mut bytes = 0;
    let is_referred_to = files.first().is_some_and(InboxFile::is_referred_to);
    let fits = |file: &&InboxFile| {
        bytes += file.size;
        bytes <= GROUP_BYTES && file.is_referred_to() == is_referred_to
    };
    files.iter().take(GROUP_FILES).take_while(fits).count().max(1)
}
