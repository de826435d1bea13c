#!/usr/bin/env python3
"""Resources from a topic of Kafka, compared with the same resources from a file; and how long a message
takes to become a visible row.

    benches/kafka.py FHIRMILL

`scripts/fetch-kafka` fetches the broker, Apache Kafka; the packages confluent-kafka and psycopg of PyPI
write and look. Settings by environment: PATIENTS (size of the generated data), ROUNDS (pairs; the median
counts), MESSAGES (of which the latency is taken). Every load gets a private Postgres of its own; file and
topic alternate. The machine is shared by fhirmill, Postgres and the broker, so the CPU seconds of all three
are told: on a machine that does other work, too, their sums compare better than the clock.
"""
import contextlib
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import confluent_kafka.admin
import psycopg

FHIRMILL = os.path.realpath(sys.argv[1])
ROOT = pathlib.Path(__file__).resolve().parent.parent
PATIENTS = int(os.environ.get("PATIENTS") or 100)
ROUNDS = int(os.environ.get("ROUNDS") or 3)
MESSAGES = int(os.environ.get("MESSAGES") or 30)
PARTITIONS = 4


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def java(*arguments, **options):
    command = ["java", "-Xmx512m", "-cp", f"{ROOT}/target/kafka/lib/*", *arguments]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)


@contextlib.contextmanager
def broker():
    """A running broker, which is also the controller: its address."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="fhirmill-kafka-"))
    port, controller = free_port(), free_port()
    properties = folder / "server.properties"
    properties.write_text(f"""process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
