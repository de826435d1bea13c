//! A *name* is the name of an object's member, replaced by a number while the
//! text is parsed, so that looking up a member compares numbers instead of
//! characters.

/// The number of a member's name in a [`Dictionary`](super::Dictionary), or a
/// mark for a name that has none.
///
/// The associated constants are the names that this crate's own code asks
/// for; they have the same number in every dictionary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameId(pub(super) u16);

impl NameId {
    /// Marks a node that is not a member's name.
    pub(crate) const NONE: NameId = NameId(0);
    /// A name that the dictionary does not hold. Such names compare equal to
    /// each other: compare their text instead.
    pub const UNKNOWN: NameId = NameId(1);

    /// The number itself, for lists that are indexed by name.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// The first number that a dictionary gives.
pub(super) const FIRST: u16 = 2;

macro_rules! well_known {
    ($($constant:ident = $text:literal,)*) => {
        /// The names that this crate's own code asks for; every dictionary
        /// begins with them.
        pub(super) const WELL_KNOWN: &[&str] = &[$($text),*];

        #[expect(non_camel_case_types, clippy::upper_case_acronyms, reason = "numbers the constants below")]
        #[repr(u16)]
        enum Number { $($constant),* }

        impl NameId {
            $(#[doc = concat!("`", $text, "`")] pub const $constant: NameId = NameId(FIRST + Number::$constant as u16);)*
        }
    };
}

well_known! {
    ANSWER = "answer",
    ASSIGNER = "assigner",
    AUTHOR_REFERENCE = "authorReference",
    AUTHOR_STRING = "authorString",
    CODE = "code",
    CODING = "coding",
    COMPARATOR = "comparator",
    CONTAINED = "contained",
    CONTENT_TYPE = "contentType",
    CURRENCY = "currency",
    DATA = "data",
    DELETED = "deleted",
    DENOMINATOR = "denominator",
    DISPLAY = "display",
    END = "end",
    EXTENSION = "extension",
    HIGH = "high",
    ID = "id",
    IDENTIFIER = "identifier",
    ITEM = "item",
    ITEM_SEQUENCE = "itemSequence",
    LANGUAGE = "language",
    LAST_UPDATED = "lastUpdated",
    LOW = "low",
    META = "meta",
    MODIFIER_EXTENSION = "modifierExtension",
    NUMERATOR = "numerator",
    PERIOD = "period",
    PROFILE = "profile",
    RANK = "rank",
    REFERENCE = "reference",
    RESOURCE_TYPE = "resourceType",
    SECURITY = "security",
    SEQUENCE = "sequence",
    SOURCE = "source",
    START = "start",
    SYSTEM = "system",
    TAG = "tag",
    TEXT = "text",
    TIME = "time",
    TITLE = "title",
    TYPE = "type",
    UNIT = "unit",
    URL = "url",
    USE = "use",
    USER_SELECTED = "userSelected",
    VALUE = "value",
    VALUE_STRING = "valueString",
    VERSION = "version",
    VERSION_ID = "versionId",
}
