"""Two loads into a bucket of S3, the second one with MERGE, and what the lake has then.

s3.py FORMAT ENDPOINT BUCKET SCRATCH
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import fsspec
from fhirmill.spark import load
from fhirmill.spark._stores import store
from sessions import session

FORMAT, ENDPOINT, BUCKET, SCRATCH = sys.argv[1:]
settings = {
    "fs.s3a.endpoint": ENDPOINT,
    "fs.s3a.endpoint.region": "us-east-1",
    "fs.s3a.access.key": "AK",
    "fs.s3a.secret.key": "swordfish",
    "fs.s3a.path.style.access": "true",
    "fs.s3a.connection.ssl.enabled": "false",
}
more = {f"spark.hadoop.{name}": value for name, value in settings.items()}
more["spark.sql.catalog.ice.warehouse"] = f"s3a://{BUCKET}/ice"
folders = [Path(os.environ[name]) for name in ("FHIRMILL_SPARK_JARS", "FHIRMILL_SPARK_AWS")]
more["spark.jars"] = ",".join(str(jar) for folder in folders for jar in sorted(folder.glob("*.jar")))
spark = session(Path(SCRATCH), more=more)
into = f"s3a://{BUCKET}/lake"
if FORMAT == "iceberg":
    into = "ice.lake"
    spark.sql("create namespace ice.lake")


def patient(id: str, version: int, *names: str) -> str:
    meta = {"versionId": str(version), "lastUpdated": f"2024-01-{version:02}T00:00:00Z"}
    found = {"resourceType": "Patient", "id": id, "meta": meta, "name": [{"family": n} for n in names]}
    return json.dumps(found) + "\n"


files = fsspec.filesystem("s3")
found = []
for version, ids in ((1, "abcd"), (2, "b")):
    text = "".join(patient(id, version, *["A", "B"][: 3 - version]) for id in ids)
    files.pipe_file(f"{BUCKET}/in/{version}.ndjson", text.encode())
    account = load(spark, f"s3a://{BUCKET}/in/", into, format=FORMAT, source="s", split_bytes=300)
    found.append([account.seen, account.inserted, account.updated, account.files_known])
    again = load(spark, f"s3a://{BUCKET}/in/", into, format=FORMAT, source="s")
    assert again.run is None
tables = store(spark, into, FORMAT)
rows = {name: tables.read(name).count() for name in ("patient", "patient_name", "etl_resource")}
print(json.dumps([found, rows]))
spark.stop()
