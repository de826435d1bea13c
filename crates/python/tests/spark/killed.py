"""A load in a process of its own, which is killed, or one of whose executors is.

killed.py FILES LAKE MASTER POINT
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

import fhirmill.spark._load as loading
import fhirmill.spark._run as running
from fhirmill.spark import load
from sessions import session


def checkpoint(name: str) -> None:
    if name == POINT:
        os.kill(os.getpid(), signal.SIGKILL)


def children(process: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == process:
            number = int(path.parent.name)
            found.extend([number, *children(number)])
    return found


def executors() -> list[int]:
    found = []
    for process in children(os.getpid()):
        try:
            command = Path(f"/proc/{process}/cmdline").read_bytes()
        except OSError:
            continue
        if b"CoarseGrainedExecutorBackend" in command:
            found.append(process)
    return found


def kill_an_executor() -> None:
    """Kills an executor once a task has staged something."""
    while not list(Path(LAKE).glob("_fhirmill/runs/*/staging/*/*.parquet")):
        time.sleep(0.02)
    victim = executors()[0]
    for process in [victim, *children(victim)]:
        os.kill(process, signal.SIGKILL)
    print("killed an executor", flush=True)


FILES, LAKE, MASTER, POINT = sys.argv[1:]
running.checkpoint = checkpoint
loading.checkpoint = checkpoint
spark = session(Path(tempfile.mkdtemp()), MASTER)
spark.sparkContext.setLogLevel("INFO")
if POINT == "executor":
    killer = threading.Thread(target=kill_an_executor)
    killer.start()
    load(spark, FILES, LAKE, source="s", split_bytes=40_000)
    killer.join(10)
else:
    load(spark, FILES, LAKE, source="s", threads=1)
spark.stop()
