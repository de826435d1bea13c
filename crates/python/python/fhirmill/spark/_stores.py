"""Tables of Delta, Iceberg or plain Parquet, as a load writes them."""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import reduce
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f
from pyspark.sql import types as t
from pyspark.sql.utils import is_remote

from ._errors import CheckError, LoadError
from ._storage import Folder, local_path, spark_url

_VOID = "etl_void"

# Without the least and the greatest value of each column: Spark's logs would have them at the
# level INFO. Files are clustered by keys, of which Delta keeps none anyway.
_DELTA_PROPERTIES = {"delta.dataSkippingNumIndexedCols": "0"}

# Commits that are looked at: enough to see that there was another one.
_MAX_COMMITS = 2


class Store(ABC):
    """The tables of a lake."""

    def __init__(self, spark: SparkSession, into: str) -> None:
        self.spark = spark
        self.into = into
        #: What each table was written as: its version.
        self.versions: dict[str, Any] = {}

    @abstractmethod
    def exists(self, table: str) -> bool:
        """Whether the table is there."""

    @abstractmethod
    def read(self, table: str) -> DataFrame:
        """The rows of a table that is there."""

    @abstractmethod
    def append(self, table: str, rows: DataFrame) -> int | None:
        """Adds rows, and makes the table if need be. Returns how many were committed, if the
        format tells."""

    @abstractmethod
    def replace(self, table: str, owner: str, voids: DataFrame, rows: DataFrame) -> int | None:
        """Removes the rows whose ``owner`` is in the one column of ``voids``, and adds rows, in
        one commit. Returns as :meth:`append` does."""

    @abstractmethod
    def upsert(self, table: str, key: list[str], rows: DataFrame) -> None:
        """Replaces the rows with the same key, and adds the others."""

    def publish(self, run: str) -> None:
        """Makes everything visible that was written, if it is not yet."""

    @abstractmethod
    def name(self, table: str) -> str:
        """How SQL names a table."""

    @abstractmethod
    def journal(self) -> Folder:
        """Where the journal and staged rows are, if nothing else is said."""


