//! Constants: `{"name": "official", "valueCode": "official"}`.

use std::ops::Range;

use super::super::Diagnostic;
use super::super::diagnostic::did_you_mean;
use super::super::fhirpath::Literal;
use super::Text;
use crate::datatype::{Timezone, moment};
use crate::json::{JsonType, Value};

/// A constant.
#[derive(Clone, Debug)]
pub(in super::super) struct Constant {
    pub name: Text,
    /// The R4 type of its value.
    pub type_name: &'static str,
    pub value: Literal,
    pub path: String,
    pub span: Range<usize>,
}

/// The members that hold a value, with its type.
pub(super) const VALUES: [(&str, &str); 19] = [
    ("valueBase64Binary", "base64Binary"),
    ("valueBoolean", "boolean"),
    ("valueCanonical", "canonical"),
    ("valueCode", "code"),
    ("valueDate", "date"),
    ("valueDateTime", "dateTime"),
    ("valueDecimal", "decimal"),
    ("valueId", "id"),
    ("valueInstant", "instant"),
    ("valueInteger", "integer"),
    ("valueInteger64", "integer64"),
    ("valueOid", "oid"),
    ("valueString", "string"),
    ("valuePositiveInt", "positiveInt"),
    ("valueTime", "time"),
    ("valueUnsignedInt", "unsignedInt"),
    ("valueUri", "uri"),
    ("valueUrl", "url"),
    ("valueUuid", "uuid"),
];

/// The type and value of a constant, from its members.
pub(super) fn value(object: Value<'_>, path: &str) -> Result<(&'static str, Literal), Diagnostic> {
    let known = |name: &str| VALUES.iter().find(|(member, _)| *member == name);
    let mut found = object.members().filter(|member| known(member.text()).is_some());
    let wrong = |message: &str, at: Value<'_>| Diagnostic::error(message, path.to_owned(), at.span());
    let Some(member) = found.next() else {
        let names = || VALUES.iter().map(|(member, _)| *member);
        let close = object.members().find_map(|member| did_you_mean(member.text(), names()));
        let help = close.unwrap_or_else(|| "add for example `\"valueString\": \"…\"`".to_owned());
        return Err(wrong("the constant has no value", object).with_help(Some(help)));
    };
    if let Some(second) = found.next() {
        return Err(wrong("the constant has two values", second.value()));
    }
    let (name, type_name) = *known(member.text()).unwrap_or(&VALUES[0]);
    let value = member.value();
    let path = format!("{path}.{name}");
    let literal = literal(value, type_name).ok_or_else(|| {
        Diagnostic::error(format!("this is not a value of type {type_name}"), path, value.span())
    })?;
    Ok((type_name, literal))
}

fn literal(value: Value<'_>, type_name: &str) -> Option<Literal> {
    match (type_name, value.json_type()) {
        ("boolean", _) => value.as_boolean().map(Literal::Boolean),
        ("decimal", JsonType::Number) => Some(Literal::Number(value.raw().to_owned())),
        ("integer" | "integer64" | "positiveInt" | "unsignedInt", JsonType::Number) => {
            let number: i64 = value.raw().parse().ok()?;
            let least = match type_name {
                "positiveInt" => 1,
                "unsignedInt" => 0,
                "integer" => i64::from(i32::MIN),
                _ => i64::MIN,
            };
            let is_long = type_name != "integer64" && number > i64::from(i32::MAX);
            (number >= least && !is_long).then(|| Literal::Number(number.to_string()))
        }
        (_, JsonType::String) => {
            let text = value.as_text()?.into_owned();
            Some(match type_name {
                "date" => moment::date(&text).map(|_| Literal::Date(text))?,
                "dateTime" | "instant" => {
                    moment::date_time(&text, Timezone::default()).map(|_| Literal::DateTime(text))?
                }
                "time" => moment::time(&text).map(|_| Literal::Time(text))?,
                "decimal" | "integer" | "positiveInt" | "unsignedInt" => return None,
                "integer64" => Literal::Number(text.parse::<i64>().ok()?.to_string()),
                _ => Literal::Text(text),
            })
        }
        _ => None,
    }
}
