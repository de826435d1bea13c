"""Sessions of Spark, small ones: two cores, few partitions, no user interface."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession


#: Whether there is a Spark with a JVM.
HAS_JARS = bool(os.environ.get("FHIRMILL_SPARK_JARS"))


def sail() -> Iterator[Any]:
    """A session of pysail."""
    from pysail.spark import SparkConnectServer

    server = SparkConnectServer(port=0)
    server.start(background=True)
    _, port = server.listening_address
    found = SparkSession.builder.remote(f"sc://127.0.0.1:{port}").getOrCreate()
    yield found
    found.stop()
    server.stop()


def session(
    warehouse: Path,
    master: str = "local[2]",
    memory: str = "1g",
    is_test: bool = True,
    more: dict[str, str] | None = None,
) -> Any:
    """A session with Delta's tables, and a catalog ``ice`` of Iceberg's."""
    jars = sorted(Path(os.environ["FHIRMILL_SPARK_JARS"]).glob("*.jar"))
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    settings = {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": memory,
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.default.parallelism": "2",
        "spark.sql.session.timeZone": "UTC",
        "spark.databricks.delta.snapshotPartitions": "1",
        "spark.sql.warehouse.dir": str(warehouse / "warehouse"),
        "spark.jars": ",".join(map(str, jars)),
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension,"
        "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.catalog.ice": "org.apache.iceberg.spark.SparkCatalog",
        "spark.sql.catalog.ice.type": "hadoop",
        "spark.sql.catalog.ice.warehouse": str(warehouse / "ice"),
    }
    if is_test:
        # What runs once is not worth compiling well.
        settings |= {
            "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
            "spark.sql.codegen.wholeStage": "false",
            "spark.sql.codegen.factoryMode": "NO_CODEGEN",
            "spark.sql.adaptive.enabled": "false",
        }
    settings |= more or {}
    builder = SparkSession.builder.master(master).appName("fhirmill")
    for name, value in settings.items():
        builder = builder.config(name, value)
    found = builder.getOrCreate()
    found.sparkContext.setLogLevel("ERROR")
    return found
