"""CPU seconds of a load into Delta, step by step, of all processes: the JVM's and the tasks'.

    figures.py FILES LAKE [WORKERS] [SPLIT_BYTES]

Runs in a control group of its own (cpuacct), which has to exist: FHIRMILL_CPU_GROUP.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

GROUP = Path(os.environ["FHIRMILL_CPU_GROUP"])
(GROUP / "cgroup.procs").write_text(str(os.getpid()))


def cpu() -> float:
    return int((GROUP / "cpuacct.usage").read_text()) / 1e9


import fhirmill.spark._load as loading  # noqa: E402
import fhirmill.spark._run as running  # noqa: E402
from fhirmill.spark import load  # noqa: E402
from sessions import session  # noqa: E402

marks: list[tuple[str, float, float]] = []


def checkpoint(name: str) -> None:
    if not name.startswith("table "):
        marks.append((name, cpu(), time.monotonic()))


files, lake, *more = sys.argv[1:]
workers = int(more[0]) if more else 2
split_bytes = int(more[1]) if len(more) > 1 else 16 << 20
checkpoint("before")
spark = session(Path(tempfile.mkdtemp()), f"local[{workers}]", "3g", is_test=False)
spark.range(10).count()
checkpoint("start")
running.checkpoint = checkpoint
loading.checkpoint = checkpoint
account = load(spark, files, lake, source="s", split_bytes=split_bytes)
steps = {
    name: (round(c - before_c, 1), round(w - before_w, 1))
    for (_, before_c, before_w), (name, c, w) in zip(marks, marks[1:])
}
size = sum(path.stat().st_size for path in Path(files).rglob("*") if path.is_file())
print(json.dumps({"bytes": size, "workers": workers, "records": account.seen, "cpu_and_wall": steps}))
total = marks[-1][1] - marks[1][1]
print(
    f"{size / 1e6:.0f} MB, {account.seen} records: {total:.1f} CPU s, {total / size * 1e6:.4f} CPU s a MB"
)
spark.stop()