class SqlStore(Store):
    """A format with MERGE."""

    format = ""

    def __init__(self, spark: SparkSession, into: str) -> None:
        super().__init__(spark, into)
        self._is_path = "/" in into
        self._known: set[str] = set()

    def name(self, table: str) -> str:
        if self._is_path:
            return f"{self.format}.`{spark_url(self.into)}/{table}`"
        return f"{self.into}.`{table}`"

    def exists(self, table: str) -> bool:
        if table not in self._known and self._find(table):
            self._known.add(table)
        return table in self._known

    def _find(self, table: str) -> bool:
        return bool(self.spark.catalog.tableExists(f"{self.into}.{table}"))

    def read(self, table: str) -> DataFrame:
        return self.spark.table(self.name(table))

    def append(self, table: str, rows: DataFrame) -> int | None:
        before = None
        if self.exists(table):
            self._columns(table, rows)
            before = self._version(table)
        self._append(table, rows)
        self._known.add(table)
        return self._committed(table, before)

    @abstractmethod
    def _append(self, table: str, rows: DataFrame) -> None: ...

    def _columns(self, table: str, rows: DataFrame) -> None:
        """A table that an earlier version made may lack columns."""
        there = {field.name for field in self.read(table).schema}
        missing = [field for field in rows.schema if field.name not in there]
        if missing:
            columns = ", ".join(f"`{field.name}` {field.dataType.simpleString()}" for field in missing)
            self.spark.sql(f"alter table {self.name(table)} add columns ({columns})")

    def replace(self, table: str, owner: str, voids: DataFrame, rows: DataFrame) -> int | None:
        if not self.exists(table):
            return self.append(table, rows)
        self._columns(table, rows)
        void = f.col(voids.columns[0])
        gone = voids.select(
            *(f.lit(None).cast(field.dataType).alias(field.name) for field in rows.schema),
            void.alias(_VOID),
        )
        key_type = voids.schema[0].dataType
        changes = rows.withColumn(_VOID, f.lit(None).cast(key_type)).unionByName(gone)
        columns = ", ".join(f"`{field.name}`" for field in rows.schema)
        values = ", ".join(f"s.`{field.name}`" for field in rows.schema)
        before = self._version(table)
        self._merge(
            table,
            changes,
            f"on t.`{owner}` = s.`{_VOID}` when matched then delete "
            f"when not matched and s.`{_VOID}` is null then insert ({columns}) values ({values})",
        )
        return self._committed(table, before)

    def upsert(self, table: str, key: list[str], rows: DataFrame) -> None:
        if not self.exists(table):
            self.append(table, rows)
            return
        self._columns(table, rows)
        names = [field.name for field in rows.schema]
        on = " and ".join(f"t.`{name}` = s.`{name}`" for name in key)
        changed = ", ".join(f"t.`{name}` = s.`{name}`" for name in names)
        columns = ", ".join(f"`{name}`" for name in names)
        values = ", ".join(f"s.`{name}`" for name in names)
        self._merge(
            table,
            rows,
            f"on {on} when matched then update set {changed} "
            f"when not matched then insert ({columns}) values ({values})",
        )
        self._committed(table, None)

    def _merge(self, table: str, changes: DataFrame, what: str) -> None:
        view = f"fhirmill_{table}_changes"
        changes.createOrReplaceTempView(view)
        try:
            self.spark.sql(f"merge into {self.name(table)} t using {view} s {what}")
        finally:
            self.spark.catalog.dropTempView(view)

    @abstractmethod
    def _version(self, table: str) -> int | None:
        """The version of a table that is there."""

    @abstractmethod
    def _committed(self, table: str, before: int | None) -> int | None:
        """Notes the version of the table. Returns how many rows were added since the version
        ``before``; ``None`` if others have committed meanwhile. A MERGE that changes nothing
        need not make a version."""


class DeltaStore(SqlStore):
    """Tables of Delta Lake, in a folder or in a schema of a catalog."""

    format = "delta"

    def _find(self, table: str) -> bool:
        if not self._is_path:
            return super()._find(table)
        return bool((Folder(self.into) / table / "_delta_log").names())

    def _append(self, table: str, rows: DataFrame) -> None:
        writer = rows.write.format("delta").mode("append")
        if not self.exists(table):
            writer = writer.options(**_DELTA_PROPERTIES)
        if self._is_path:
            writer.save(f"{spark_url(self.into)}/{table}")
        else:
            writer.saveAsTable(f"{self.into}.{table}")

    def read(self, table: str) -> DataFrame:
        if self._is_path:
            return self.spark.read.format("delta").load(f"{spark_url(self.into)}/{table}")
        return super().read(table)

    def read_version(self, table: str, version: str) -> DataFrame:
        """The rows of an earlier version."""
        if self._is_path:
            reader = self.spark.read.format("delta").option("versionAsOf", version)
            return reader.load(f"{spark_url(self.into)}/{table}")
        return self.spark.sql(f"select * from {self.name(table)} version as of {int(version)}")

    def _version(self, table: str) -> int | None:
        return next((version for version, _ in self._commits(table)), None)

    def _committed(self, table: str, before: int | None) -> int | None:
        commits = self._commits(table, -1 if before is None else before)
        if not commits:
            return 0
        self.versions[table] = commits[0][0]
        metrics = commits[0][1] if len(commits) == 1 else {}
        for name in ("numTargetRowsInserted", "numOutputRows"):
            if name in metrics:
                return int(metrics[name])
        return None

    def _commits(self, table: str, since: int | None = None) -> list[tuple[int, dict[str, Any]]]:
        """The commits of the table since a version, the last one first, and what they tell of
        themselves; without a version the last one."""
        path = local_path(f"{self.into}/{table}/_delta_log") if self._is_path else None
        if path is None:
            history = self.spark.sql(f"describe history {self.name(table)} limit {_MAX_COMMITS}")
            rows = history.select("version", "operationMetrics").collect()
            found = [(int(row[0]), dict(row[1] or {})) for row in rows]
        else:
            names = (name for name in os.listdir(path) if name.endswith(".json") and name[:20].isdigit())
            found = [(int(name[:20]), _metrics(f"{path}/{name}")) for name in sorted(names)[-_MAX_COMMITS:]]
            found.reverse()
        return found[:1] if since is None else [commit for commit in found if commit[0] > since]

    def journal(self) -> Folder:
        if self._is_path:
            return Folder(self.into) / "_fhirmill"
        return Folder(_location(self.spark, self.into)) / "_fhirmill"


