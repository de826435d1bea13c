//! The functions that the views call. They are in schema `etl`, which readers of the copy
//! cannot use, so that nobody calls them by name; they get all they need as arguments, and
//! know no secret. Their bodies are `return …`, which is parsed when they are created:
//! whoever reads a view cannot have them mean something else by a search path.

use fhirmill_core::fhir::ResourceType;

use super::lists::{CODE_SYSTEM_PREFIXES, CODE_SYSTEMS, STATES, UNITED_STATES, UNITS};

/// A function: its name with the types of its arguments, what follows these, and what it is.
pub(super) struct Function {
    /// The name, without a schema, and the arguments.
    pub signature: &'static str,
    /// From `returns` on.
    pub body: String,
    /// What it is, for people.
    pub comment: &'static str,
}

/// HMAC-SHA256 of a message, with the keys that are the second and third argument.
const HMAC: &str = "sha256($3 || sha256($2 || message))";

/// All functions of the copy. `code_systems` are shown besides the published ones.
pub(super) fn functions(code_systems: &[String]) -> Vec<Function> {
    let hmac = |message: &str| HMAC.replace("message", message);
    // 63 bits, so that keys are no less readable than those that they stand for.
    let key = |message: &str| {
        format!(
            "(('x' || encode(substr({}, 1, 8), 'hex'))::bit(64)::bigint & 9223372036854775807)",
            hmac(message)
        )
    };
    let days = format!(
        "(-1 - ('x' || encode(substr({}, 1, 4), 'hex'))::bit(32)::bigint % 365)::integer",
        hmac("'\\x64617973'::bytea || int8send($1)")
    );
    let types: Vec<&str> = ResourceType::all().map(ResourceType::name).collect();
    let function = |signature, body: String, comment| Function { signature, body, comment };
    let returning = |sql_type: &str, expression: &str| {
        format!("returns {sql_type} language sql immutable parallel safe return {expression}")
    };
    vec![
        function(
            "deidentified_key(bigint, bytea, bytea)",
            returning("bigint", &key("int8send($1)")),
            "HMAC of the key of a resource",
        ),
        function(
            "deidentified_source(bigint, bytea, bytea)",
            returning("bigint", &key("'\\x736f75726365'::bytea || int8send($1)")),
            "HMAC of the key of a source",
        ),
        function(
            "deidentified_days(bigint, bytea, bytea)",
            returning("integer", &days),
            "by how many days the dates of a patient are moved: -1 to -365",
        ),
        function(
            "is_published_code_system(text)",
            returning("boolean", &published(code_systems)),
            "whether codes of a system may be shown: it is published, or the operator has allowed it",
        ),
        function("deidentified_units()", returning("text[]", &array(UNITS)), "units that are shown"),
        function("deidentified_types()", returning("text[]", &array(&types)), "the resource types of FHIR"),
        function("deidentified_states()", returning("text[]", &array(STATES)), "states of the United States"),
        function(
            "deidentified_united_states()",
            returning("text[]", &array(UNITED_STATES)),
            "how the United States are written in addresses",
        ),
    ]
}

/// Whether the first argument is the URI of a code system that may be shown.
fn published(code_systems: &[String]) -> String {
    let known: Vec<&str> =
        CODE_SYSTEMS.iter().copied().chain(code_systems.iter().map(String::as_str)).collect();
    let prefixes: Vec<String> = CODE_SYSTEM_PREFIXES.iter().map(|prefix| format!("{prefix}%")).collect();
    let prefixes: Vec<&str> = prefixes.iter().map(String::as_str).collect();
    // One large regular expression would take a hundred times as long.
    format!(
        "($1 = any({}) or $1 like any ({}) and octet_length($1) <= 120 and $1 !~ '[^A-Za-z0-9:/._-]')",
        array(&known),
        array(&prefixes)
    )
}

/// A list as a constant of SQL.
pub(super) fn array(items: &[&str]) -> String {
    let items: Vec<String> =
        items.iter().map(|item| format!("\"{}\"", item.replace('\\', "\\\\").replace('"', "\\\""))).collect();
    format!("{}::text[]", literal(&format!("{{{}}}", items.join(","))))
}

/// A text as a constant of SQL.
pub(super) fn literal(text: &str) -> String {
    if text.contains('\\') {
        return format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"));
    }
    format!("'{}'", text.replace('\'', "''"))
}
