"""A load in a process of its own, which is killed, or one of whose executors is.

killed.py FILES INTO FORMAT MASTER POINT SCRATCH

POINT is a checkpoint, at which the process ends; or ``executor-map``, ``executor-append`` or
``executor-merge``, where the executor of a task ends in the middle of it. SCRATCH gets
Spark's event logs, and the catalog ``ice`` unless FHIRMILL_WAREHOUSE has it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fhirmill.spark._load as loading
import fhirmill.spark._run as running
import fhirmill.spark._stores as stores
from fhirmill.spark import load
from sessions import session

Batches = Iterator[Any]


def checkpoint(name: str) -> None:
    if name == POINT:
        os.kill(os.getpid(), signal.SIGKILL)


def kill_own_executor(scratch: str) -> None:
    """Kills the executor whose task this is, once."""
    try:
        os.close(os.open(f"{scratch}/killed", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    process = os.getpid()
    while process > 1:
        with open(f"/proc/{process}/cmdline", "rb") as file:
            if b"CoarseGrainedExecutorBackend" in file.read():
                os.kill(process, signal.SIGKILL)
        with open(f"/proc/{process}/stat", encoding="utf-8") as file:
            process = int(file.read().rpartition(")")[2].split()[1])
    raise RuntimeError("there is no executor")


def dying(frame: Any) -> Any:
    """The frame, whose rows kill the executor that has them."""
    scratch = SCRATCH

    def run(batches: Batches) -> Batches:
        for batch in batches:
            yield batch
            kill_own_executor(scratch)

    return frame.mapInArrow(run, frame.schema)


def dying_mapper(tasks: Any, job: Any) -> Callable[[Batches], Batches]:
    scratch, plain = SCRATCH, mapper

    def run(batches: Batches) -> Batches:
        for manifest in plain(tasks, job)(batches):
            # It has staged its files.
            kill_own_executor(scratch)
            yield manifest

    return run


FILES, INTO, FORMAT, MASTER, POINT, SCRATCH = sys.argv[1:]
mapper, append, merge = running.mapper, stores.SqlStore.append, stores.SqlStore._merge
running.checkpoint = checkpoint
loading.checkpoint = checkpoint
if POINT == "executor-map":
    running.mapper = dying_mapper
if POINT == "executor-append":
    stores.SqlStore.append = lambda self, table, rows: append(
        self, table, dying(rows) if table == "patient_name" else rows
    )
if POINT == "executor-merge":
    stores.SqlStore._merge = lambda self, table, changes, what: merge(
        self, table, dying(changes) if table == "patient_name" else changes, what
    )
Path(SCRATCH, "events").mkdir(parents=True, exist_ok=True)
spark = session(
    Path(os.environ.get("FHIRMILL_WAREHOUSE", SCRATCH)),
    MASTER,
    more={
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": f"file://{SCRATCH}/events",
        # It is searched as text.
        "spark.eventLog.compress": "false",
    },
)
spark.sparkContext.setLogLevel("INFO")
Path(SCRATCH, "application").write_text(spark.sparkContext.applicationId)
account = load(spark, FILES, INTO, format=FORMAT, source="s", split_bytes=40_000, threads=1)
print(account)
spark.stop()
