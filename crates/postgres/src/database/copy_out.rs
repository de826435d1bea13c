//! `COPY … TO STDOUT` in binary format, of a table or a query that is known at run time
//! only. diesel's COPY asks a *type* for what it copies; [`Anything`] is one such type, and
//! answers with what the call under way copies.

use std::cell::RefCell;
use std::io::BufRead;

use diesel::QueryResult;
use diesel::connection::SimpleConnection;
use diesel::pg::{CopyFormat, CopyTarget, Pg, PgConnection};
use diesel::query_builder::AstPass;
use diesel::result::Error;

/// Why a stream of rows ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum CopyOutError<Refusal: std::error::Error + 'static> {
    /// The server refused or broke it off.
    #[error(transparent)]
    Query(#[from] Error),
    /// Whoever takes the rows cannot go on.
    #[error(transparent)]
    Taken(Refusal),
}

/// Which rows are copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyRows {
    /// All of a table.
    OfTable,
    /// All of a view.
    OfView,
    /// Those of a table that are in the pages from the first on and before the second; without
    /// the second, to the end.
    Pages(i64, Option<i64>),
}

/// What is copied: a table with its columns, or a query in parentheses.
#[derive(Clone, Debug)]
pub struct CopySource(String);

impl CopySource {
    /// These columns of a table or view.
    pub fn new<'c>(
        (schema, name): (&str, &str),
        columns: impl IntoIterator<Item = &'c str>,
        rows: CopyRows,
    ) -> Self {
        let columns: Vec<String> = columns.into_iter().map(quoted).collect();
        let (columns, relation) = (columns.join(", "), format!("{}.{}", quoted(schema), quoted(name)));
        CopySource(match rows {
            CopyRows::OfTable => format!("{relation} ({columns})"),
            CopyRows::OfView => format!("(select {columns} from {relation})"),
            CopyRows::Pages(from, Some(to)) => format!(
                "(select {columns} from only {relation} where ctid >= '({from},0)' and ctid < '({to},0)')"
            ),
            CopyRows::Pages(from, None) => {
                format!("(select {columns} from only {relation} where ctid >= '({from},0)')")
            }
        })
    }

    /// Gives the rows to `take`, as one stream with header and trailer, in pieces of any
    /// size.
    ///
    /// # Errors
    /// The server's, or the first of `take`. The connection is then in an unknown state. The
    /// connection must be in a transaction.
    pub fn copy<Refusal: std::error::Error + 'static>(
        &self,
        connection: &mut PgConnection,
        take: &mut dyn FnMut(&[u8]) -> Result<(), Refusal>,
    ) -> Result<(), CopyOutError<Refusal>> {
        CURRENT.set(Some(self.0.clone()));
        let stream = diesel::copy_to(Anything).with_format(CopyFormat::Binary).load_raw(connection);
        CURRENT.take();
        let mut stream = stream?;
        loop {
            let failed = |error: std::io::Error| Error::DeserializationError(Box::new(error));
            let piece = stream.fill_buf().map_err(failed)?;
            if piece.is_empty() {
                break;
            }
            let length = piece.len();
            take(piece).map_err(CopyOutError::Taken)?;
            stream.consume(length);
        }
        drop(stream);
        // diesel leaves the outcome of the COPY where it is. libpq drops it before this query,
        // which fails if the server has broken off the COPY: then the transaction is aborted.
        Ok(connection.batch_execute("select 1")?)
    }
}

/// A name as SQL has it.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

mod any {
    diesel::table! {
        /// Stands for everything: diesel only uses its type.
        any (id) { id -> BigInt, }
    }
    pub use any::table;
}

thread_local! {
    /// `CopyTarget::walk_target` has no `self`, so what is copied waits here for it.
    static CURRENT: RefCell<Option<String>> = const { RefCell::new(None) };
}

#[derive(Clone, Copy, Debug)]
struct Anything;

impl CopyTarget for Anything {
    type Table = any::table;
    type SqlType = diesel::sql_types::BigInt;

    fn walk_target(mut pass: AstPass<'_, '_, Pg>) -> QueryResult<()> {
        CURRENT.with_borrow(|current| {
            let source = current.as_ref().ok_or(Error::QueryBuilderError("nothing to copy".into()))?;
            pass.push_sql(source);
            Ok(())
        })
    }
}
