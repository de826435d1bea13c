//! Blanks around texts, which mean nothing in codes, ids, URLs and references.

/// The text without white space around it. Unlike [`str::trim`] it decodes no
/// character of a text that has none, as nearly all.
#[inline]
pub(crate) fn trimmed(text: &str) -> &str {
    match text.as_bytes() {
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn it_is_what_trim_gives(text in "[ \t\u{a0}a-cé.]{0,5}") {
            proptest::prop_assert_eq!(trimmed(&text), text.trim());
        }
    }
}
