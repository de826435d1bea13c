"""What a task does: reads and maps in Rust, writes Parquet, and returns a manifest."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from .. import _native
from ._files import Part, Task, open_path
from ._schema import RECORD, STAGED, shapes, to_arrow
from ._storage import filesystem, local_path

#: A row for each file that was written, and one for each task.
MANIFEST = "table string, path string, rows long, bytes long, task long, detail string"

_MANIFEST = pa.schema(
    [
        ("table", pa.string()),
        ("path", pa.string()),
        ("rows", pa.int64()),
        ("bytes", pa.int64()),
        ("task", pa.int64()),
        ("detail", pa.string()),
    ]
)

#: The name of the row of a task.
TASK = "etl_task"

# Records are numbered by task, and within it from here on.
_RECORDS_OF_TASK = 1 << 32

_BATCH_BYTES = 64 << 20
_BATCH_BYTES_ON_DISK = 16 << 20
_MAX_REJECTS = 100_000

Batches = Iterator[pa.RecordBatch]


@dataclass
class Job:
    """What all tasks of a load have in common."""

    staging: str
    source: str
    timezone: str
    base_urls: list[str] = field(default_factory=list)
    #: Identifiers with their owners: types, system, value, type and key.
    owners: list[tuple[str, str, str, str, bytes]] = field(default_factory=list)


class StagingOptions:
    """What the engine is told."""

    def __init__(self, job: Job, task: Task) -> None:
        self.source = job.source
        self.timezone = job.timezone
        self.base_urls = job.base_urls
        self.owners = job.owners
        self.max_rejects = _MAX_REJECTS
        self.on_disk = task.is_large
        self.batch_bytes = _BATCH_BYTES_ON_DISK if task.is_large else _BATCH_BYTES
        self.first_record = task.number * _RECORDS_OF_TASK


def mapper(tasks: Mapping[int, Task], job: Job) -> Callable[[Batches], Batches]:
    """The function for ``mapInArrow``, over numbers of tasks."""

    def run(batches: Batches) -> Batches:
        for batch in batches:
            for number in batch.column(0).to_pylist():
                yield stage(tasks[number], job)

    return run


def stage(task: Task, job: Job) -> pa.RecordBatch:
    """Stages the files of a task; returns its manifest. An attempt has files of its own."""
    outcome = _native.stage(opened(task.parts), StagingOptions(job, task))
    attempt = f"{task.number:06}-{uuid.uuid4().hex[:12]}"
    rows: list[dict[str, Any]] = []

    def write(name: str, table: Any) -> None:
        path = f"{job.staging}/{name}/{attempt}.parquet"
        count, size = _write(path, table)
        rows.append(
            {
                "table": name,
                "path": path,
                "rows": count,
                "bytes": size,
                "task": task.number,
                "detail": None,
            }
        )

    known = shapes()
    for table in outcome.tables:
        if table.has_rows and table.name in known:
            write(table.name, to_arrow(pa.RecordBatchReader.from_stream(table)))
    for name, log in _logs(task, outcome).items():
        if log.num_rows:
            write(name, log)
    detail = {
        "files": _accounts(task, outcome),
        "base_urls": outcome.base_urls,
        "has_unresolved_urls": outcome.has_unresolved_urls,
    }
    rows.append(
        {
            "table": TASK,
            "path": None,
            "rows": 0,
            "bytes": 0,
            "task": task.number,
            "detail": json.dumps(detail),
        }
    )
    return pa.RecordBatch.from_pylist(rows, schema=_MANIFEST)


def opened(parts: Iterable[Part]) -> Iterator[tuple[str, Any, tuple[int, int] | None]]:
    for part in parts:
        content = open_path(part.path)
        try:
            yield part.name, content, part.range
        finally:
            if not isinstance(content, str):
                content.close()


def _logs(task: Task, outcome: Any) -> dict[str, pa.Table]:
    """The log of the records. The engine counts the files of a task from 1."""
    numbers = pa.array([0, *(part.file for part in task.parts)], pa.int64())

    def table(native: Any) -> pa.Table:
        return pa.RecordBatchReader.from_stream(native).read_all()

    records = table(outcome.records)
    files = numbers.take(records.column("file").combine_chunks())
    incoming = records.set_column(records.schema.get_field_index("file"), "file", files)
    contained = table(outcome.contained)
    contained = contained.append_column(RECORD, contained.column("record")).drop_columns(["record"])
    asked = table(outcome.asked).rename_columns([RECORD, "types", "system", "value"])
    rejects = table(outcome.rejects)
    by_name = {part.name: part.file for part in task.parts}
    # Lines are counted from the beginning of a part.
    begins = {part.name: part.range[0] for part in task.parts if part.range and part.range[0]}
    places = [
        f"{location}, after byte {begins[name]}" if name in begins else location
        for name, location in zip(
            rejects.column("file").to_pylist(), rejects.column("location").to_pylist()
        )
    ]
    reject = pa.table(
        {
            "file_id": pa.array(
                [by_name[name] for name in rejects.column("file").to_pylist()], pa.int64()
            ),
            "location": pa.array(places, pa.string()),
            **{
                name: rejects.column(name)
                for name in ("resource_type", "fhir_id", "path", "reason", "message")
            },
        }
    )
    logs = {
        "etl_incoming": incoming,
        "etl_contained": contained,
        "etl_asked": asked,
        "etl_reject": reject,
    }
    return {name: log.select(STAGED[name].names).cast(STAGED[name]) for name, log in logs.items()}


def _accounts(task: Task, outcome: Any) -> list[dict[str, int]]:
    files = pa.RecordBatchReader.from_stream(outcome.files).read_all().to_pylist()
    counted = ("seen", "rejected", "skipped")
    return [
        {"file": part.file, **{name: int(account[name]) for name in counted}}
        for part, account in zip(task.parts, files)
    ]


def _write(path: str, rows: Any) -> tuple[int, int]:
    """Writes a file of Parquet: its rows and bytes."""
    local = local_path(path)
    reader = rows if isinstance(rows, pa.RecordBatchReader) else rows.to_reader()
    if local is None:
        files, inner = filesystem(path)
        with files.open(inner, "wb") as file:
            count = _write_to(file, reader)
        return count, int(files.info(inner)["size"])
    os.makedirs(os.path.dirname(local), exist_ok=True)
    with open(f"{local}.part", "wb") as file:
        count = _write_to(file, reader)
        size = file.tell()
    os.replace(f"{local}.part", local)
    return count, size


def _write_to(file: Any, reader: pa.RecordBatchReader) -> int:
    count = 0
    with pq.ParquetWriter(file, reader.schema, compression="zstd", compression_level=1) as writer:
        for batch in reader:
            writer.write_batch(batch)
            count += batch.num_rows
    return count
