"""Loading files into the tables of a lake."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pyspark.sql import SparkSession
from pyspark.sql import functions as f

from ._claims import Claim, claim, source_number
from ._errors import LoadError
from ._files import InputFile, divide, find
from ._references import resolve, resolve_late
from ._run import COUNTS, Manifest, Run, checkpoint
from ._storage import Folder
from ._stores import ParquetStore, Store, store
from ._task import Job

_SPLIT_BYTES = 64 << 20


@dataclass(frozen=True)
class Account:
    """What became of the records of a load. ``seen`` is the sum of all others."""

    #: The run; ``None`` if there was nothing to load.
    run: str | None
    #: Files that were read, and those that had been loaded before.
    files: int
    files_known: int
    #: All records.
    seen: int = 0
    #: Resources that are new.
    inserted: int = 0
    #: Resources with another content than before.
    updated: int = 0
    #: Records with the content that is in the tables.
    unchanged: int = 0
    #: Versions and deletions older than the one that counts.
    stale: int = 0
    #: Deletions that count.
    deleted: int = 0
    #: Records that could not be read or mapped: the table ``etl_reject``.
    rejected: int = 0
    #: Entries of Bundles without a resource.
    skipped: int = 0


def load(
    spark: SparkSession,
    files: str | Iterable[str],
    into: str,
    *,
    format: str = "delta",
    source: str = "default",
    staging: str | None = None,
    timezone: str = "UTC",
    base_urls: Iterable[str] = (),
    split_bytes: int = _SPLIT_BYTES,
    again: bool = False,
    take_over: bool = False,
    threads: int = 4,
) -> Account:
    """Loads files into the tables of a lake, and returns the account of their records.

    ``files`` are files, folders, globs or URLs that fsspec opens, as the tasks see them.
    ``into`` is a schema of a catalog (``"lake.fhir"``) or a folder (``"/lake"``), and
    ``format`` what its tables are: ``"delta"``, ``"iceberg"`` or ``"parquet"``. ``source``
    names the sender within which ids do not collide; it is part of all keys.

    Of each resource the version counts that Postgres would keep. A file whose name, size and
    time are those of one that was loaded is not read, unless ``again`` is set. One load of a
    source runs at a time; a load that was killed is brought to its end by the next one.
    ``take_over`` says that a load on another machine, which still holds the source, is gone.

    Rows are staged in ``staging``, by default beside the tables, which all executors reach.
    A task maps ``split_bytes`` of NDJSON; ``threads`` tables are committed at once.
    """
    if isinstance(base_urls, str):
        raise TypeError("base_urls is a list of URLs")
    tables = store(spark, into, format)
    journal = Folder(staging) if staging else tables.journal()
    id = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{uuid.uuid4().hex[:8]}"
    held = claim(journal, source, id, take_over)
    try:
        _Recovery(spark, tables, journal, held, threads).run()
        servers = {*base_urls, *_servers(journal, source)}
        job = Job(f"{(journal / 'runs' / id).url}/staging", source, timezone, sorted(servers))
        account = _load(spark, tables, journal, held, files, job, split_bytes, again, threads)
    except BaseException:
        if _is_unfinished(journal, held):
            held.leave()
        else:
            (journal / "runs" / held.run).remove()
            held.end()
        raise
    held.end()
    return account


def _is_unfinished(journal: Folder, held: Claim) -> bool:
    folders = [journal / "runs" / run for run in (*held.unfinished, held.run)]
    return any(folder.read("decided.json") and not folder.read("done.json") for folder in folders)


def _load(
    spark: SparkSession,
    tables: Store,
    journal: Folder,
    held: Claim,
    inputs: str | Iterable[str],
    job: Job,
    split_bytes: int,
    again: bool,
    threads: int,
) -> Account:
    found = find(inputs)
    known, last = _known_files(tables, job.source)
    new = (
        found
        if again
        else [file for file in found if (file.name, file.bytes, file.modified) not in known]
    )
    if not new:
        return Account(None, 0, len(found))
    folder = journal / "runs" / held.run
    number = source_number(journal, job.source)
    run = Run(
        spark, tables, folder, held.run, job.source, number, False, held.check, threads, new, last + 1
    )
    if isinstance(tables, ParquetStore):
        tables.begin(run.id)
    tasks = divide(new, run.first_file, split_bytes)
    with _timed(run, "map"):
        run.map_all(tasks, job)
        checkpoint("map")
        run.check_manifest()
    with _timed(run, "decide"):
        run.decide()
        checkpoint("decide")
    with _timed(run, "resolve"):
        resolve(run, tasks, job)
        resolve_late(run, job, len(tasks), split_bytes)
        run.write_voids()
    (journal / "servers").write(_name_of(job.source), job.base_urls)
    _write_decided(run)
    checkpoint("decided")
    _finish(run)
    return _account(run, len(found) - len(new))


def _servers(journal: Folder, source: str) -> list[str]:
    """The base URLs that earlier loads of the source have learned."""
    return list((journal / "servers").read(_name_of(source)) or [])


def _name_of(source: str) -> str:
    return f"{quote(source, safe='')}.json"


def _write_decided(run: Run) -> None:
    """From here on the run is brought to its end, by this process or by a later one."""
    run.folder.write("manifest.json", run.manifest.to_json())
    decided = {
        "source": run.source,
        "source_id": run.source_id,
        "started": run.started,
        "first_file": run.first_file,
        "files": [vars(file) for file in run.files],
        "accounts": run.accounts,
    }
    run.check_claim()
    run.folder.write("decided.json", decided)


def _finish(run: Run) -> None:
    with _timed(run, "apply"):
        run.apply()
    with _timed(run, "commit"):
        run.commit()
    run.folder.write("done.json", {"seconds": run.seconds, "versions": run.store.versions})
    checkpoint("done")
    (run.folder / "staging").remove()


@contextmanager
def _timed(run: Run, step: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    run.seconds[step] = round(time.monotonic() - began, 3)


def _known_files(tables: Store, source: str) -> tuple[set[tuple[str, int, str]], int]:
    """The files that the ledger has of the source, and the highest number of one."""
    if not tables.exists("etl_load_file"):
        return set(), 0
    files = tables.read("etl_load_file").where(f.col("source") == source)
    rows = files.select("path", "bytes", "modified", "id").collect()
    return {(row[0], row[1], row[2]) for row in rows}, max((row[3] for row in rows), default=0)


def _account(run: Run, known: int) -> Account:
    accounts = run.accounts.values()
    counts = {name: sum(account[name] for account in accounts) for name in ("seen", *COUNTS)}
    return Account(run.id, len(run.files), known, **counts)


@dataclass
class _Recovery:
    """Brings the run to its end that a killed process has left, or forgets it."""

    spark: SparkSession
    tables: Store
    journal: Folder
    held: Claim
    threads: int

    def run(self) -> None:
        for run in self.held.unfinished:
            self._end(self.journal / "runs" / run)

    def _end(self, folder: Folder) -> None:
        decided = folder.read("decided.json")
        if decided is None:
            # Nothing was committed.
            folder.remove()
            return
        if folder.read("done.json") is None:
            self._resume(folder, decided)
        (folder / "staging").remove()

    def _resume(self, folder: Folder, decided: Any) -> None:
        content = folder.read("manifest.json")
        if content is None:
            raise LoadError(f"{folder.url} was decided and has no manifest")
        run = Run(
            self.spark,
            self.tables,
            folder,
            folder.url.rpartition("/")[2],
            decided["source"],
            decided["source_id"],
            True,
            self.held.check,
            self.threads,
            [InputFile(**file) for file in decided["files"]],
            decided["first_file"],
            Manifest.of_json(content),
            started=decided["started"],
        )
        if isinstance(self.tables, ParquetStore):
            if self.tables.is_published(run.id):
                folder.write("done.json", {})
                return
            self.tables.begin(run.id)
        run.check_manifest()
        run.recount({int(number): account for number, account in decided["accounts"].items()})
        _finish(run)
