//! *Blanks* around a code, id, URL or reference mean nothing. Texts that were copied
//! from web pages, spreadsheets and word processors have other blanks than the space.

/// The text without blanks around it. It decodes no character of a text that has
/// none, as nearly all.
#[inline]
pub(crate) fn trimmed(text: &str) -> &str {
    match text.as_bytes() {
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim_matches(is_blank),
    }
}

/// Whether this is white space, or a character that nobody sees.
pub(crate) fn is_blank(character: char) -> bool {
    character.is_whitespace()
        || matches!(
            character,
            // Soft hyphen, Mongolian vowel separator, zero-width characters and marks of
            // direction, word joiner, byte order mark.
            '\u{ad}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_of_every_kind_are_removed_at_both_ends_only() {
        for blank in [" ", "\t", "\n", "\u{85}", "\u{a0}", "\u{3000}", "\u{200b}", "\u{feff}", "\u{2060}"] {
            assert_eq!(trimmed(&format!("{blank}a{blank}b{blank}{blank}")), format!("a{blank}b"));
        }
        assert_eq!(trimmed("é"), "é");
        assert_eq!(trimmed("\u{200b} "), "");
    }

    proptest::proptest! {
        #[test]
        fn of_white_space_it_is_what_trim_gives(text in "[ \t\u{a0}a-cé.]{0,5}") {
            proptest::prop_assert_eq!(trimmed(&text), text.trim());
        }
    }
}
