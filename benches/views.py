#!/usr/bin/env python3
"""Measures what views cost, in CPU seconds of fhirmill and Postgres together.

    benches/views.py FHIRMILL

Settings by environment: PATIENTS (size of the generated data), ROUNDS (the median counts).

- loading with the six views of views/ applied ÷ without
- applying them to what was loaded ÷ loading it, and the peak memory of that

Files are linked into the inbox, so the disk needs them once.
"""
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
FHIRMILL = os.path.realpath(sys.argv[1])
PATIENTS = int(os.environ.get("PATIENTS") or 300)
ROUNDS = int(os.environ.get("ROUNDS") or 5)
VIEWS = [str(path) for path in sorted((ROOT / "views").glob("*.json"))]
TICKS = os.sysconf("SC_CLK_TCK")


class Mill:
    """A scratch folder with an empty, migrated private server."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="fhirmill-views-"))
        self.folder.chmod(0o755)
        (self.folder / "inbox").mkdir()
        self.environment = {**os.environ, "DATABASE_URL": "", "SETTLE_SECONDS": "0", "WORKERS": "2"}
        self.run("database", "start")
        self.run("migrate", "up")
        self.url = self.run("database", "url").strip()
        pid_file = next(self.folder.glob("data/**/postmaster.pid"))
        self.server = int(pid_file.read_text().split("\n")[0])

    def run(self, *arguments):
        done = subprocess.run([FHIRMILL, *arguments], cwd=self.folder, env=self.environment,
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    def server_cpu(self):
        """Of the server and all its processes, those that have ended included."""
        seconds = 0
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            own, parent = int(stat.parent.name), int(fields[1])
            if own == self.server:
                seconds += sum(map(int, fields[11:15]))
            elif parent == self.server:
                seconds += sum(map(int, fields[11:13]))
        return seconds / TICKS

    def cpu(self, *arguments):
        """CPU seconds of a command and of the server meanwhile, and the command's peak memory in MB."""
        before = self.server_cpu()
        process = subprocess.Popen([FHIRMILL, *arguments], cwd=self.folder, env=self.environment,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        assert status == 0, f"fhirmill {' '.join(arguments)} ended with {status}"
        return usage.ru_utime + usage.ru_stime, self.server_cpu() - before, usage.ru_maxrss / 1024

    def psql(self, sql):
        return subprocess.run(["psql", self.url, "-qAtX", "-c", sql], check=True, capture_output=True, text=True).stdout

    def close(self):
        subprocess.run([FHIRMILL, "database", "reset", "--yes"], cwd=self.folder, env=self.environment,
                       capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def round_of(files):
    """CPU seconds, each of fhirmill and of the server: a load, applying views, a load with views."""
    mill = Mill()
    try:
        for file in files:
            os.link(file, mill.folder / "inbox" / file.name)
        load = mill.cpu("once")
        resources = int(mill.psql("select count(*) from etl.resource_version where content_hash is not null"))
        apply = mill.cpu("views", "apply", *VIEWS)
        rows = [mill.psql(f"select count(*) from views.{pathlib.Path(view).stem}").strip() for view in VIEWS]
    finally:
        mill.close()
    mill = Mill()
    try:
        mill.run("views", "apply", *VIEWS)
        for file in files:
            os.link(file, mill.folder / "inbox" / file.name)
        with_views = mill.cpu("once")
        same = [mill.psql(f"select count(*) from views.{pathlib.Path(view).stem}").strip() for view in VIEWS]
        assert same == rows, (same, rows)
    finally:
        mill.close()
    return resources, rows, load, apply, with_views


def main():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([FHIRMILL, "generate", "--patients", str(PATIENTS), "--seed", "7", "--format", "ndjson",
                        "--out", folder], check=True, capture_output=True)
        files = sorted(file for file in pathlib.Path(folder).rglob("*") if file.is_file())
        size = sum(file.stat().st_size for file in files)
        loads, fills = [], []
        for number in range(ROUNDS):
            resources, rows, load, apply, with_views = round_of(files)
            cost = {name: sum(part[:2]) for name, part in (("load", load), ("apply", apply), ("with", with_views))}
            loads.append(cost["with"] / cost["load"])
            fills.append(cost["apply"] / cost["load"])
            if number == 0:
                print(f"{resources} resources, {size / 1e6:.0f} MB, rows of views: {' '.join(rows)}")
            shown = " | ".join(f"{own:.2f} + {server:.2f}, {memory:.0f}" for own, server, memory in (load, apply, with_views))
            print(f"CPU s of fhirmill + server, peak MB: load, apply, load with views: {shown}", flush=True)
        print(f"loading with six views ÷ without: {statistics.median(loads):.2f} ({min(loads):.2f} to {max(loads):.2f})")
        print(f"applying six views ÷ loading:     {statistics.median(fills):.2f} ({min(fills):.2f} to {max(fills):.2f})")


main()
