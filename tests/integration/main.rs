//! Tests of the whole road, in one binary.

mod oracle;
