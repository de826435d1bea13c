//! What happens to bad input, case by case, as documented in
//! docs/OPERATIONS.md. Bad input never affects the input next to it.

mod bundles;
mod files;
mod limits;
mod lines;
mod retries;
mod shapes;
mod values;
mod zip_directory;

const GOOD: &str = r#"{"resourceType":"Patient","id":"good"}"#;

/// A resource of that type with the ID `x` and these members.
fn resource(resource_type: &str, members: &str) -> String {
    format!(r#"{{"resourceType":"{resource_type}","id":"x",{members}}}"#)
}

/// Text that does not compress, so that an index row has its full length.
fn long_text(bytes: usize) -> String {
    let mut state = 88_172_645_463_325_252_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'a' + (state % 26) as u8)
    };
    (0..bytes).map(|_| next()).collect()
}
