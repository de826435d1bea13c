"""Loads from S3 into S3, by hadoop-aws and s3fs, on SeaweedFS.

FHIRMILL_SPARK_WEED is its program, and FHIRMILL_SPARK_AWS the folder with hadoop-aws.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sessions import HAS_JARS

WEED = os.environ.get("FHIRMILL_SPARK_WEED")
SCRIPT = Path(__file__).parent / "s3.py"

KEYS = {
    "identities": [
        {
            "name": "fhirmill",
            "credentials": [{"accessKey": "AK", "secretKey": "swordfish"}],
            "actions": ["Admin", "Read", "Write", "List"],
        }
    ]
}

pytestmark = pytest.mark.skipif(
    not (WEED and HAS_JARS), reason="FHIRMILL_SPARK_WEED or FHIRMILL_SPARK_JARS is not set"
)


def environment(endpoint: str) -> dict[str, str]:
    return {
        **os.environ,
        "FSSPEC_S3_ENDPOINT_URL": endpoint,
        "FSSPEC_S3_KEY": "AK",
        "FSSPEC_S3_SECRET": "swordfish",
    }


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server at an address of the loopback network that only this process uses."""
    assert WEED is not None
    folder = tmp_path_factory.mktemp("weed")
    (folder / "keys.json").write_text(json.dumps(KEYS))
    number = os.getpid()
    address = f"127.{64 + number % 128}.{number // 256 % 256}.{number % 254 + 1}"
    port = 51_000 + 4 * (number % 1000)
    ports = zip(("s3.port", "master.port", "volume.port", "filer.port"), range(port, port + 4))
    options = [f"-{name}={number}" for name, number in ports]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [
                *(WEED, "server", "-s3", *options, f"-ip={address}", f"-ip.bind={address}"),
                *("-master.volumeSizeLimitMB=64", "-volume.max=100", "-volume.minFreeSpace=1MiB"),
                *(f"-s3.config={folder}/keys.json", f"-dir={folder}"),
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        url = f"http://{address}:{port}"
        wait_for(url, server)
        yield url
    finally:
        server.kill()
        server.wait()


def wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    make = "s = __import__('fsspec').filesystem('s3'); s.mkdir('ready'); s.pipe_file('ready/object', b'{}')"
    for _ in range(60):
        assert server.poll() is None, "SeaweedFS has ended"
        made = subprocess.run([sys.executable, "-c", make], env=environment(url), capture_output=True)
        if made.returncode == 0:
            return
        time.sleep(1)
    raise AssertionError("SeaweedFS does not start")


@pytest.mark.parametrize("format", ["delta", "iceberg", "parquet"])
def test_loads(endpoint: str, tmp_path: Path, format: str) -> None:
    bucket = f"lake-{format}"
    make = f"import fsspec; fsspec.filesystem('s3').mkdir('{bucket}')"
    subprocess.run([sys.executable, "-c", make], env=environment(endpoint), check=True)
    run = subprocess.run(
        [sys.executable, str(SCRIPT), format, endpoint, bucket, str(tmp_path)],
        env=environment(endpoint),
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-6000:]
    found, rows = json.loads(run.stdout.splitlines()[-1])
    assert found == [[4, 4, 0, 0], [1, 0, 1, 1]]
    assert rows == {"patient": 4, "patient_name": 7, "etl_resource": 4}
