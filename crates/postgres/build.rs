//! The migrations are embedded at compile time, and cargo does not see a new
//! folder among them by itself.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
