//! The type of an expression: which R4 types its items may have.

/// The type of keys, which FHIR has no name for.
pub(super) const KEY: &str = "key";

/// What kind of values a type has, as far as operators care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Boolean,
    Number,
    Text,
    /// date, dateTime, instant.
    Moment,
    Time,
    Key,
    /// Objects.
    Complex,
    /// It cannot be known, or there is never a value.
    Unknown,
}

impl Family {
    pub fn of(type_name: &str) -> Family {
        match type_name {
            "boolean" => Family::Boolean,
            "decimal" | "integer" | "integer64" | "positiveInt" | "unsignedInt" => Family::Number,
            "date" | "dateTime" | "instant" => Family::Moment,
            "time" => Family::Time,
            KEY => Family::Key,
            name if super::schema::is_primitive(name) => Family::Text,
            _ => Family::Complex,
        }
    }

    /// For messages.
    pub fn name(self) -> &'static str {
        match self {
            Family::Boolean => "boolean",
            Family::Number => "number",
            Family::Text => "string",
            Family::Moment => "date",
            Family::Time => "time",
            Family::Key => "key",
            Family::Complex => "object",
            Family::Unknown => "unknown",
        }
    }
}

/// The type of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Type {
    /// The types that its items may have; empty if that is unknown.
    pub names: Vec<&'static str>,
    /// It may have several items.
    pub is_many: bool,
}

impl Type {
    pub fn one(name: &'static str) -> Type {
        Type { names: vec![name], is_many: false }
    }

    /// Of something that never has a value, or of which nothing is known.
    pub fn unknown() -> Type {
        Type { names: Vec::new(), is_many: false }
    }

    pub fn with_many(self, is_many: bool) -> Type {
        Type { is_many, ..self }
    }

    /// The family, if all types have the same one.
    pub fn family(&self) -> Family {
        let mut families = self.names.iter().map(|name| Family::of(name));
        match families.next() {
            Some(first) if families.all(|family| family == first) => first,
            _ => Family::Unknown,
        }
    }

    /// For messages.
    pub fn text(&self) -> String {
        match self.names.as_slice() {
            [] => "nothing".to_owned(),
            [one] => (*one).to_owned(),
            [first, second] => format!("{first} or {second}"),
            [first, second, rest @ ..] => format!("{first}, {second} or {} other types", rest.len()),
        }
    }
}