log.dirs={folder}/data
offsets.topic.replication.factor=1
group.initial.rebalance.delay.ms=0
""")
    cluster = "MkU3OEVBNTcwNTJENDM2Qg"
    assert java("kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(properties)).wait() == 0
    process = java("kafka.Kafka", str(properties))
    address = f"127.0.0.1:{port}"
    try:
        admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": address})
        for topic in ("bench", "latency"):
            new = confluent_kafka.admin.NewTopic(topic, PARTITIONS, 1)
            admin.create_topics([new], request_timeout=120)[topic].result()
        yield address, process.pid
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def cpu(pid):
    """CPU seconds of a process and all of its children, those that have ended included."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True).stdout.split()
    family = {pid}
    for child, parent in sorted(zip(map(int, listed[::2]), map(int, listed[1::2]))):
        family |= {child} if parent in family else set()
    ticks = 0
    for member in family:
        with contextlib.suppress(FileNotFoundError):
            fields = pathlib.Path(f"/proc/{member}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += sum(map(int, fields[11:15 if member == pid else 13]))
    return ticks / os.sysconf("SC_CLK_TCK")


class Mill:
    """A scratch folder with an empty, migrated private server, and a feed of one topic."""

    def __init__(self, address, topic):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="fhirmill-bench-"))
        self.folder.chmod(0o755)
        (self.folder / "inbox" / "north").mkdir(parents=True)
        (self.folder / "fhirmill.toml").write_text(
            f'[[feed]]\nname = "events"\nkind = "kafka"\nsource = "north"\nbrokers = ["{address}"]\n'
            f'topics = ["{topic}"]\n')
        self.environment = {**os.environ, "DATABASE_URL": "", "WORKERS": "2"}
        self.run("database", "start")
        self.run("migrate", "up")

    def run(self, *arguments):
        """Wall seconds and CPU seconds of a command that succeeds."""
        begin = time.monotonic()
        process = subprocess.Popen([FHIRMILL, *arguments], cwd=self.folder, env=self.environment,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        assert os.waitstatus_to_exitcode(status) == 0, arguments
        return time.monotonic() - begin, usage.ru_utime + usage.ru_stime

    def connect(self):
        url = subprocess.run([FHIRMILL, "database", "url"], cwd=self.folder, env=self.environment, check=True,
                             capture_output=True, text=True).stdout.strip()
        return psycopg.connect(url, autocommit=True)

    def postgres(self):
        """The process of its private server."""
        with self.connect() as connection:
            folder = connection.execute("show data_directory").fetchone()[0]
        return int(pathlib.Path(folder, "postmaster.pid").read_text().split()[0])

    def resources(self):
        with self.connect() as connection:
            return connection.execute("select count(*) from etl.resource").fetchone()[0]

    def close(self):
        subprocess.run([FHIRMILL, "database", "reset", "--yes"], cwd=self.folder, env=self.environment,
                       capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def load(address, broker, files):
    """From files where there are some, from the topic otherwise. Wall seconds, and CPU seconds of fhirmill,
    Postgres and the broker."""
    mill = Mill(address, "bench")
    try:
        for file in files:
            shutil.copyfile(file, mill.folder / "inbox" / "north" / file.name)
        others = [mill.postgres(), broker]
        before = [cpu(pid) for pid in others]
        seconds, own = mill.run("once") if files else mill.run("feeds", "run", "events")
        postgres, broker = (cpu(pid) - used for pid, used in zip(others, before))
        return seconds, own, postgres, broker, mill.resources()
    finally:
        mill.close()


def fill(address, files):
    producer = confluent_kafka.Producer({"bootstrap.servers": address, "queue.buffering.max.kbytes": 1 << 20,
                                         "queue.buffering.max.messages": 1 << 22})
    count, size = 0, 0
    for file in files:
        for line in file.read_bytes().splitlines():
            resource = json.loads(line)
            producer.produce("bench", line, key=f"{resource['resourceType']}/{resource['id']}")
            producer.poll(0)
            count, size = count + 1, size + len(line)
    producer.flush()
    return count, size


def throughput(address, broker, files):
    count, size = fill(address, files)
    file, topic = [], []
    for number in range(ROUNDS):
        for kind, source in ((file, files), (topic, []))[::1 if number % 2 else -1]:
            kind.append(load(address, broker, source))
    assert {one[-1] for one in file + topic} == {file[0][-1]}, (file, topic)
    median = lambda kind, field: statistics.median(one[field] for one in kind)
    print(f"{count} messages of one resource, {size / 1e6:.0f} MB, {PARTITIONS} partitions, {ROUNDS} pairs")
    for field, name in enumerate(["wall seconds", "CPU fhirmill", "CPU Postgres", "CPU broker"]):
        print(f"  {name:13} file {median(file, field):6.2f}, topic {median(topic, field):6.2f}")
    rate = statistics.median(a[0] / b[0] for a, b in zip(file, topic))
    work = statistics.median(sum(a[1:4]) / sum(b[1:4]) for a, b in zip(file, topic))
    print(f"  the topic's rate is {rate:.2f} of the file's by the clock, {work:.2f} by the CPU of all three", flush=True)


def latency(address):
    mill = Mill(address, "latency")
    service = subprocess.Popen([FHIRMILL, "run"], cwd=mill.folder, env=mill.environment,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        producer = confluent_kafka.Producer({"bootstrap.servers": address, "linger.ms": 0})
        taken = []
        with mill.connect() as connection:
            for number in range(MESSAGES + 3):
                patient = {"resourceType": "Patient", "id": f"p{number}"}
                producer.produce("latency", json.dumps(patient), key=f"Patient/p{number}")
                producer.flush()
                begin = time.monotonic()
                while not connection.execute("select 1 from patient where fhir_id = %s", [f"p{number}"]).fetchone():
                    assert time.monotonic() - begin < 120, "the message does not become a row"
                    time.sleep(0.005)
                taken.append(time.monotonic() - begin)
                # Not in step with the batches.
                time.sleep(number * 0.037 % 0.9)
        # The first ones wait for the service to start.
        taken = sorted(taken[3:])
        print(f"message to visible row, {MESSAGES} messages: median {statistics.median(taken):.2f} s, "
              f"most {taken[-1]:.2f} s")
    finally:
        service.terminate()
        service.wait()
        mill.close()


def main():
    with tempfile.TemporaryDirectory(prefix="fhirmill-data-") as folder, broker() as (address, process):
        subprocess.run([FHIRMILL, "generate", "--patients", str(PATIENTS), "--format", "ndjson", "--out", folder],
                       check=True, capture_output=True)
        throughput(address, process, sorted(file for file in pathlib.Path(folder).iterdir() if file.is_file()))
        latency(address)


main()
