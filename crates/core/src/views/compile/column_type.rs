//! The type of a column: from its tag `ansi/type`, or else its `type`, or else what
//! its expression gives.

use super::super::Diagnostic;
use super::super::definition::Column;
use super::super::diagnostic::did_you_mean;
use super::super::program::{ColumnType, Tag};
use super::super::schema;
use super::super::types::{Family, KEY, Type};

/// The column's type, where `of` is that of its expression.
pub(super) fn column_type(column: &Column, of: &Type) -> Result<ColumnType, Box<Diagnostic>> {
    let declared = declared(column, of)?;
    let tagged = match column.tags.iter().find(|tag| tag.name == "ansi/type") {
        Some(tag) => Some(ansi_type(tag)?),
        None => None,
    };
    if of.family() == Family::Key {
        return Ok(ColumnType::Key);
    }
    if let Some(tagged) = tagged {
        return Ok(tagged);
    }
    Ok(match declared.or(single_name(of)) {
        Some("boolean") => ColumnType::Boolean,
        Some("integer" | "positiveInt" | "unsignedInt") => ColumnType::Integer,
        Some("integer64") => ColumnType::BigInteger,
        Some("decimal") => ColumnType::Decimal,
        Some("instant") => ColumnType::Timestamp,
        Some(name) if Family::of(name) == Family::Complex => ColumnType::Json,
        Some(_) => ColumnType::Text,
        None if of.family() == Family::Number => ColumnType::Decimal,
        None if of.names.iter().any(|name| Family::of(name) == Family::Complex) => ColumnType::Json,
        None => ColumnType::Text,
    })
}

fn single_name(of: &Type) -> Option<&'static str> {
    match of.names.as_slice() {
        [one] => Some(one),
        _ => None,
    }
}

/// The declared type, which must fit the expression.
fn declared(column: &Column, of: &Type) -> Result<Option<&'static str>, Box<Diagnostic>> {
    let Some(text) = &column.declared else { return Ok(None) };
    let written = text.value.rsplit('/').next().unwrap_or(&text.value);
    let name = match written {
        "integer64" => "integer64",
        "String" | "Boolean" | "Integer" | "Decimal" | "Date" | "DateTime" | "Time" => {
            return Ok(match written {
                "String" => Some("string"),
                "Boolean" => Some("boolean"),
                "Integer" => Some("integer"),
                "Decimal" => Some("decimal"),
                "Date" => Some("date"),
                "DateTime" => Some("dateTime"),
                _ => Some("time"),
            });
        }
        _ => schema::named(written).ok_or_else(|| {
            let help = did_you_mean(written, schema::type_names());
            Box::new(text.error(format!("R4 has no type `{written}`")).with_help(help))
        })?,
    };
    let is_whole = |name: &str| Family::of(name) == Family::Number && name != "decimal";
    let fits = match (of.family(), Family::of(name)) {
        (Family::Unknown, _) | (_, Family::Text) => true,
        (Family::Key, _) => matches!(Family::of(name), Family::Number),
        (Family::Number, Family::Number) => !is_whole(name) || of.names.iter().any(|of| is_whole(of)),
        (found, declared) => found == declared,
    };
    if fits {
        return Ok(Some(name));
    }
    let shown = if of.names == [KEY] { "a key".to_owned() } else { of.text() };
    Err(Box::new(text.error(format!("the column is declared as {name}, but its path gives {shown}"))))
}

fn ansi_type(tag: &Tag) -> Result<ColumnType, Box<Diagnostic>> {
    let bare = tag.value.split('(').next().unwrap_or_default().trim().to_ascii_uppercase();
    let words: Vec<&str> = bare.split_whitespace().collect();
    Ok(match words.join(" ").as_str() {
        "BOOLEAN" | "BOOL" => ColumnType::Boolean,
        "INTEGER" | "INT" | "SMALLINT" => ColumnType::Integer,
        "BIGINT" => ColumnType::BigInteger,
        "DECIMAL" | "DEC" | "NUMERIC" | "REAL" | "FLOAT" | "DOUBLE PRECISION" | "DECFLOAT" => {
            ColumnType::Decimal
        }
        "CHARACTER VARYING"
        | "CHAR VARYING"
        | "VARCHAR"
        | "CHARACTER"
        | "CHAR"
        | "TEXT"
        | "STRING"
        | "CHARACTER LARGE OBJECT"
        | "CLOB"
        | "NATIONAL CHARACTER VARYING"
        | "NVARCHAR" => ColumnType::Text,
        "DATE" => ColumnType::Date,
        "TIMESTAMP" | "TIMESTAMP WITH TIME ZONE" | "TIMESTAMP WITHOUT TIME ZONE" | "TIMESTAMPTZ" => {
            ColumnType::Timestamp
        }
        "TIME" | "TIME WITHOUT TIME ZONE" => ColumnType::Time,
        "BINARY" | "BINARY VARYING" | "VARBINARY" | "BINARY LARGE OBJECT" | "BLOB" => ColumnType::Bytes,
        "JSON" | "JSONB" => ColumnType::Json,
        _ => {
            let message = format!("`{}` is no SQL type that columns may have", tag.value);
            let help =
                "use for example INTEGER, DECIMAL, CHARACTER VARYING, DATE or TIMESTAMP WITH TIME ZONE";
            let diagnostic = Diagnostic::error(message, tag.path.clone(), tag.span.clone());
            return Err(Box::new(diagnostic.with_help(Some(help.to_owned()))));
        }
    })
}
