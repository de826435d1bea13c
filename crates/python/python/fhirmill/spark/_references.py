"""References by identifier, whose owners come late: in another task, or in another load."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as f
from pyspark.sql import types as t

from .._errors import FileError
from ._files import InputFile, Task, divide, find
from ._owners import REFERENCE_SYSTEM, TABLES, Owner, bearers, by_id, owners
from ._schema import RECORD, STAGED
from ._task import Job

if TYPE_CHECKING:
    from ._run import Run

#: The table of the references that no resource owns yet, of all sources.
ASKED = "etl_asked"

#: The action on a resource whose rows are written anew from the same record.
REWRITE = "rewrite"

_KEY = ("types", "system", "value")

# Identifiers that are looked up before the rest is mapped.
_MAX_FIRST = 200_000



def owners_of_first(run: Run) -> list[Owner]:
    """The identifiers that were staged so far, as others will likely ask for them."""
    if not run.manifest.of("resource_identifier"):
        return []
    incoming = run.staged("etl_incoming").select("id")
    found = bearers("resource_identifier", run.staged("resource_identifier")).join(
        incoming, "id", "left_semi"
    )
    asked = found.select(f.col("resource_type").alias("types"), "system", "value").where("system <> ''")
    return owners(asked.distinct().limit(_MAX_FIRST), found)


def resolve(run: Run, tasks: list[Task], job: Job) -> None:
    """Maps tasks again whose references can be resolved only now that all is mapped."""
    if not run.manifest.of(ASKED) and not job.owners:
        return
    applied = run.applied_resources()
    living = _living(run, applied)
    redo: set[int] = set()
    found: list[Owner] = []
    if run.manifest.of(ASKED):
        asked = run.staged(ASKED).join(applied.select(RECORD), RECORD, "left_semi")
        found = owners(asked, living)
    if job.owners:
        # Whoever was taken for the owner must be it, now that all are there.
        learned = run.spark.createDataFrame([owner[:3] for owner in job.owners], _key_schema())
        still = owners(learned, living)
        if set(still) != set(job.owners):
            redo.update(task.number for task in tasks if not task.is_first)
        found.extend(still)
    if found and run.manifest.of(ASKED):
        names = {owner[:3] for owner in found}
        redo.update(task for task, key in _asked_by_task(run) if key in names)
    if not redo:
        return
    job.owners = sorted(set(found))
    run.map([task for task in tasks if task.number in redo], job)
    run.check_manifest()


def resolve_late(run: Run, job: Job, tasks: int, split_bytes: int) -> None:
    """Maps resources of earlier loads again whose references are owned by what this one brings,
    from the files that they came from, if those are still there. ``tasks`` is the number of the
    tasks so far."""
    registry = run.registry()
    if registry is None or not run.store.exists(ASKED):
        return
    applied = run.applied_resources()
    changed = run.outcomes().where("action in ('insert', 'replace', 'refresh')").select("id")
    asked = run.store.read(ASKED).where(f.col("source") == run.source)
    asked = asked.join(changed, "id", "left_anti")
    brought = _brought(run, applied).select("value").distinct()
    asked = asked.join(brought, "value", "left_semi")
    if not asked.limit(1).collect():
        return
    living = _living(run, applied)
    found = owners(asked, living)
    if not found:
        return
    names = run.spark.createDataFrame([owner[:3] for owner in found], _key_schema())
    ids = asked.join(f.broadcast(names), list(_KEY)).select("id").distinct()
    wanted = registry.where("not is_deleted").join(ids, "id", "left_semi")
    wanted = wanted.select("id", f.col("file_id").alias("file"), "position")
    again = _tasks(_files(run, wanted), tasks, split_bytes)
    if not again:
        return
    numbers = [task.number for task in again]
    run.manifest.again.update(numbers)
    of_again = f.shiftright(f.col(RECORD), 32).isin(numbers)
    late = Job(job.staging, job.source, job.timezone, job.base_urls, found)
    run.map(again, late)
    # What had been resolved before is asked for as well.
    records = _records(run, numbers).join(wanted, ["id", "file", "position"], "left_semi")
    still = run.staged(ASKED).where(of_again)
    still = still.join(records.select(f.col("record").alias(RECORD)), RECORD, "left_semi")
    more = set(owners(still, living)) - set(found)
    if more:
        late.owners = sorted({*found, *more})
        run.map(again, late)
    run.check_manifest()
    _decide(run, numbers, wanted)


def unresolved(run: Run) -> DataFrame:
    """The references of what is applied that no resource owns."""
    applied = run.applied_resources().select(RECORD, "id")
    asked = run.staged(ASKED).where(f.col("system") != REFERENCE_SYSTEM)
    return asked.join(applied, RECORD).select(f.lit(run.source).alias("source"), "id", *_KEY).distinct()


def _key_schema() -> t.StructType:
    return t.StructType([t.StructField(name, t.StringType()) for name in _KEY])


def _asked_by_task(run: Run) -> list[tuple[int, tuple[Any, ...]]]:
    task = f.shiftright(f.col(RECORD), 32).alias("task")
    rows = run.staged(ASKED).select(task, *_KEY).distinct().collect()
    return [(row[0], tuple(row[1:])) for row in rows]


def _brought(run: Run, applied: DataFrame) -> DataFrame:
    """The identifiers of what this load applies. Resources that are contained own none."""
    parts = by_id(applied)
    for table in TABLES:
        rows = run.staged(table).join(applied.select(RECORD), RECORD, "left_semi")
        parts = parts.unionByName(
            bearers(table, rows).join(applied.select("id"), "id", "left_semi")
        )
    return parts


def _living(run: Run, applied: DataFrame) -> DataFrame:
    """Who bears identifiers once this run is committed."""
    living = _brought(run, applied)
    registry = run.registry()
    if registry is None:
        return living
    changed = run.outcomes().where("action in ('insert', 'replace', 'refresh')").select("id")
    known = registry.where("not is_deleted").join(changed, "id", "left_anti")
    living = living.unionByName(by_id(known))
    for table in TABLES:
        if run.store.exists(table):
            kept = bearers(table, run.store.read(table))
            living = living.unionByName(kept.join(known.select("id"), "id", "left_semi"))
    return living


def _files(run: Run, wanted: DataFrame) -> list[tuple[int, InputFile]]:
    """The files that the records are in, with their numbers, as far as they are as they were."""
    numbers = [row[0] for row in wanted.select("file").distinct().collect()]
    if not numbers or "url" not in run.store.read("etl_load_file").columns:
        return []
    files = run.store.read("etl_load_file").where(
        (f.col("source") == run.source) & f.col("id").isin(numbers) & f.col("url").isNotNull()
    )
    found = []
    for number, name, url, size, modified in (
        files.select("id", "path", "url", "bytes", "modified").sort("id").collect()
    ):
        try:
            now = find(url)
        except (FileError, OSError):
            continue
        if [(file.bytes, file.modified) for file in now] == [(size, modified)]:
            found.append((number, InputFile(name, now[0].path, size, modified)))
    return found


def _tasks(files: list[tuple[int, InputFile]], first: int, split_bytes: int) -> list[Task]:
    tasks = [task for number, file in files for task in divide([file], number, split_bytes)]
    for number, task in enumerate(tasks, first):
        task.number = number
    return tasks


def _records(run: Run, numbers: list[int]) -> DataFrame:
    """The records that those tasks have staged."""
    return run.staged("etl_incoming").where(f.shiftright(f.col("record"), 32).isin(numbers))


def _decide(run: Run, numbers: list[int], wanted: DataFrame) -> None:
    """Writes down that the rows of these records are written anew, and those of the others that
    came with them are not."""
    marked = wanted.withColumn("action", f.lit(REWRITE))
    decided = _records(run, numbers).join(marked, ["id", "file", "position"], "left")
    nothing = f.lit(None)
    state = ("inherited_at", "inherited_version", "dated_file", "dated_position", "revision")
    run.add_outcomes(
        decided.select(
            *STAGED["etl_incoming"].names,
            nothing.cast("string").alias("outcome"),
            "action",
            *(nothing.cast("long").alias(name) for name in state),
        )
    )