class IcebergStore(SqlStore):
    """Tables of Apache Iceberg, in a namespace of a catalog."""

    format = "iceberg"

    def __init__(self, spark: SparkSession, into: str) -> None:
        super().__init__(spark, into)
        if self._is_path:
            raise ValueError("Iceberg's tables are in a catalog: into='CATALOG.NAMESPACE'")

    def _append(self, table: str, rows: DataFrame) -> None:
        if not self.exists(table):
            columns = ", ".join(_column(field) for field in rows.schema)
            self.spark.sql(
                f"create table {self.name(table)} ({columns}) using iceberg tblproperties "
                "('format-version' = '2', 'write.merge.mode' = 'merge-on-read', "
                "'write.parquet.compression-codec' = 'zstd', 'write.distribution-mode' = 'none')"
            )
        rows.writeTo(self.name(table)).append()

    def _version(self, table: str) -> int | None:
        return next((row["snapshot_id"] for row in self._snapshots(table)), None)

    def _committed(self, table: str, before: int | None) -> int | None:
        snapshots = self._snapshots(table)
        if not snapshots or snapshots[0]["snapshot_id"] == before:
            return 0
        self.versions[table] = snapshots[0]["snapshot_id"]
        others = [row["snapshot_id"] for row in snapshots[1:]]
        return int(snapshots[0]["added"] or 0) if others[:1] == ([before] if before else []) else None

    def _snapshots(self, table: str) -> list[Any]:
        """The last snapshots of the table, the last one first."""
        rows: list[Any] = self.spark.sql(
            f"select snapshot_id, summary['added-records'] as added from {self.into}.`{table}`.snapshots "
            f"order by committed_at desc limit {_MAX_COMMITS}"
        ).collect()
        return rows

    def read_version(self, table: str, version: str) -> DataFrame:
        """The rows of an earlier snapshot."""
        return self.spark.sql(f"select * from {self.name(table)} version as of {int(version)}")

    def journal(self) -> Folder:
        return Folder(_location(self.spark, self.into)) / "_fhirmill"


def _metrics(path: str) -> dict[str, Any]:
    """What a commit of Delta tells of itself."""
    with open(path, encoding="utf-8") as file:
        actions = [json.loads(line) for line in file]
    info: dict[str, Any] = next((action["commitInfo"] for action in actions if "commitInfo" in action), {})
    return info.get("operationMetrics") or {}


def _column(field: t.StructField) -> str:
    comment = (field.metadata or {}).get("comment")
    text = f"`{field.name}` {field.dataType.simpleString()}"
    if not comment:
        return text
    quoted = str(comment).replace("\\", "\\\\").replace("'", "\\'")
    return f"{text} comment '{quoted}'"


def _location(spark: SparkSession, namespace: str) -> str:
    """Where a namespace's tables are."""
    rows = spark.sql(f"describe namespace extended {namespace}").collect()
    found = next((row[1] for row in rows if str(row[0]).lower() == "location"), None)
    if not found:
        raise LoadError(f"where the tables of {namespace} are cannot be found; give staging=…")
    return str(found)


