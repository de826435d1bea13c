//! `COPY … FROM STDIN` in binary format, into a table that is known by name
//! only. diesel's COPY asks a *type* for its table; [`RuntimeTable`] is one such
//! type for all tables, and answers with the table of the call under way.

use std::cell::RefCell;
use std::io::Write;

use diesel::pg::{CopyFormat, CopyTarget, Pg, PgConnection};
use diesel::query_builder::AstPass;
use diesel::result::Error;
use diesel::{ExecuteCopyFromDsl, QueryResult};

/// A table with the columns that a COPY stream has, in the stream's order.
#[derive(Clone, Debug)]
pub struct CopyTable {
    name: String,
    columns: Vec<String>,
}

impl CopyTable {
    /// The table of that name. A schema is separated from it by a dot.
    pub fn new<'c>(name: &str, columns: impl IntoIterator<Item = &'c str>) -> Self {
        CopyTable { name: name.to_owned(), columns: columns.into_iter().map(str::to_owned).collect() }
    }

    /// The name, with its schema if it was given one.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Copies rows into the table and returns how many the server stored.
    /// `write` writes the whole stream, header and trailer included.
    pub fn copy_in(
        &self,
        connection: &mut PgConnection,
        write: &dyn Fn(&mut dyn Write) -> Result<(), Error>,
    ) -> QueryResult<usize> {
        let _guard = CurrentTable::set(self);
        diesel::copy_from(any::table)
            .from_raw_data(RuntimeTable, |out: &mut dyn Write| write(out))
            .with_format(CopyFormat::Binary)
            .execute(connection)
    }
}

mod any {
    diesel::table! {
        /// Stands for every table: diesel only uses its type.
        any (id) { id -> BigInt, }
    }
    pub use any::table;
}

thread_local! {
    /// `CopyTarget::walk_target` has no `self`, so the table waits here for it.
    static CURRENT: RefCell<Option<CopyTable>> = const { RefCell::new(None) };
}

/// Sets the current table until it is dropped.
struct CurrentTable;

impl CurrentTable {
    fn set(table: &CopyTable) -> Self {
        CURRENT.set(Some(table.clone()));
        CurrentTable
    }
}

impl Drop for CurrentTable {
    fn drop(&mut self) {
        CURRENT.take();
    }
}

#[derive(Clone, Copy, Debug)]
struct RuntimeTable;

impl CopyTarget for RuntimeTable {
    type Table = any::table;
    type SqlType = diesel::sql_types::BigInt;

    fn walk_target(mut pass: AstPass<'_, '_, Pg>) -> QueryResult<()> {
        CURRENT.with_borrow(|current| {
            let table = current.as_ref().ok_or(Error::QueryBuilderError("no table to copy into".into()))?;
            for (number, part) in table.name.split('.').enumerate() {
                if number > 0 {
                    pass.push_sql(".");
                }
                pass.push_identifier(part)?;
            }
            pass.push_sql(" (");
            for (number, column) in table.columns.iter().enumerate() {
                if number > 0 {
                    pass.push_sql(", ");
                }
                pass.push_identifier(column)?;
            }
            pass.push_sql(")");
            Ok(())
        })
    }
}
