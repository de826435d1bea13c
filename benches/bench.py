#!/usr/bin/env python3
"""Measures fhirmill as ratios within one run, against baselines that anyone can repeat.

    benches/bench.py FHIRMILL MAP_EXAMPLE OUT_FOLDER

Settings by environment: PATIENTS (size of the generated data), ROUNDS (of each measurement, the
median counts), ONLY (names, comma-separated), QUICK=1 (small and once).

Every round gets a private Postgres of its own in a scratch folder. Rounds of things that are
compared alternate. After every load `fhirmill check` must pass.
"""
import gzip
import json
import os
import pathlib
import platform
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import uploads as uploads_bench

FHIRMILL, MAP, OUT = (os.path.realpath(argument) for argument in sys.argv[1:4])
QUICK = os.environ.get("QUICK") == "1"
PATIENTS = int(os.environ.get("PATIENTS") or (20 if QUICK else 300))
ROUNDS = int(os.environ.get("ROUNDS") or (1 if QUICK else 5))
ONLY = [name for name in os.environ.get("ONLY", "").split(",") if name]
WORKERS = 2
MEDIAN = statistics.median


class Mill:
    """A scratch folder with an empty, migrated private server."""

    def __init__(self, **settings):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="fhirmill-bench-"))
        self.folder.chmod(0o755)
        (self.folder / "inbox").mkdir()
        self.environment = {**os.environ, "DATABASE_URL": "", "SETTLE_SECONDS": "0",
                            "WORKERS": str(WORKERS), **settings}
        self.run("database", "start")
        self.run("migrate", "up")
        self.url = self.run("database", "url").strip()

    def run(self, *arguments):
        return subprocess.run([FHIRMILL, *arguments], cwd=self.folder, env=self.environment,
                              check=True, capture_output=True, text=True).stdout

    def deliver(self, *files):
        for file in files:
            shutil.copyfile(file, self.folder / "inbox" / file.name)

    def once(self):
        """Loads the inbox; returns seconds, peak kB and the summary."""
        begin = time.monotonic()
        process = subprocess.Popen([FHIRMILL, "once", "--json"], cwd=self.folder, env=self.environment,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        out = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        assert os.waitstatus_to_exitcode(status) == 0, "the load failed"
        return time.monotonic() - begin, usage.ru_maxrss, json.loads(out)

    def psql(self, sql):
        return subprocess.run(["psql", self.url, "-qAtX", "-v", "ON_ERROR_STOP=1", "-c", sql],
                              check=True, capture_output=True, text=True).stdout.strip()

    def check(self):
        self.run("check")

    def close(self):
        subprocess.run([FHIRMILL, "database", "reset", "--yes"], cwd=self.folder, env=self.environment,
                       capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def generate(folder, patients, form, seed=7):
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run([FHIRMILL, "generate", "--patients", str(patients), "--seed", str(seed), "--format", form,
                    "--out", str(folder)], check=True, capture_output=True)
    return sorted(file for file in folder.iterdir() if file.is_file())


def loaded(files, **settings):
    """Loads the files into an empty database; returns seconds, peak kB and the summary."""
    with Mill(**settings) as mill:
        mill.deliver(*files)
        result = mill.once()
        mill.check()
        return result


def rows_seconds(summary):
    """The seconds that the run reports, without building indexes."""
    return summary["seconds"] - summary.get("index_seconds", 0)


# ---------------------------------------------------------------------------- the measurements

def mapped(files, batch_bytes):
    """Frames and maps the files in batches of that size; returns MB per CPU second."""
    out = subprocess.run([MAP, *map(str, files)], check=True, capture_output=True, text=True,
                         env={**os.environ, "BATCH_BYTES": str(batch_bytes)}).stdout
    result = json.loads(out)
    return result["file_bytes"] / 1e6 / result["cpu_seconds"]


def map_speed(data):
    """Frames and maps on one core: rows are encoded, without a database. Compared with DuckDB
    flattening 13 tables into memory on one thread, in alternating runs. Small batches, which stay
    in the processor's cache, show what the size of a load's batches costs."""
    python, script = duckdb_flatten()
    rows = []
    for name, files, goal in (("compact NDJSON", data["ndjson"], 250), ("pretty Bundles", data["bundles"], 300)):
        rates, small, theirs = [], [], []
        for _ in range(ROUNDS):
            rates.append(mapped(files, 6 << 20))
            small.append(mapped(files, 1 << 19))
            out = subprocess.run([python, script, "--input", files[0].parent, "--threads", "1"],
                                 check=True, capture_output=True, text=True).stdout
            result = json.loads(out.strip().split("\n")[-1])
            theirs.append(result["input_bytes"] / 1e6 / (result["read_cpu_s"] + result["flatten_cpu_s"]))
        ratio = MEDIAN(a / b for a, b in zip(rates, theirs))
        rows.append((f"frame and map, one core, {name}", f"{MEDIAN(rates):.0f} MB per CPU second", f">= {goal}"))
        rows.append((f"the same in batches of 0.5 MB instead of 6, {name}", f"{MEDIAN(small):.0f} MB per CPU second", ""))
        rows.append((f"the same ÷ DuckDB's flatten of 13 tables, {name}", f"{ratio:.2f} ({MEDIAN(theirs):.0f} MB per CPU second)", ""))
    return rows


def export(mill, folder):
    """Writes all rows of a loaded database to binary COPY files, one per table."""
    names = mill.psql("select format('%I.%I', schemaname, tablename) from pg_tables "
                      "where schemaname in ('public', 'etl') and tablename not like '\\_\\_%' order by 1").split()
    files = []
    for name in names:
        file = folder / f"{name}.copy"
        mill.psql(f"\\copy {name} to '{file}' (format binary)")
        if file.stat().st_size > 21 and name not in ("etl.source", "etl.code_map", "etl.load_run", "etl.load_file"):
            files.append((name, file))
    return sorted(files, key=lambda pair: -pair[1].stat().st_size)


def copy_again(files):
    """The baseline: psql's binary \\copy of the same rows into the same empty tables."""
    with Mill() as mill:
        # Migrations have filled some tables.
        files = [pair for pair in files if mill.psql(f"select not exists (select from {pair[0]})").strip() == "t"]
        begin = time.monotonic()
        with ThreadPoolExecutor(WORKERS) as sessions:
            list(sessions.map(lambda pair: mill.psql(f"\\copy {pair[0]} from '{pair[1]}' (format binary)"), files))
        return time.monotonic() - begin


def onboarding(data):
    """Loads the whole model into an empty database, compared with \\copy of the same rows."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="fhirmill-bench-") as folder:
        folder = pathlib.Path(folder)
        folder.chmod(0o777)
        with Mill() as mill:
            mill.deliver(*data["bundles"])
            mill.once()
            size = int(mill.psql("select pg_database_size(current_database())"))
            exported = export(mill, folder)
        loads, copies, bodies, peaks, body_size = [], [], [], [], 0
        for _ in range(ROUNDS):
            seconds, peak, summary = loaded(data["bundles"])
            loads.append(rows_seconds(summary))
            peaks.append(peak)
            copies.append(copy_again(exported))
            with Mill(KEEP_BODIES="database") as mill:
                mill.deliver(*data["bundles"])
                _, _, summary = mill.once()
                bodies.append(rows_seconds(summary))
                body_size = int(mill.psql("select pg_database_size(current_database())"))
        ratio = MEDIAN(a / b for a, b in zip(loads, copies))
        rows.append(("onboarding ÷ \\copy of the same rows", f"{ratio:.2f} ({MEDIAN(loads):.1f} s ÷ {MEDIAN(copies):.1f} s)",
                     "<= 1.25"))
        ratio = MEDIAN(a / b for a, b in zip(bodies, loads))
        rows.append(("the same with KEEP_BODIES=database ÷ without", f"{ratio:.2f}", "reported"))
        rows.append(("peak memory of the onboarding, 2 workers", f"{max(peaks) / 1024:.0f} MB", "<= 200 MB"))
        compact = sum(file.stat().st_size for file in data["ndjson"])
        rows.append(("bytes in Postgres ÷ bytes of compact JSON, without and with bodies",
                     f"{size / compact:.2f}, {body_size / compact:.2f}", "reported"))
    return rows


DUCKDB_TYPES = ("Patient,Encounter,Claim,ExplanationOfBenefit,Condition,Observation,Procedure,"
                "MedicationRequest,Immunization")


def duckdb_flatten():
    """A Python with DuckDB, and the script to run."""
    environment = pathlib.Path(OUT) / "duckdb"
    python = environment / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True, capture_output=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "duckdb"], check=True, capture_output=True)
    return python, pathlib.Path(__file__).with_name("duckdb_flatten.py")


def duckdb(data):
    """Compares the whole model, and DuckDB's resource types alone, with DuckDB and psql: 13 tables
    of selected columns, without versions or lineage. The time of \\copy alone for the same rows
    is the limit for a loader that writes all of them."""
    python, script = duckdb_flatten()
    whole, rows_alone, alike, memory, times, floors = [], [], [], [], [], []
    for _ in range(ROUNDS):
        with Mill() as mill:
            begin = time.monotonic()
            process = subprocess.Popen([python, script, "--input", data["bundles"][0].parent, "--dsn", mill.url],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            assert os.waitstatus_to_exitcode(status) == 0, "DuckDB failed"
            theirs = time.monotonic() - begin
        with Mill() as mill, tempfile.TemporaryDirectory(prefix="fhirmill-bench-") as folder:
            mill.deliver(*data["bundles"])
            ours, peak, summary = mill.once()
            floor = copy_again(export(mill, pathlib.Path(folder)))
        with Mill(RESOURCE_TYPES=DUCKDB_TYPES) as mill, \
                tempfile.TemporaryDirectory(prefix="fhirmill-bench-") as folder:
            mill.deliver(*data["bundles"])
            same_types, _, _ = mill.once()
            floor_alike = copy_again(export(mill, pathlib.Path(folder)))
        floors.append((floor / theirs, floor_alike / theirs))
        whole.append(ours / theirs)
        rows_alone.append(rows_seconds(summary) / theirs)
        alike.append(same_types / theirs)
        memory.append(peak / usage.ru_maxrss)
        times.append((ours, same_types, theirs))
    seconds = " s, ".join(f"{MEDIAN(column):.1f}" for column in zip(*times))
    return [("onboarding of the whole model ÷ DuckDB + psql of 13 tables, indexes included",
             f"{MEDIAN(whole):.2f} ({seconds} s: whole, DuckDB's types, DuckDB)", "<= 1.0"),
            ("the same without building indexes and statistics, which DuckDB + psql do not make",
             f"{MEDIAN(rows_alone):.2f}", ""),
            ("the same resource types ÷ DuckDB + psql", f"{MEDIAN(alike):.2f}", "<= 0.6"),
            ("`\\copy` alone of the same rows ÷ DuckDB + psql: the whole model, the same resource types",
             ", ".join(f"{MEDIAN(column):.2f}" for column in zip(*floors)), ""),
            ("its peak memory ÷ DuckDB's", f"{MEDIAN(memory):.2f}", "<= 0.2")]


def hashing(files):
    """The time of hashing alone: openssl on one core per worker, with the files in memory."""
    begin = time.monotonic()
    with ThreadPoolExecutor(WORKERS) as threads:
        shares = [files[share::WORKERS] for share in range(WORKERS)]
        list(threads.map(lambda share: subprocess.run(["openssl", "dgst", "-sha256", *share], check=True,
                                                      capture_output=True), shares))
    return time.monotonic() - begin


def again(data):
    """Loads the same files again, and the same resources repackaged."""
    same, packed, hashes = [], [], []
    by_size = sorted(data["ndjson"], key=lambda file: -file.stat().st_size)
    for _ in range(ROUNDS):
        with Mill() as mill:
            mill.deliver(*data["ndjson"])
            first, _, _ = mill.once()
            mill.deliver(*data["ndjson"])
            second, _, _ = mill.once()
            for file in data["ndjson"]:
                with open(file, "rb") as plain, gzip.open(mill.folder / "inbox" / f"{file.name}.gz", "wb", 1) as out:
                    shutil.copyfileobj(plain, out)
            third, _, summary = mill.once()
            assert summary["rows"] == 0, "unchanged resources were written"
            mill.check()
            hashes.append(hashing(by_size) / first)
            same.append(second / first)
            packed.append(third / first)
    return [("the same files again ÷ onboarding", f"{MEDIAN(same):.3f}", "<= 0.02"),
            ("hashing these files by openssl, and nothing else ÷ onboarding", f"{MEDIAN(hashes):.3f}", ""),
            ("the same resources in other packaging ÷ onboarding", f"{MEDIAN(packed):.2f}", "<= 0.25")]


def changed(data):
    """Loads everything again with one resource in twenty changed: the extra cost per changed
    resource, compared with a new one."""
    ratios = []
    for _ in range(ROUNDS):
        with Mill() as mill:
            mill.deliver(*data["ndjson"])
            first, _, summary = mill.once()
            new = first / summary["seen"]
            seconds = []
            for name, change in (("same", False), ("changed", True)):
                for file in data["ndjson"]:
                    with open(file) as lines, open(mill.folder / "inbox" / f"{name}-{file.name}", "w") as out:
                        out.write("\n")
                        for number, line in enumerate(lines):
                            if change and number % 20 == 0:
                                line = line.replace('{"resourceType"', '{"language":"en","resourceType"', 1)
                            out.write(line)
                took, _, summary = mill.once()
                seconds.append(took)
            assert summary["account"]["updated"] > 0
            ratios.append((seconds[1] - seconds[0]) / summary["account"]["updated"] / new)
            mill.check()
    return [("5 % changed: cost of a changed resource ÷ cost of a new one", f"{MEDIAN(ratios):.2f}", "<= 2")]


def growth(data):
    """Loads more and more patients into one database: time per resource as it fills."""
    steps, points = (3 if QUICK else 16), []
    with tempfile.TemporaryDirectory(prefix="fhirmill-bench-") as folder, Mill() as mill:
        for step in range(steps):
            files = generate(pathlib.Path(folder) / str(step), PATIENTS, "ndjson", seed=100 + step)
            for file in files:
                shutil.move(file, mill.folder / "inbox" / f"{step}-{file.name}")
            seconds, _, summary = mill.once()
            points.append((step + 1, rows_seconds(summary) / summary["seen"] * 1e6))
        mill.check()
    curve(points)
    begin, end = points[1][1], MEDIAN(point[1] for point in points[-3:])
    return [(f"growth to {steps} times the data: time per resource at the end ÷ at the start",
             f"{end / begin:.2f}", "<= 1.2")]


def curve(points):
    top = max(value for _, value in points) * 1.2
    place = lambda point: (60 + (point[0] - 1) * 480 / max(len(points) - 1, 1), 220 - point[1] / top * 190)
    line = " ".join(f"{x:.0f},{y:.0f}" for x, y in map(place, points))
    marks = "".join(f'<circle cx="{place(p)[0]:.0f}" cy="{place(p)[1]:.0f}" r="3"/>'
                    f'<text x="{place(p)[0]:.0f}" y="{place(p)[1] - 9:.0f}" text-anchor="middle">{p[1]:.0f}</text>'
                    f'<text x="{place(p)[0]:.0f}" y="238" text-anchor="middle">{p[0]}×</text>' for p in points)
    (pathlib.Path(OUT) / "growth.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 250" font-family="sans-serif" font-size="11">'
        '<rect width="600" height="250" fill="white"/><path d="M60 25V220H560" fill="none" stroke="#999"/>'
        '<text x="60" y="15">µs per resource, as one database fills</text>'
        f'<polyline points="{line}" fill="none" stroke="#36c" stroke-width="2"/><g fill="#36c">{marks}</g></svg>\n')


def workers(data):
    """Compares one worker with two."""
    ratios = []
    for _ in range(ROUNDS):
        one = rows_seconds(loaded(data["ndjson"], WORKERS="1")[2])
        two = rows_seconds(loaded(data["ndjson"], WORKERS="2")[2])
        ratios.append(one / two)
    return [("two workers against one", f"{MEDIAN(ratios):.2f} times as fast", "reported")]


def small_files(data):
    """Compares many files of one resource each with the same resources in one file."""
    count = 1000 if QUICK else 20000
    lines = []
    for file in data["ndjson"]:
        with open(file) as text:
            lines += [line for number, line in enumerate(text) if number % 3 == 0]
    lines = lines[:count]
    ratios = []
    for _ in range(min(ROUNDS, 3)):
        with Mill() as mill:
            (mill.folder / "inbox" / "one.ndjson").write_text("".join(lines))
            one = rows_seconds(mill.once()[2])
        with Mill() as mill:
            for number, line in enumerate(lines):
                (mill.folder / "inbox" / f"{number}.json").write_text(line)
            many = rows_seconds(mill.once()[2])
            mill.check()
        ratios.append(one / many)
    return [(f"{len(lines)} files of one resource: their rate ÷ the rate of one file", f"{MEDIAN(ratios):.2f}", ">= 0.3")]


def arrival(data):
    """The time from a rename into the inbox of the running service until the row is visible."""
    with Mill(WATCH="native") as mill:
        service = subprocess.Popen([FHIRMILL, "run"], cwd=mill.folder, env=mill.environment,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        psql = subprocess.Popen(["psql", mill.url, "-qAtX"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        times = []
        try:
            time.sleep(3)
            for number in range(3 if QUICK else 20):
                part = mill.folder / "inbox" / f"{number}.part"
                part.write_text(f'{{"resourceType":"Patient","id":"arrival-{number}"}}')
                begin = time.monotonic()
                part.rename(mill.folder / "inbox" / f"{number}.json")
                while time.monotonic() - begin < 30:
                    psql.stdin.write(f"select count(*) from patient where fhir_id = 'arrival-{number}';\n")
                    psql.stdin.flush()
                    if psql.stdout.readline().strip() == "1":
                        break
                    time.sleep(0.005)
                times.append(time.monotonic() - begin)
                time.sleep(0.3)
        finally:
            psql.stdin.close()
            psql.wait()
            service.terminate()
            service.wait()
    return [("a file's arrival until its row is visible", f"{MEDIAN(times) * 1000:.0f} ms", "<= 300 ms")]


def row_by_row(data):
    """What an ORM usually does: one upsert per row, one transaction per resource."""
    with Mill() as mill:
        mill.deliver(*data["ndjson"])
        _, _, summary = mill.once()
        fast = summary["rows"] / rows_seconds(summary)
        sql, rows = [], 0
        columns = {}
        for table in ("patient", "patient_name", "encounter", "encounter_participant", "condition"):
            key = mill.psql("select string_agg(quote_ident(a.attname), ', ') from pg_index i join pg_attribute a "
                            f"on a.attrelid = i.indrelid and a.attnum = any (i.indkey) where i.indrelid = '{table}'::regclass "
                            "and i.indisprimary")
            names = mill.psql("select string_agg(quote_ident(attname), ',' order by attnum) from pg_attribute "
                              f"where attrelid = '{table}'::regclass and attnum > 0 and not attisdropped")
            updates = ", ".join(f"{name} = excluded.{name}" for name in names.split(","))
            values = mill.psql(f"select format('({','.join(['%L'] * len(names.split(',')))})', {names}) from {table} limit 2000")
            for line in values.split("\n"):
                sql.append(f"insert into {table} ({names}) values {line} on conflict ({key}) do update set {updates};")
        mill.psql("truncate patient, patient_name, encounter, encounter_participant, condition")
        script = mill.folder / "rows.sql"
        script.write_text("\n".join(sql))
        begin = time.monotonic()
        subprocess.run(["psql", mill.url, "-qAtX", "-f", str(script)], check=True, capture_output=True)
        slow = len(sql) / (time.monotonic() - begin)
    return [("rows a second ÷ one upsert a row, each committed", f"{fast / slow:.0f} times", ">= 20 times")]


def uploads(data):
    """Uploads over the network; needs a binary with the feature `server`."""
    with Mill() as mill:
        return uploads_bench.measure(FHIRMILL, mill, uploads_bench.clients(OUT), 64 if QUICK else 2048,
                                     min(ROUNDS, 3))


def updates(data):
    """Updates over HTTP, stored when they are answered, by clients that keep their connections open."""
    load = pathlib.Path(FHIRMILL).parent / "examples" / "update_load"
    found, seconds = {"puts": [], "bundles": []}, "2" if QUICK else "10"
    for _ in range(ROUNDS):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{probe.getsockname()[1]}"
        with Mill(HTTP_ADDRESS=address) as mill:
            sender = json.loads(mill.run("senders", "add", "lab", "--source", "lab", "--json"))
            service = subprocess.Popen([FHIRMILL, "run"], cwd=mill.folder, env=mill.environment,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                token = token_of(address, sender)
                for kind, clients in (("puts", "32"), ("bundles", "8")):
                    out = subprocess.run([load, address, token, kind, clients, seconds], check=True,
                                         capture_output=True, text=True).stdout
                    found[kind].append(json.loads(out))
                    print(f"  {kind}: {out.strip()}", file=sys.stderr)
                stored = int(mill.psql("select count(*) from observation"))
                sent = sum(rounds[-1]["resources"] for rounds in found.values())
                assert stored == sent, (stored, sent)
            finally:
                service.terminate()
                service.wait()
            mill.run("check")
    median = lambda kind, figure: MEDIAN(of[figure] for of in found[kind])
    return [("PUTs a second, 32 clients, stored when answered", f"{median('puts', 'per_second'):.0f}", ">= 1,000"),
            ("their 99th percentile", f"{median('puts', 'p99_ms'):.0f} ms", "<= 250 ms"),
            ("resources a second, transactions of 100, 8 clients", f"{median('bundles', 'per_second'):.0f}", ">= 3,000")]


def token_of(address, sender):
    """An access token, once the service answers."""
    body = urllib.parse.urlencode({"grant_type": "client_credentials", "client_id": sender["client_id"],
                                   "client_secret": sender["client_secret"]}).encode()
    for _ in range(200):
        try:
            return json.load(urllib.request.urlopen(f"http://{address}/auth/token", body))["access_token"]
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the service does not answer")


MEASUREMENTS = {function.__name__: function for function in
                (map_speed, onboarding, duckdb, again, changed, growth, workers, small_files, arrival, row_by_row,
                 uploads, updates)}


def main():
    out = pathlib.Path(OUT)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fhirmill-bench-") as folder:
        folder = pathlib.Path(folder)
        data = {"ndjson": generate(folder / "ndjson", PATIENTS, "ndjson"),
                "bundles": generate(folder / "bundles", PATIENTS, "bundles")}
        megabytes = {name: sum(file.stat().st_size for file in files) / 1e6 for name, files in data.items()}
        rows = []
        for name, measure in MEASUREMENTS.items():
            if ONLY and name not in ONLY:
                continue
            print(f"{name} …", file=sys.stderr)
            for row in measure(data):
                print(" | ".join(row), file=sys.stderr)
                rows.append(row)
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    server = subprocess.run(["psql", "--version"], capture_output=True, text=True).stdout.strip()
    machine = f"{os.cpu_count()} cores of {cpu}, {platform.system()} {platform.release()}, {server}"
    input_words = (f"{PATIENTS} generated patients: {megabytes['ndjson']:.0f} MB as NDJSON, "
                   f"{megabytes['bundles']:.0f} MB as Bundles; medians of {ROUNDS}")
    table = "\n".join(["| what | measured | to reach |", "|---|---|---|"] + [f"| {' | '.join(row)} |" for row in rows])
    (out / "results.md").write_text(f"{machine}  \n{input_words}\n\n{table}\n")
    (out / "results.json").write_text(json.dumps({"machine": machine, "input": input_words, "rows": rows}, indent=1))
    print(f"{machine}\n{input_words}\n\n{table}")


main()
