#!/usr/bin/env python3
"""Yardstick: Pathling reads NDJSON files named after their types, and writes them as Parquet.

    pathling_convert.py FOLDER OUT

Prints as JSON the CPU seconds (user and system) and the peak memory of the process with Spark in
it. Needs pathling (PyPI) of one version with its library-runtime JAR (Maven Central), whose path is
PATHLING_JAR, and the Java that the JAR was compiled for: version 9.4.0 needs 21.
"""
import json
import os
import pathlib
import sys

from pathling import PathlingContext
from pyspark.sql import SparkSession


def usage(process):
    """CPU seconds and megabytes that the process has taken so far."""
    fields = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    status = pathlib.Path(f"/proc/{process}/status").read_text()
    peak = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), int(peak) / 1024


def main():
    source, out = sys.argv[1:3]
    builder = SparkSession.builder.master(f"local[{os.cpu_count()}]")
    builder = builder.config("spark.driver.extraClassPath", os.environ["PATHLING_JAR"])
    builder = builder.config("spark.driver.memory", "4g").config("spark.ui.enabled", "false")
    spark = builder.getOrCreate()
    # Servers of terminology are not asked: Parquet needs none.
    context = PathlingContext.create(spark, enable_terminology=False)
    context.read.ndjson(source).write.parquet(out)
    cpu, peak = usage(spark.sparkContext._gateway.proc.pid)
    spark.stop()
    print(json.dumps({"cpu_s": cpu, "peak_mb": peak}))


if __name__ == "__main__":
    main()
