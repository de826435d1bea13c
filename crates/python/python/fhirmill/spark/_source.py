"""``spark.read.format("fhirmill")``, of Spark 4."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
from pyspark.sql import types as t
from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition

from .. import _native
from .._tables import to_reader
from ._files import Task, divide, find
from ._map import PAYLOAD, pack
from ._schema import RECORD, arrow_schemas, shapes, table_schema, to_arrow
from ._task import Job, StagingOptions, opened

_OPTIONS = {"path", "table", "source", "timezone", "base_urls", "split_bytes"}


class FhirDataSource(DataSource):
    """Files of FHIR as the rows of one table.

    Options: ``table``, whose rows are wanted; without it a row has many rows of a table, as
    Arrow. ``source``, ``timezone``, ``base_urls`` (with blanks between them) and
    ``split_bytes`` are those of :func:`fhirmill.spark.load`.
    """

    @classmethod
    def name(cls) -> str:
        return "fhirmill"

    def schema(self) -> t.StructType | str:
        table = self.options.get("table")
        if table is None:
            return PAYLOAD
        if table not in shapes():
            raise ValueError(f"there is no table {table!r}; fhirmill.tables() lists all")
        return table_schema(table)

    def reader(self, schema: t.StructType) -> DataSourceReader:
        return _Reader({name.lower(): value for name, value in self.options.items()})


class _Partition(InputPartition):
    def __init__(self, task: Task) -> None:
        self.task = task


class _Reader(DataSourceReader):
    def __init__(self, options: dict[str, str]) -> None:
        unknown = set(options) - _OPTIONS
        if unknown:
            raise ValueError(
                f"options are {', '.join(sorted(_OPTIONS))}, not {', '.join(sorted(unknown))}"
            )
        if "path" not in options:
            raise ValueError("load() wants a path")
        self.options = options

    def partitions(self) -> Sequence[InputPartition]:
        split_bytes = int(self.options.get("split_bytes", 64 << 20))
        return [_Partition(task) for task in divide(find(self.options["path"]), 1, split_bytes)]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        assert isinstance(partition, _Partition)
        task, table = partition.task, self.options.get("table")
        base_urls = self.options.get("base_urls", "").split()
        job = Job(
            "", self.options.get("source", "default"), self.options.get("timezone", "UTC"), base_urls
        )
        outcome: Any = _native.stage(opened(task.parts), StagingOptions(job, task))
        if table is None:
            yield pack(outcome)
            return
        schema = arrow_schemas()[table].remove_metadata()
        found = next(found for found in outcome.tables if found.name == table)
        for batch in to_arrow(to_reader(found)):
            yield from pa.Table.from_batches([batch]).drop_columns([RECORD]).cast(schema).to_batches()
