"""The steps of one load."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from ._decide import outcomes, registry_rows
from ._errors import CheckError
from ._files import InputFile, Task
from ._references import ASKED, REWRITE, owners_of_first, unresolved
from ._schema import OUTCOMES, RECORD, Shape, shapes, staged_schema
from ._storage import Folder, filesystem, local_path, spark_url
from ._stores import ParquetStore, Store, expect
from ._task import MANIFEST, TASK, Batches, Job, mapper

COUNTS = ("inserted", "updated", "unchanged", "stale", "deleted", "rejected", "skipped")

# Bytes of staged Parquet that become one file of a table.
_FILE_BYTES = 128 << 20

# Records whose numbers are sent to all tasks rather than shuffled.
_MAX_BROADCAST = 2_000_000

# Whether the rows of a record are those of its resource from now on.
_APPLYING = ("insert", "replace", "refresh", REWRITE)
_APPLIED = f"action in {_APPLYING}"

_VOIDS = "id binary, resource_type string"

# Tables that are no clinical ones, by the column that says whose rows they are.
_LOGS = {"etl_contained": Shape("etl_contained", "generic", "", "container_id", None, ())}


def checkpoint(name: str) -> None:
    """Is called when a step has ended. Tests end the process here."""


@dataclass
class Entry:
    """A staged file."""

    table: str
    path: str
    rows: int
    bytes: int
    task: int


@dataclass
class Manifest:
    """What the tasks of a run have staged."""

    entries: list[Entry] = field(default_factory=list)
    #: By task: accounts of its files, and what it knows of servers.
    tasks: dict[int, dict[str, Any]] = field(default_factory=dict)
    #: The tasks that map files of earlier loads again, whose records are counted already.
    again: set[int] = field(default_factory=set)

    def replace(self, rows: list[Any]) -> None:
        """Adds what tasks have returned, in place of what they returned before."""
        again = {row["task"] for row in rows}
        self.entries = [entry for entry in self.entries if entry.task not in again]
        for row in rows:
            if row["table"] == TASK:
                self.tasks[row["task"]] = json.loads(row["detail"])
            elif row["task"] not in self.again or row["table"] != "etl_reject":
                self.entries.append(
                    Entry(row["table"], row["path"], row["rows"], row["bytes"], row["task"])
                )

    def of(self, table: str) -> list[Entry]:
        return [entry for entry in self.entries if entry.table == table]

    def rows(self, table: str) -> int:
        return sum(entry.rows for entry in self.of(table))

    def to_json(self) -> Any:
        return {"entries": [vars(entry) for entry in self.entries], "tasks": self.tasks, "again": sorted(self.again)}

    @classmethod
    def of_json(cls, content: Any) -> Manifest:
        tasks = {int(number): task for number, task in content["tasks"].items()}
        entries = [Entry(**entry) for entry in content["entries"]]
        return cls(entries, tasks, set(content.get("again", [])))


@dataclass
class Run:
    """One load of one source."""

    spark: SparkSession
    store: Store
    folder: Folder
    id: str
    source: str
    source_id: int
    #: Whether it goes on where a process that was killed has ended.
    is_resumed: bool
    #: Raises unless the claim of the source still holds.
    check_claim: Callable[[], None]
    threads: int = 4
    files: list[InputFile] = field(default_factory=list)
    first_file: int = 1
    manifest: Manifest = field(default_factory=Manifest)
    #: By file: what became of its records.
    accounts: dict[int, dict[str, int]] = field(default_factory=dict)
    #: How many records have the rows of their resources from now on.
    applied: int = 0
    started: str = field(default_factory=lambda: datetime.now(timezone.utc).isoformat())
    seconds: dict[str, float] = field(default_factory=dict)

    # -- mapping ------------------------------------------------------------------------

    def map(self, tasks: list[Task], job: Job) -> None:
        """Stages tasks, and takes over their manifest."""
        if not tasks:
            return
        by_number = {task.number: task for task in tasks}
        numbers = list(by_number)

        def run(batches: Batches) -> Batches:
            picked = (
                pa.RecordBatch.from_pydict({"id": [numbers[i] for i in b.column(0).to_pylist()]})
                for b in batches
            )
            return mapper(by_number, job)(picked)

        frame = self.spark.range(0, len(numbers), 1, len(numbers))
        self.manifest.replace(frame.mapInArrow(run, MANIFEST).collect())

    def map_all(self, tasks: list[Task], job: Job) -> None:
        """Stages all tasks: first those with resources that others may refer to by identifier,
        and some of them again if more can be resolved then."""
        first = [task for task in tasks if task.is_first]
        rest = [task for task in tasks if not task.is_first]
        if rest:
            self.map(first, job)
            job.owners = owners_of_first(self) if first else []
            self.map(rest, job)
        else:
            self.map(first, job)
        known = {url for task in self.manifest.tasks.values() for url in task["base_urls"]}
        late = [
            task
            for task in tasks
            if self.manifest.tasks[task.number]["has_unresolved_urls"]
            and known - set(self.manifest.tasks[task.number]["base_urls"])
        ]
        job.base_urls = sorted(known | set(job.base_urls))
        self.map(late, job)

    # -- reading what was staged --------------------------------------------------------

    def staged(self, table: str) -> DataFrame:
        """The staged rows of a table."""
        paths = [spark_url(entry.path) for entry in self.manifest.of(table)]
        schema = staged_schema(table)
        if not paths:
            return self.spark.createDataFrame([], schema)
        return self.spark.read.schema(schema).parquet(*paths)

    def outcomes(self) -> DataFrame:
        """What was decided, from where it was written: computing it again after the registry
        has changed would give other outcomes."""
        return self.spark.read.schema(OUTCOMES).parquet(f"{spark_url(self.folder.url)}/outcomes")

    def check_manifest(self) -> None:
        """Raises unless the staged files are what the manifest says."""
        entries = self.manifest.entries
        with ThreadPoolExecutor(16) as pool:
            for entry, found in zip(entries, pool.map(_footer, entries)):
                if found != (entry.rows, entry.bytes):
                    rows, size = found
                    raise CheckError(
                        f"staged file {entry.path} has {rows} rows in {size} bytes, where its manifest says "
                        f"{entry.rows} in {entry.bytes}; nothing was committed"
                    )

    # -- deciding -----------------------------------------------------------------------

    def registry(self) -> DataFrame | None:
        """What counts of the source so far."""
        if not self.store.exists("etl_resource"):
            return None
        return self.store.read("etl_resource").where(f.col("source") == self.source)

    def decide(self) -> None:
        """Decides which records count, and writes that down."""
        records = self.manifest.rows("etl_incoming")
        decided = outcomes(self.staged("etl_incoming"), self.registry(), records)
        decided.write.mode("overwrite").parquet(f"{spark_url(self.folder.url)}/outcomes")
        self._account()

    def add_outcomes(self, decided: DataFrame) -> None:
        """Adds what was decided on records of :attr:`Manifest.again`."""
        decided.write.mode("append").parquet(f"{spark_url(self.folder.url)}/outcomes")
        self._account()

    def applied_resources(self) -> DataFrame:
        """The resources whose rows are written, with the numbers of their records."""
        applied = self.outcomes().where(f"{_APPLIED} and content_hash is not null")
        return applied.select("id", "resource_type", "fhir_id", f.col("record").alias(RECORD))

    def write_voids(self) -> None:
        """Writes down whose rows are void: of what is replaced, with what it contained."""
        voids = self.outcomes().where(f"action in ('replace', 'refresh', '{REWRITE}')")
        voids = voids.select("id", "resource_type")
        if self.store.exists("etl_contained"):
            contained = self.store.read("etl_contained")
            gone = contained.join(
                f.broadcast(voids.select(f.col("id").alias("container_id"))), "container_id", "left_semi"
            )
            voids = voids.unionByName(gone.select("id", "resource_type"))
        voids.distinct().coalesce(1).write.mode("overwrite").parquet(
            f"{spark_url(self.folder.url)}/voids"
        )

    def _account(self) -> None:
        """Counts outcomes by file, and raises unless they are all records."""
        counted = (
            self.outcomes()
            .where("record is not null")
            .groupBy("file", "outcome", "action")
            .count()
            .collect()
        )
        accounts: dict[int, dict[str, int]] = {}
        applied = 0
        for number, task in self.manifest.tasks.items():
            for account in task["files"] if number not in self.manifest.again else ():
                of_file = accounts.setdefault(account["file"], dict.fromkeys(("seen", *COUNTS), 0))
                for name in ("seen", "rejected", "skipped"):
                    of_file[name] += account[name]
        for row in counted:
            applied += row["count"] if row["action"] in _APPLYING else 0
            if row["outcome"] is None:
                continue
            if row["file"] not in accounts:
                raise CheckError(f"records of file {row['file']} were staged that no task has counted")
            accounts[row["file"]][row["outcome"]] += row["count"]
        for number, account in accounts.items():
            told = sum(account[name] for name in COUNTS)
            if told != account["seen"]:
                name = self.files[number - self.first_file].name
                raise CheckError(
                    f"file {name} has {account['seen']} records, of which {told} are accounted for; "
                    "nothing was committed"
                )
        self.accounts, self.applied = accounts, applied
        rows = self.staged("etl_incoming").agg(f.sum("rows")).collect()[0][0] or 0
        staged = sum(entry.rows for entry in self.manifest.entries if entry.table in shapes())
        if rows != staged:
            raise CheckError(
                f"{staged} rows were staged, where tasks counted {rows}; nothing was committed"
            )

    def recount(self, accounts: dict[int, dict[str, int]]) -> None:
        """Counts again what was decided, and raises unless it is as it was."""
        self._account()
        if self.accounts != accounts:
            raise CheckError("what was decided is not what was counted then; nothing more was committed")

    # -- applying -----------------------------------------------------------------------

    def apply(self) -> None:
        """Commits all tables, several at once, and then the registry."""
        tables = [*shapes()]
        applied, dropped = self._applied()
        voids = self._voids()
        voided = {row[0] for row in voids.select("resource_type").distinct().collect()}

        def one(name: str) -> None:
            if not (self.folder / "tables").read(f"{name}.json"):
                self._table(shapes()[name], applied, dropped, voids, voided)

        with ThreadPoolExecutor(self.threads) as pool:
            for _ in pool.map(one, tables):
                pass
        checkpoint("tables")
        # What resources contained is needed until all tables are committed.
        self._table(_LOGS["etl_contained"], applied, dropped, voids, voided)
        checkpoint("contained")
        self._asked(voids, has_voids=bool(voided))
        checkpoint("asked")

    def _applied(self) -> tuple[DataFrame | None, DataFrame | None]:
        """The numbers of the records that are applied, or those of the others, whichever are
        fewer; neither if all are applied."""
        total = self.manifest.rows("etl_incoming")
        if self.applied == total:
            return None, None
        numbered = self.outcomes().where("record is not null")
        is_applied = f.coalesce(f.expr(_APPLIED), f.lit(False))
        count = min(self.applied, total - self.applied)
        chosen = numbered.where(is_applied if self.applied <= total / 2 else ~is_applied)
        chosen = chosen.select(f.col("record").alias(RECORD))
        chosen = f.broadcast(chosen) if count <= _MAX_BROADCAST else chosen
        return (chosen, None) if self.applied <= total / 2 else (None, chosen)

    def _voids(self) -> DataFrame:
        """The keys of resources whose rows are void: of all that is applied, if some of it may
        be committed already."""
        voids = self.spark.read.schema(_VOIDS).parquet(f"{spark_url(self.folder.url)}/voids")
        if self.is_resumed:
            applied = self.outcomes().where(_APPLIED).select("id", "resource_type")
            contained = self.staged("etl_contained").select("id", "resource_type")
            voids = voids.unionByName(applied).unionByName(contained).distinct()
        return voids

    def _table(
        self,
        shape: Shape,
        applied: DataFrame | None,
        dropped: DataFrame | None,
        voids: DataFrame,
        voided: set[str],
    ) -> None:
        is_log = shape.name in _LOGS
        has_voids = bool(voided) if shape.kind in ("generic", "other") else shape.resource in voided
        has_voids = has_voids and self.store.exists(shape.name)
        entries = self.manifest.of(shape.name)
        if not entries and not has_voids:
            return
        rows = self.staged(shape.name)
        wanted = self.manifest.rows(shape.name)
        if applied is not None or dropped is not None:
            rows = rows.join(
                applied if applied is not None else dropped,
                RECORD,
                "left_semi" if applied is not None else "left_anti",
            )
            wanted = rows.count() if entries else 0
        if not wanted and not has_voids:
            return
        rows = self._in_order(shape, rows.drop(RECORD))
        self.check_claim()
        if has_voids:
            keys = (
                voids
                if shape.kind != "resource" and shape.kind != "child"
                else voids.where(f.col("resource_type") == shape.resource)
            )
            committed = self.store.replace(shape.name, shape.owner, keys.select("id").distinct(), rows)
        else:
            committed = self.store.append(shape.name, rows)
        expect(shape.name, wanted, committed)
        if not is_log and not isinstance(self.store, ParquetStore):
            (self.folder / "tables").write(f"{shape.name}.json", {"rows": wanted})
        checkpoint(f"table {shape.name}")

    def _asked(self, voids: DataFrame, has_voids: bool) -> None:
        """Commits which references no resource owns yet."""
        if not has_voids and not self.manifest.of(ASKED):
            return
        rows = unresolved(self).coalesce(1)
        self.check_claim()
        if self.store.exists(ASKED):
            self.store.replace(ASKED, "id", voids.select("id").distinct(), rows)
        elif self.manifest.of(ASKED):
            self.store.append(ASKED, rows)

    def _in_order(self, shape: Shape, rows: DataFrame) -> DataFrame:
        """The rows clustered by patient, in files of some size."""
        if "source_id" in rows.columns:
            rows = rows.withColumn("source_id", f.lit(self.source_id).cast("short"))
        size = sum(entry.bytes for entry in self.manifest.of(shape.name))
        files = max(1, -(-size // _FILE_BYTES))
        by = [shape.patient or shape.owner, *(name for name in shape.key if name in rows.columns)]
        by = list(dict.fromkeys(by))
        rows = rows.coalesce(1) if files == 1 else rows.repartition(files, by[0])
        return rows.sortWithinPartitions(*by)

    def commit(self) -> None:
        """Commits the registry, and then the ledger."""
        changed = registry_rows(self.outcomes(), self.source, self.id)
        changed = changed.coalesce(
            max(1, sum(e.bytes for e in self.manifest.of("etl_incoming")) // _FILE_BYTES)
        )
        self.check_claim()
        if self.is_resumed or self.outcomes().where("action <> 'insert'").limit(1).collect():
            self.store.upsert("etl_resource", ["id"], changed)
        elif self.applied:
            self.store.append("etl_resource", changed)
        checkpoint("registry")
        rejects = self.staged("etl_reject").withColumn("run", f.lit(self.id))
        if self.manifest.of("etl_reject"):
            self._ledger("etl_reject", rejects)
        self._ledger("etl_load_file", self.spark.createDataFrame(self._file_rows(), _LOAD_FILE))
        checkpoint("files")
        self._ledger("etl_run", self.spark.createDataFrame([self._run_row()], _RUN))
        self.store.publish(self.id)
        checkpoint("run")

    def _ledger(self, table: str, rows: DataFrame) -> None:
        rows = rows.coalesce(1)
        if self.is_resumed and self.store.exists(table):
            run = self.spark.createDataFrame([(self.id,)], "run string")
            self.store.replace(table, "run", run, rows)
        else:
            self.store.append(table, rows)

    def _file_rows(self) -> list[tuple[Any, ...]]:
        rows = []
        for number, file in enumerate(self.files, self.first_file):
            account = self.accounts[number]
            counts = [account[name] for name in ("seen", *COUNTS)]
            told = (number, self.id, self.source, file.name, file.bytes, file.modified)
            rows.append((*told, *counts, file.path))
        return rows

    def _run_row(self) -> tuple[Any, ...]:
        counts = [sum(account[name] for account in self.accounts.values()) for name in ("seen", *COUNTS)]
        finished = datetime.now(timezone.utc).isoformat()
        versions = {name: str(version) for name, version in self.store.versions.items()}
        return (
            self.id,
            self.source,
            self.source_id,
            self.started,
            finished,
            *counts,
            json.dumps(versions),
        )


_COUNT_FIELDS = ", ".join(f"{name} long" for name in ("seen", *COUNTS))
_LOAD_FILE = (
    f"id long, run string, source string, path string, bytes long, modified string, {_COUNT_FIELDS}, url string"
)
_RUN = f"run string, source string, source_id int, started string, finished string, {_COUNT_FIELDS}, versions string"


def _footer(entry: Entry) -> tuple[int, int]:
    """The rows and bytes of a staged file, by its own footer; nothing if there is none."""
    try:
        path = local_path(entry.path)
        if path is not None:
            metadata = pq.read_metadata(path)
            return metadata.num_rows, _size(path)
        files, inner = filesystem(entry.path)
        with files.open(inner, "rb") as file:
            return pq.read_metadata(file).num_rows, int(files.info(inner)["size"])
    except (OSError, pa.ArrowInvalid):
        return -1, -1


def _size(path: str) -> int:
    return os.stat(path).st_size
