"""Frames of JSON texts as tables, and the data source."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from .. import _native
from .._tables import to_reader
from ._schema import RECORD, arrow_schemas, shapes, table_schema, to_arrow

#: Rows of all tables: each row holds many of one table, as a stream of Arrow IPC.
PAYLOAD = "table string, rows long, payload binary"

_PAYLOAD = pa.schema([("table", pa.string()), ("rows", pa.int64()), ("payload", pa.binary())])

Batches = Iterator[pa.RecordBatch]


class MapOptions:
    """What the engine is told."""

    def __init__(self, source: str, timezone: str, base_urls: list[str]) -> None:
        self.source = source
        self.timezone = timezone
        self.base_urls = base_urls
        self.all_versions = True
        self.strict = False
        self.max_rejects = 100_000
        self.on_disk = False
        self.batch_bytes = 64 << 20
        self.view: str | None = None


class MappedFrames(Mapping[str, DataFrame]):
    """Frames of all tables, made when they are asked for: ``mapped["patient"]``."""

    def __init__(self, payload: DataFrame) -> None:
        #: What all of them are made from: a row has many rows of a table, as Arrow.
        self.payload = payload

    def __getitem__(self, name: str) -> DataFrame:
        if name not in shapes():
            raise KeyError(f"there is no table {name!r}; fhirmill.tables() lists all")
        rows = self.payload.where(f.col("table") == name).select("payload")
        return rows.mapInArrow(_unpack(name), table_schema(name))

    @property
    def rejects(self) -> DataFrame:
        """The texts that could not be read or mapped. Values are never in it."""
        rows = self.payload.where(f.col("table") == "rejects").select("payload")
        columns = "location string, resource_type string, fhir_id string, path string, reason string, message string"
        return rows.mapInArrow(_unpack_rejects, columns)

    def __iter__(self) -> Iterator[str]:
        return iter(shapes())

    def __len__(self) -> int:
        return len(shapes())


def map_json(
    frame: DataFrame,
    column: str | None = None,
    *,
    source: str = "default",
    timezone: str = "UTC",
    base_urls: list[str] | None = None,
) -> MappedFrames:
    """Maps a column of JSON texts, each a resource or a Bundle, and returns frames of all
    tables.

    ``column`` may be left out if the frame has one only. The rows are those of all texts:
    which version of a resource counts, nobody can tell who sees a part of them;
    :func:`load` does. Each frame that is asked for maps the texts anew unless
    ``mapped.payload`` is persisted.
    """
    options = MapOptions(source, timezone, base_urls or [])
    texts = frame.select(column_of(frame, column))
    return MappedFrames(texts.mapInArrow(_packer(options), PAYLOAD))


def column_of(frame: DataFrame, column: str | None) -> str:
    """The column with the texts: the one that is named, or the only one."""
    if column is None and len(frame.columns) != 1:
        raise ValueError(f"column is one of {', '.join(frame.columns)}")
    return column or str(frame.columns[0])


def _packer(options: MapOptions) -> Callable[[Batches], Batches]:
    def run(batches: Batches) -> Batches:
        for batch in batches:
            yield pack(_native.map(batch.column(0).__arrow_c_array__(), "column", options))

    return run


def pack(outcome: Any) -> pa.RecordBatch:
    """All tables of an outcome that have rows."""
    rows = []
    for table in outcome.tables:
        if table.has_rows and table.name in shapes():
            found = to_arrow(to_reader(table)).read_all()
            found = found.drop_columns([name for name in found.column_names if name == RECORD])
            rows.append(
                {"table": table.name, "rows": found.num_rows, "payload": _ipc(found.to_reader())}
            )
    rejects = to_reader(outcome.rejects).read_all()
    if rejects.num_rows:
        texts = rejects.drop_columns(["file"])
        rows.append({"table": "rejects", "rows": rejects.num_rows, "payload": _ipc(texts.to_reader())})
    return pa.RecordBatch.from_pylist(rows, schema=_PAYLOAD)


def _ipc(reader: pa.RecordBatchReader) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, reader.schema) as stream:
        for batch in reader:
            stream.write_batch(batch)
    return bytes(sink.getvalue())


def _unpack(name: str) -> Callable[[Batches], Batches]:
    def run(batches: Batches) -> Batches:
        schema = arrow_schemas()[name].remove_metadata()
        for batch in batches:
            for payload in batch.column(0):
                rows = pa.ipc.open_stream(payload.as_buffer()).read_all()
                yield from rows.cast(schema).to_batches(max_chunksize=20_000)

    return run


def _unpack_rejects(batches: Batches) -> Batches:
    for batch in batches:
        for payload in batch.column(0):
            yield from pa.ipc.open_stream(payload.as_buffer()).read_all().to_batches()
