#!/usr/bin/env python3
"""Onboarding from S3 on the same machine, compared with onboarding the same files from a folder.

    benches/storage.py FHIRMILL WEED

Settings by environment: PATIENTS (size of the generated data, as NDJSON), ROUNDS (pairs; the median
counts). SeaweedFS is the store, for inbox and archive. Every load gets a private Postgres of its own;
folder and store alternate. CPU seconds are those of the process of fhirmill, without Postgres and
SeaweedFS; memory is its peak.
"""
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

FHIRMILL, WEED = (os.path.realpath(argument) for argument in sys.argv[1:3])
PATIENTS = int(os.environ.get("PATIENTS") or 300)
ROUNDS = int(os.environ.get("ROUNDS") or 5)
ADDRESS = "127.91.7.1"
BUCKET = "bench"
IDENTITIES = {"identities": [
    {"name": "fhirmill", "credentials": [{"accessKey": "AK", "secretKey": "SK"}],
     "actions": ["Admin", "Read", "Write", "List"]},
    {"name": "anonymous", "actions": ["Admin", "Read", "Write", "List"]}]}
STORE = {"INBOX_URL": f"s3://{BUCKET}/inbox", "ARCHIVE_URL": f"s3://{BUCKET}/archive",
         "REJECTS_URL": f"s3://{BUCKET}/rejects", "STORAGE_ALLOW_HTTP": "on",
         "AWS_ENDPOINT_URL": f"http://{ADDRESS}:8333", "AWS_ACCESS_KEY_ID": "AK",
         "AWS_SECRET_ACCESS_KEY": "SK", "AWS_REGION": "us-east-1"}


def call(method, path, body=None):
    connection = http.client.HTTPConnection(ADDRESS, 8333, timeout=120)
    connection.request(method, path, body=body)
    answer = connection.getresponse()
    answer.read()
    return answer.status


@contextlib.contextmanager
def seaweed():
    """A running server with an empty bucket."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="fhirmill-weed-"))
    (folder / "keys.json").write_text(json.dumps(IDENTITIES))
    process = subprocess.Popen(
        [WEED, "server", "-s3", "-s3.port=8333", f"-s3.config={folder / 'keys.json'}", f"-ip={ADDRESS}",
         f"-ip.bind={ADDRESS}", f"-dir={folder}", "-master.volumeSizeLimitMB=256", "-volume.max=100",
         "-volume.minFreeSpace=1MiB"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            with contextlib.suppress(OSError, http.client.HTTPException):
                if call("PUT", f"/{BUCKET}") in (200, 409) and call("PUT", f"/{BUCKET}/ready", b"{}") == 200:
                    break
            time.sleep(0.2)
        yield
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


class Mill:
    """A scratch folder with an empty, migrated private server."""

    def __init__(self, settings):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="fhirmill-bench-"))
        self.folder.chmod(0o755)
        (self.folder / "inbox").mkdir()
        environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        environment.pop("AWS_CA_BUNDLE", None)
        self.environment = {**environment, "DATABASE_URL": "", "WORKERS": "2", **settings}
        self.run("database", "start")
        self.run("migrate", "up")

    def run(self, *arguments):
        subprocess.run([FHIRMILL, *arguments], cwd=self.folder, env=self.environment, check=True,
                       capture_output=True)

    def once(self):
        """Loads what is in the inbox: wall seconds, CPU seconds, MB at the peak, the summary."""
        begin = time.monotonic()
        process = subprocess.Popen([FHIRMILL, "once", "--json"], cwd=self.folder, env=self.environment,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        out = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        assert os.waitstatus_to_exitcode(status) == 0, "the load failed"
        seconds = time.monotonic() - begin
        return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000, json.loads(out)

    def close(self):
        subprocess.run([FHIRMILL, "database", "reset", "--yes"], cwd=self.folder, env=self.environment,
                       capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def load(files, settings):
    mill = Mill(settings)
    try:
        for file in files:
            if settings:
                assert call("PUT", f"/{BUCKET}/inbox/north/{file.name}", file.read_bytes()) == 200
            else:
                (mill.folder / "inbox" / "north").mkdir(exist_ok=True)
                shutil.copyfile(file, mill.folder / "inbox" / "north" / file.name)
        result = mill.once()
        mill.run("check")
        return result
    finally:
        mill.close()


def compare(what, files):
    megabytes = sum(file.stat().st_size for file in files) / 1e6
    folder, store = [], []
    for number in range(ROUNDS):
        # Whoever comes first finds a colder machine.
        for kind, settings in ((folder, {}), (store, STORE))[::1 if number % 2 else -1]:
            kind.append(load(files, settings))
    assert folder[0][3]["seen"] == store[0][3]["seen"] and folder[0][3]["rows"] == store[0][3]["rows"]
    ratio = lambda field: statistics.median(b[field] / a[field] for a, b in zip(folder, store))
    median = lambda kind, field: statistics.median(one[field] for one in kind)
    print(f"{what}, {len(files)} files, {megabytes:.0f} MB, {ROUNDS} pairs")
    print(f"  CPU seconds   folder {median(folder, 1):.1f}, S3 {median(store, 1):.1f}, ratio {ratio(1):.2f}")
    print(f"  wall seconds  folder {median(folder, 0):.1f}, S3 {median(store, 0):.1f}, ratio {ratio(0):.2f}")
    print(f"  peak MB       folder {max(one[2] for one in folder):.0f}, S3 {max(one[2] for one in store):.0f}",
          flush=True)


def main():
    with tempfile.TemporaryDirectory(prefix="fhirmill-data-") as folder, seaweed():
        for form in ("ndjson", "bundles"):
            out = pathlib.Path(folder) / form
            out.mkdir()
            subprocess.run([FHIRMILL, "generate", "--patients", str(PATIENTS), "--format", form, "--out", str(out)],
                           check=True, capture_output=True)
            compare(form, sorted(file for file in out.iterdir() if file.is_file()))


main()