class ParquetStore(Store):
    """Folders of Parquet. What a run changes is written to folders of its own, and
    ``manifest.json``, which is replaced at the end, says which ones count."""

    def __init__(self, spark: SparkSession, into: str) -> None:
        super().__init__(spark, into)
        self.folder = Folder(into)
        manifest = self.folder.read("manifest.json") or {"tables": {}}
        # A folder may be empty, and has no schema then.
        self._tables: dict[str, _Folders] = {
            name: _Folders(table["folders"], t.StructType.fromJson(table["schema"]))
            for name, table in manifest["tables"].items()
        }
        self._run = ""

    def begin(self, run: str) -> None:
        """What is written from now on is of that run."""
        self._run = run

    def is_published(self, run: str) -> bool:
        """Whether everything of that run is visible."""
        return bool((self.folder.read("manifest.json") or {}).get("run") == run)

    def exists(self, table: str) -> bool:
        return table in self._tables

    def read(self, table: str) -> DataFrame:
        found = self._tables[table]
        return self._read(found.names, found.schema)

    def _read(self, names: list[str], schema: t.StructType) -> DataFrame:
        paths = [f"{spark_url(self.into)}/{name}" for name in names]
        reader = self.spark.read.schema(schema)
        if not is_remote() or not paths:
            return reader.parquet(*paths)
        # pysail reads no files together whose times name UTC in different ways.
        return reduce(lambda a, b: a.unionByName(b), [reader.parquet(path) for path in paths])

    def _write(self, table: str, rows: DataFrame) -> _Folders:
        name = f"{table}/{self._run}"
        rows.write.mode("overwrite").option("compression", "zstd").parquet(
            f"{spark_url(self.into)}/{name}"
        )
        return _Folders([name], rows.schema)

    def append(self, table: str, rows: DataFrame) -> int | None:
        written = self._write(table, rows)
        before = self._tables[table].names if table in self._tables else []
        others = [name for name in before if name not in written.names]
        self._tables[table] = _Folders([*others, *written.names], written.schema)
        return self._read(written.names, written.schema).count()

    def replace(self, table: str, owner: str, voids: DataFrame, rows: DataFrame) -> int | None:
        if not self.exists(table):
            return self.append(table, rows)
        kept = self.read(table).join(
            voids.withColumnRenamed(voids.columns[0], owner), owner, "left_anti"
        )
        before = kept.count()
        written = self._write(table, kept.select(rows.columns).unionByName(rows))
        self._tables[table] = written
        return self._read(written.names, written.schema).count() - before

    def upsert(self, table: str, key: list[str], rows: DataFrame) -> None:
        if not self.exists(table):
            self.append(table, rows)
            return
        kept = self.read(table).join(rows.select(key), key, "left_anti")
        self._tables[table] = self._write(table, kept.select(rows.columns).unionByName(rows))

    def publish(self, run: str) -> None:
        tables = {
            name: {"folders": found.names, "schema": found.schema.jsonValue()}
            for name, found in self._tables.items()
        }
        self.folder.write("manifest.json", {"run": run, "tables": tables})

    def name(self, table: str) -> str:
        return f"parquet.`{spark_url(self.into)}/{self._tables[table].names[-1]}`"

    def journal(self) -> Folder:
        return self.folder / "_fhirmill"


@dataclass
class _Folders:
    """The folders that have the rows of a table."""

    names: list[str]
    schema: t.StructType


def store(spark: SparkSession, into: str, format: str) -> Store:
    """The tables of that format in a folder or a schema."""
    stores: dict[str, type[Store]] = {
        "delta": DeltaStore,
        "iceberg": IcebergStore,
        "parquet": ParquetStore,
    }
    if format not in stores:
        raise ValueError(f"format is one of {', '.join(stores)}, not {format!r}")
    return stores[format](spark, into)


def expect(table: str, wanted: int, committed: int | None) -> None:
    """Raises if other rows were committed than were counted."""
    if committed is not None and committed != wanted:
        raise CheckError(
            f"{committed} rows were committed to {table}, where {wanted} were counted; "
            "the registry is as before, and a rerun writes them again"
        )
