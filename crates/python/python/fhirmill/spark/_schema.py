"""Schemas of all tables, as Arrow and as Spark have them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import types as t

from .. import _native

#: The number of the record that a row of a staged table is of.
RECORD = "etl_record"


@dataclass(frozen=True)
class Shape:
    """What a table is."""

    name: str
    #: ``resource``, ``child``, ``generic`` or ``other``.
    kind: str
    #: The resource type whose rows it holds; empty if it holds rows of several.
    resource: str
    #: The column with the key of the resource that a row is of.
    owner: str
    #: The column with the key of the patient.
    patient: str | None
    #: The primary key.
    key: tuple[str, ...]


@cache
def shapes() -> dict[str, Shape]:
    """The shapes of all tables but those of history, in order."""
    found = (Shape(*rest[:5], tuple(rest[5])) for rest in _native.shapes())
    return {shape.name: shape for shape in found if shape.kind != "history"}


@cache
def arrow_schemas() -> dict[str, pa.Schema]:
    """The schemas of all tables, in types that every Spark reads."""
    return {schema.name: for_spark(pa.schema(schema)) for schema in _native.schemas()}


def for_spark(schema: pa.Schema) -> pa.Schema:
    """Spark before 4.1 has no times of day: they are texts. Items of lists have the name that
    Spark gives them. The rest stays as it is."""
    return pa.schema([field.with_type(_type_for_spark(field.type)) for field in schema])


def _type_for_spark(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_time(kind):
        return pa.string()
    if pa.types.is_fixed_size_binary(kind):
        return pa.binary()
    if pa.types.is_list(kind):
        return pa.list_(pa.field("element", _type_for_spark(kind.value_type)))
    if pa.types.is_uint64(kind):
        return pa.int64()
    return kind


def to_arrow(reader: pa.RecordBatchReader) -> pa.RecordBatchReader:
    """The batches in types that every Spark reads."""
    schema = for_spark(reader.schema)
    batches = (_for_spark(batch, schema) for batch in reader)
    return pa.RecordBatchReader.from_batches(schema, batches)


def _for_spark(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    columns = []
    for column, field in zip(batch.columns, schema):
        if pa.types.is_time(column.type):
            # As Postgres writes them: without zeros at the end of a second's fraction.
            text = pc.replace_substring_regex(column.cast(pa.string()), r"(\.\d*?)0+$", r"\1")
            column = pc.replace_substring_regex(text, r"\.$", "")
        columns.append(column.cast(field.type))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def spark_schema(schema: pa.Schema) -> t.StructType:
    """The schema for Spark, with comments."""
    return t.StructType([_field(field) for field in schema])


def _field(field: pa.Field) -> t.StructField:
    comment = (field.metadata or {}).get(b"comment", b"").decode()
    metadata = {"comment": comment} if comment else None
    return t.StructField(field.name, _spark_type(field.type), True, metadata)


_TYPES: list[tuple[Any, t.DataType]] = [
    (pa.types.is_boolean, t.BooleanType()),
    (pa.types.is_int16, t.ShortType()),
    (pa.types.is_int32, t.IntegerType()),
    (pa.types.is_int64, t.LongType()),
    (pa.types.is_float64, t.DoubleType()),
    (pa.types.is_date32, t.DateType()),
    (pa.types.is_timestamp, t.TimestampType()),
    (pa.types.is_string, t.StringType()),
    (pa.types.is_binary, t.BinaryType()),
]


def _spark_type(kind: pa.DataType) -> t.DataType:
    if pa.types.is_decimal(kind):
        return t.DecimalType(kind.precision, kind.scale)
    if pa.types.is_list(kind):
        return t.ArrayType(_spark_type(kind.value_type), True)
    for is_of, found in _TYPES:
        if is_of(kind):
            return found
    raise TypeError(f"Spark has no type for {kind}")


def table_schema(name: str) -> t.StructType:
    """The schema of a clinical table for Spark."""
    return spark_schema(arrow_schemas()[name])


def staged_schema(name: str) -> t.StructType:
    """The schema of the staged rows of a table."""
    if name in STAGED:
        return spark_schema(STAGED[name])
    return table_schema(name).add(RECORD, t.LongType())


_bytes, _text, _long = pa.binary(), pa.string(), pa.int64()

#: The log of the records, as tasks write it.
STAGED: dict[str, pa.Schema] = {
    "etl_incoming": pa.schema(
        [
            ("record", _long),
            ("id", _bytes),
            ("resource_type", _text),
            ("fhir_id", _text),
            ("file", _long),
            ("position", _long),
            ("effective_at", _long),
            ("version_number", _long),
            ("version_id", _text),
            ("content_hash", _bytes),
            ("is_id_generated", pa.bool_()),
            ("rows", _long),
        ]
    ),
    "etl_contained": pa.schema(
        [("container_id", _bytes), ("id", _bytes), ("resource_type", _text), (RECORD, _long)]
    ),
    "etl_asked": pa.schema([(RECORD, _long), ("types", _text), ("system", _text), ("value", _text)]),
    "etl_reject": pa.schema(
        [
            ("file_id", _long),
            ("location", _text),
            ("resource_type", _text),
            ("fhir_id", _text),
            ("path", _text),
            ("reason", _text),
            ("message", _text),
        ]
    ),
}

#: What is decided on each record, and on rows of the registry that change.
OUTCOMES = t.StructType(
    [
        *spark_schema(STAGED["etl_incoming"]).fields,
        t.StructField("outcome", t.StringType()),
        t.StructField("action", t.StringType()),
        t.StructField("inherited_at", t.LongType()),
        t.StructField("inherited_version", t.LongType()),
        t.StructField("dated_file", t.LongType()),
        t.StructField("dated_position", t.LongType()),
        t.StructField("revision", t.LongType()),
    ]
)
