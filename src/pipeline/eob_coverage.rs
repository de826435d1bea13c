//! `EOB_COVERAGE=drop`: ExplanationOfBenefits are stored without the payer's
//! Coverage, contained or referenced, for operators who may not keep it.

use fhirmill_core::json::{JsonType, Parser, Value};

/// The ExplanationOfBenefit without contained Coverages and without
/// `insurance.coverage`; `None` for any other resource.
pub(crate) fn without(bytes: &[u8]) -> Option<Vec<u8>> {
    memchr::memmem::find(bytes, b"\"ExplanationOfBenefit\"")?;
    let mut parser = Parser::default();
    let tree = parser.parse(bytes).ok()?;
    let root = tree.root();
    if root.get("resourceType")?.as_text()? != "ExplanationOfBenefit" {
        return None;
    }
    let mut out = String::with_capacity(bytes.len());
    write_object(&mut out, root, |name, value| match name {
        "contained" => Some(written_items(value, |item| {
            let is_coverage =
                item.get("resourceType").and_then(Value::as_text).is_some_and(|name| name == "Coverage");
            (!is_coverage).then(|| item.raw().to_owned())
        })),
        "insurance" => Some(written_items(value, |item| {
            let mut insurance = String::new();
            write_object(&mut insurance, item, |name, _| (name == "coverage").then(String::new));
            Some(insurance)
        })),
        _ => None,
    });
    Some(out.into_bytes())
}

/// Writes the object. `change` may give a member another value; a member with an
/// empty one is left out.
fn write_object(out: &mut String, object: Value<'_>, change: impl Fn(&str, Value<'_>) -> Option<String>) {
    if object.json_type() != JsonType::Object {
        out.push_str(object.raw());
        return;
    }
    let mut separator = '{';
    for member in object.members() {
        let (name, value) = (member.text(), member.value());
        let written = change(name, value).unwrap_or_else(|| value.raw().to_owned());
        if written.is_empty() {
            continue;
        }
        out.push(separator);
        separator = ',';
        out.push('"');
        out.push_str(name);
        out.push_str("\":");
        out.push_str(&written);
    }
    if separator == '{' {
        out.push('{');
    }
    out.push('}');
}

/// The array of what `keep` makes of the items; empty text if no item is left.
fn written_items(list: Value<'_>, keep: impl Fn(Value<'_>) -> Option<String>) -> String {
    let items: Vec<String> = list.items().filter_map(keep).collect();
    if items.is_empty() { String::new() } else { format!("[{}]", items.join(",")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn coverages_are_removed_and_everything_else_stays() {
        let eob = br##"{"resourceType":"ExplanationOfBenefit","contained":[{"resourceType":"Coverage","id":"c"},{"resourceType":"ServiceRequest"}],"insurance":[{"focal":true,"coverage":{"reference":"#c"}}],"total":[{"amount":{"value":1.10}}]}"##;
        let expected = r##"{"resourceType":"ExplanationOfBenefit","contained":[{"resourceType":"ServiceRequest"}],"insurance":[{"focal":true}],"total":[{"amount":{"value":1.10}}]}"##;
        assert_eq!(String::from_utf8(without(eob).expect("an EOB")).expect("UTF-8"), expected);
        assert_eq!(without(br#"{"resourceType":"Claim"}"#), None);
    }
}
