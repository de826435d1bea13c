"""Which records count: each resource's records and what the registry has of it come together,
and the version rule is folded over them in Rust."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as f

from .. import _native
from ._references import REWRITE
from ._schema import OUTCOMES, spark_schema, STAGED

# Records that are decided on in one task.
_RECORDS_OF_TASK = 400_000

# Keys that are sent to all tasks rather than shuffled.
_MAX_BROADCAST = 300_000

# Microseconds from 1970 to 2000, from where the version rule counts.
EPOCH = 946_684_800_000_000

_STATE = ("inherited_at", "inherited_version", "dated_file", "dated_position", "revision")
_DECIDED = ("outcome", "action", *_STATE)


def outcomes(incoming: DataFrame, registry: DataFrame | None, records: int) -> DataFrame:
    """The outcome of each record, and the rows of the registry that change.

    ``registry`` has the rows of the source; ``None`` if it has none.
    """
    state = [f.lit(None).cast("long").alias(name) for name in _STATE]
    candidates = incoming.select(*STAGED["etl_incoming"].names, *state)
    if registry is not None:
        candidates = candidates.unionByName(_stored(incoming, registry, records))
    tasks = max(1, -(-records // _RECORDS_OF_TASK))
    return candidates.repartition(tasks, "id").mapInArrow(_decide, OUTCOMES)


def _stored(incoming: DataFrame, registry: DataFrame, records: int) -> DataFrame:
    ids = incoming.select("id")
    if records <= _MAX_BROADCAST:
        ids = f.broadcast(ids)
    stored = registry.join(ids, "id", "left_semi")

    def since_2000(name: str) -> Column:
        return (f.expr(f"unix_micros({name})") - f.lit(EPOCH)).alias(name)

    return stored.select(
        f.lit(None).cast("long").alias("record"),
        "id",
        "resource_type",
        "fhir_id",
        f.col("file_id").alias("file"),
        "position",
        since_2000("effective_at"),
        "version_number",
        "version_id",
        "content_hash",
        "is_id_generated",
        f.lit(0).cast("long").alias("rows"),
        since_2000("inherited_at"),
        "inherited_version",
        "dated_file",
        "dated_position",
        "revision",
    )


def _decide(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    schema = pa.schema([*STAGED["etl_incoming"], *((name, pa.int64()) for name in _STATE)])
    found = list(batches)
    if not found:
        return
    table = pa.Table.from_batches(found).cast(schema).combine_chunks()
    for batch in table.to_batches():
        decided = pa.RecordBatchReader.from_stream(_native.decide(*batch.__arrow_c_array__())).read_all()
        is_changed = decided.column("action").combine_chunks().is_valid()
        kept = pc.or_(batch.column("record").is_valid(), is_changed)
        columns = {name: batch.column(name) for name in STAGED["etl_incoming"].names}
        columns.update({name: decided.column(name).combine_chunks() for name in _DECIDED})
        yield from pa.table(columns).filter(kept).to_batches()


def registry_rows(decided: DataFrame, source: str, run: str) -> DataFrame:
    """The rows of the registry that change."""

    def time(name: str) -> Column:
        return f.expr(f"timestamp_micros({name} + {EPOCH})").alias(name)

    return decided.where(f"action <> '{REWRITE}'").select(
        f.lit(source).alias("source"),
        "id",
        "resource_type",
        "fhir_id",
        f.col("content_hash").isNull().alias("is_deleted"),
        "version_id",
        "version_number",
        time("effective_at"),
        "content_hash",
        f.col("file").alias("file_id"),
        "position",
        "is_id_generated",
        "revision",
        time("inherited_at"),
        "inherited_version",
        "dated_file",
        "dated_position",
        f.lit(run).alias("run"),
    )


#: The schema of staged records for Spark.
INCOMING = spark_schema(STAGED["etl_incoming"])
