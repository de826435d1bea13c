//! Validation with the *JSON schemas* in docs/schemas: the keywords that they use. A
//! schema with any other keyword fails, so that nothing is passed over.

use chrono::DateTime;
use serde_json::Value;

/// Where a document does not follow the schema, and how.
pub fn violations(schema: &Value, document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, document, "", &mut found);
    found
}

fn check(schema: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
    let mut complain = |what: String| found.push(format!("{path}: {what}"));
    let keywords = schema.as_object().unwrap_or_else(|| panic!("{path}: {schema} is no schema"));
    for (keyword, expected) in keywords {
        match keyword.as_str() {
            "$schema" | "title" | "description" | "properties" | "items" | "additionalProperties" => {}
            "type" => {
                let types = expected.as_array().map_or(std::slice::from_ref(expected), Vec::as_slice);
                if !types.iter().any(|name| is_of_type(value, name.as_str().unwrap())) {
                    complain(format!("{value} is not of type {expected}"));
                }
            }
            "enum" if !expected.as_array().unwrap().contains(value) => {
                complain(format!("{value} is none of {expected}"))
            }
            "minimum" if value.as_f64().is_some_and(|number| number < expected.as_f64().unwrap()) => {
                complain(format!("{value} is less than {expected}"));
            }
            "format" => {
                assert_eq!(expected, "date-time", "{path}: the only format");
                if value.as_str().is_some_and(|text| DateTime::parse_from_rfc3339(text).is_err()) {
                    complain(format!("{value} is no time"));
                }
            }
            "required" => {
                for name in expected.as_array().unwrap().iter().filter_map(Value::as_str) {
                    if value.is_object() && value.get(name).is_none() {
                        complain(format!("{name} is missing"));
                    }
                }
            }
            "enum" | "minimum" => {}
            other => panic!("{path}: {other} is a keyword that this does not know"),
        }
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        check(&schema["items"], item, &format!("{path}/{index}"), found);
    }
    for (name, member) in value.as_object().into_iter().flatten() {
        let path = format!("{path}/{name}");
        match (&schema["properties"][name], &schema["additionalProperties"]) {
            (Value::Null, Value::Null | Value::Bool(true)) => {}
            (Value::Null, Value::Bool(false)) => found.push(format!("{path}: is not in the schema")),
            (Value::Null, of_others) => check(of_others, member, &path, found),
            (of_member, _) => check(of_member, member, &path, found),
        }
    }
}

fn is_of_type(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is no type"),
    }
}

#[test]
fn documents_that_do_not_follow_the_schema_are_found() {
    let schema = serde_json::json!({"type": "object", "required": ["a", "b"], "additionalProperties": false, "properties": {
        "a": {"type": ["integer", "null"], "minimum": 0},
        "b": {"type": "array", "items": {"type": "string", "format": "date-time"}},
        "c": {"type": "object", "additionalProperties": {"enum": ["x"]}},
    }});
    let valid = serde_json::json!({"a": null, "b": ["2026-01-02T03:04:05Z"], "c": {"any": "x"}});
    assert_eq!(violations(&schema, &valid), [""; 0]);
    let wrong = serde_json::json!({"a": -1, "b": ["soon", 1], "c": {"any": "y"}, "d": 1});
    assert_eq!(violations(&schema, &wrong).len(), 5, "{:?}", violations(&schema, &wrong));
    assert_eq!(violations(&schema, &serde_json::json!({})).len(), 2);
    assert_eq!(violations(&schema, &serde_json::json!("text")).len(), 1);
}
