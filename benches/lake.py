#!/usr/bin/env python3
"""Compares `fhirmill convert` with others that write Parquet, on the same files: with DuckDB, which
flattens 13 tables, and with Pathling.

    lake.py FHIRMILL FOLDER [ROUNDS]

They run in turn, ROUNDS times each. Prints the median of wall time, CPU seconds (user and
system) and peak memory of each as JSON, and the ratios. Needs duckdb (PyPI). Where PATHLING is a
Python with Pathling, it takes part, too: see pathling_convert.py.
"""
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time


def measured(command, folder):
    """Seconds, CPU seconds and megabytes that the command takes."""
    environment = {**os.environ, "LOG_LEVEL": "warn"}
    begin = time.monotonic()
    with open(os.devnull, "w") as nowhere:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=nowhere, stderr=nowhere)
        _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{command[0]} ended with {status}")
    return time.monotonic() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def measured_by_itself(command, folder):
    """Like `measured`, of a program that starts another one, and prints what that has taken."""
    begin = time.monotonic()
    answer = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    taken = json.loads(answer.stdout.splitlines()[-1])
    return time.monotonic() - begin, taken["cpu_s"], taken["peak_mb"]


def main():
    program, files = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    here = pathlib.Path(__file__).parent.resolve()
    flatten = str(here / "duckdb_flatten.py")
    pathling = os.environ.get("PATHLING")
    results = {name: [] for name in ("convert", "duckdb", *(["pathling"] if pathling else []))}
    for _ in range(rounds):
        folder = tempfile.mkdtemp(prefix="fhirmill-bench-")
        try:
            convert = [program, "convert", files, "--to", "lake"]
            results["convert"].append(measured(convert, folder))
            duckdb = [sys.executable, flatten, "--input", files, "--parquet-dir", "duckdb"]
            results["duckdb"].append(measured(duckdb, folder))
            if pathling:
                command = [pathling, str(here / "pathling_convert.py"), files, "pathling"]
                results["pathling"].append(measured_by_itself(command, folder))
        finally:
            shutil.rmtree(folder)
    names = ("wall_s", "cpu_s", "peak_mb")
    medians = {
        name: dict(zip(names, (round(statistics.median(of), 2) for of in zip(*runs)))) for name, runs in results.items()
    }
    ratios = {
        peer: {
            name: round(statistics.median(a[at] / b[at] for a, b in zip(results["convert"], results[peer])), 3)
            for at, name in enumerate(names)
        }
        for peer in results
        if peer != "convert"
    }
    size = sum(path.stat().st_size for path in pathlib.Path(files).rglob("*") if path.is_file())
    speed = round(size / 1e6 / medians["convert"]["cpu_s"], 1)
    print(json.dumps({**medians, "ratios": ratios, "input_mb": round(size / 1e6, 1), "convert_mb_per_cpu_s": speed}))


if __name__ == "__main__":
    main()
