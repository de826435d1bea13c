#!/usr/bin/env python3
"""Compares `fhirmill snapshot` with psql's binary \\copy of the same tables and views, in turn.

Usage: snapshot.py FHIRMILL DATABASE_URL FOLDER [ROUNDS]

Prints for each round the wall time and the CPU seconds of client and server, the medians of the
ratios, and the peak memory of fhirmill. The server must run on this machine under one user.
"""

import json
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import time


def server_seconds():
    """CPU seconds of all living processes of Postgres, and of those that have ended."""
    total = 0
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text()
        except OSError:
            continue
        name, fields = text[text.index("(") + 1 : text.rindex(")")], text[text.rindex(")") + 2 :].split()
        if name == "postgres":
            # Sessions that have ended count as children of the postmaster.
            total += sum(map(int, fields[11:15] if int(fields[1]) == 1 or is_postmaster(path) else fields[11:13]))
    return total / os.sysconf("SC_CLK_TCK")


def is_postmaster(path):
    return b"-D" in (path.parent / "cmdline").read_bytes()


def measured(command, environment=None, text=None):
    before, server, since = resource.getrusage(resource.RUSAGE_CHILDREN), server_seconds(), time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment, input=text, text=True)
    wall = time.monotonic() - since
    time.sleep(0.2)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    client = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, client + server_seconds() - server


def main():
    fhirmill, url, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 5
    environment = {**os.environ, "DATABASE_URL": url}
    walls, cpus = [], []
    for number in range(rounds):
        lake, copies = folder / "lake", folder / "copies"
        shutil.rmtree(lake, ignore_errors=True)
        ours = measured([fhirmill, "snapshot", "--to", str(lake), "--whole"], environment)
        manifest = json.loads((lake / (lake / "latest").read_text().strip() / "manifest.json").read_text())
        shutil.rmtree(copies, ignore_errors=True)
        copies.mkdir(parents=True)
        script = ""
        for table in manifest["tables"]:
            name = f'{table["schema"]}."{table["name"]}"'
            source = name if table["kind"] == "table" else f"(select * from {name})"
            script += f"\\copy {source} to '{copies}/{table['schema']}.{table['name']}' binary\n"
        theirs = measured(["psql", "--quiet", "--set", "ON_ERROR_STOP=1", url], text=script)
        walls.append(ours[0] / theirs[0])
        cpus.append(ours[1] / theirs[1])
        print(f"round {number + 1}: snapshot {ours[0]:.2f} s, {ours[1]:.2f} CPU s; copy {theirs[0]:.2f} s, {theirs[1]:.2f} CPU s")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    size = sum(path.stat().st_size for path in copies.iterdir()) / 1e6
    print(f"{manifest['rows']} rows, {size:.1f} MB by \\copy, {manifest['bytes'] / 1e6:.1f} MB by snapshot")
    print(f"snapshot / copy: wall {statistics.median(walls):.2f}, CPU {statistics.median(cpus):.2f}; peak {peak:.0f} MB")


main()
