//! The types that columns may have, and what they are in Arrow.

use std::sync::Arc;

use arrow_schema::{DataType, Field, TimeUnit};
use fhirmill_core::datatype::SqlType;

/// Digits of a `Decimal128`.
pub const DECIMAL_PRECISION: u8 = 38;
/// Digits of a `Decimal128` after the point. Measured values rarely have more than a
/// double's 17; Spark's own default is the same.
pub const DECIMAL_SCALE: i8 = 18;

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ColumnType {
    /// A resource's key of 16 bytes: `Binary`, since Spark reads no other binary type.
    Key,
    /// `bigint`: `Int64`.
    BigInt,
    /// `bigint[]`: a list of `Int64`.
    BigIntArray,
    /// `boolean`
    Boolean,
    /// `bytea`: `Binary`.
    Bytes,
    /// `date`: `Date32`.
    Date,
    /// `double precision`: `Float64`.
    Double,
    /// `integer`: `Int32`.
    Integer,
    /// `integer[]`: a list of `Int32`.
    IntegerArray,
    /// `json`: its text as `Utf8`.
    Json,
    /// `jsonb`: its text as `Utf8`.
    Jsonb,
    /// `numeric`: `Decimal128`, and the digits as `Utf8` in a column of their own.
    Numeric,
    /// `oid`, which has no sign: `Int64`.
    Oid,
    /// `real`: `Float32`.
    Real,
    /// `smallint`: `Int16`.
    SmallInt,
    /// `smallint[]`: a list of `Int16`.
    SmallIntArray,
    /// `text`, and types that are sent alike: `Utf8`.
    Text,
    /// `text[]`: a list of `Utf8`.
    TextArray,
    /// `time`: `Time64` in microseconds.
    Time,
    /// `timestamp`: microseconds without a time zone.
    Timestamp,
    /// `timestamptz`: microseconds, UTC.
    Timestamptz,
    /// `uuid`: its usual text as `Utf8`.
    Uuid,
}

impl ColumnType {
    /// The type that a declared column has, apart from keys, which are declared as
    /// `bigint`.
    pub fn of_sql(sql_type: SqlType) -> Self {
        match sql_type {
            SqlType::BigInt => ColumnType::BigInt,
            SqlType::Boolean => ColumnType::Boolean,
            SqlType::Bytea => ColumnType::Bytes,
            SqlType::Date => ColumnType::Date,
            SqlType::Integer => ColumnType::Integer,
            SqlType::IntegerArray => ColumnType::IntegerArray,
            SqlType::Jsonb => ColumnType::Jsonb,
            SqlType::Numeric => ColumnType::Numeric,
            SqlType::SmallInt => ColumnType::SmallInt,
            SqlType::Text => ColumnType::Text,
            SqlType::TextArray => ColumnType::TextArray,
            SqlType::Time => ColumnType::Time,
            SqlType::Timestamptz => ColumnType::Timestamptz,
        }
    }

    /// The type of Postgres with that number (`pg_type.oid`), if it is among ours.
    pub fn of_oid(oid: u32) -> Option<Self> {
        Some(match oid {
            16 => ColumnType::Boolean,
            17 => ColumnType::Bytes,
            20 => ColumnType::BigInt,
            21 => ColumnType::SmallInt,
            23 => ColumnType::Integer,
            // text, "char", name, bpchar, varchar
            25 | 18 | 19 | 1042 | 1043 => ColumnType::Text,
            26 => ColumnType::Oid,
            114 => ColumnType::Json,
            700 => ColumnType::Real,
            701 => ColumnType::Double,
            1005 => ColumnType::SmallIntArray,
            1007 => ColumnType::IntegerArray,
            // text[], name[], varchar[]
            1009 | 1003 | 1015 => ColumnType::TextArray,
            1016 => ColumnType::BigIntArray,
            1082 => ColumnType::Date,
            1083 => ColumnType::Time,
            1114 => ColumnType::Timestamp,
            1184 => ColumnType::Timestamptz,
            1700 => ColumnType::Numeric,
            2950 => ColumnType::Uuid,
            3802 => ColumnType::Jsonb,
            _ => return None,
        })
    }

    /// Its type in Arrow.
    pub fn data_type(self) -> DataType {
        let list = |item| DataType::List(Arc::new(Field::new_list_field(item, true)));
        match self {
            ColumnType::BigInt | ColumnType::Oid => DataType::Int64,
            ColumnType::BigIntArray => list(DataType::Int64),
            ColumnType::Boolean => DataType::Boolean,
            ColumnType::Key | ColumnType::Bytes => DataType::Binary,
            ColumnType::Date => DataType::Date32,
            ColumnType::Double => DataType::Float64,
            ColumnType::Integer => DataType::Int32,
            ColumnType::IntegerArray => list(DataType::Int32),
            ColumnType::Json | ColumnType::Jsonb | ColumnType::Text | ColumnType::Uuid => DataType::Utf8,
            ColumnType::Numeric => DataType::Decimal128(DECIMAL_PRECISION, DECIMAL_SCALE),
            ColumnType::Real => DataType::Float32,
            ColumnType::SmallInt => DataType::Int16,
            ColumnType::SmallIntArray => list(DataType::Int16),
            ColumnType::TextArray => list(DataType::Utf8),
            ColumnType::Time => DataType::Time64(TimeUnit::Microsecond),
            ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
            ColumnType::Timestamptz => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        }
    }
}
