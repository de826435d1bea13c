"""A session of Spark for the tests: `make test-spark` makes the environment.

FHIRMILL_SPARK_JARS is a folder with the jars of Delta and Iceberg. FHIRMILL_BIN is the
program, whose database is compared.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyspark")
sys.path.append(str(Path(__file__).parent))

from sessions import session  # noqa: E402


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    if not os.environ.get("FHIRMILL_SPARK_JARS"):
        pytest.skip("FHIRMILL_SPARK_JARS is not set: make test-spark")
    found = session(tmp_path_factory.mktemp("warehouse"))
    yield found
    found.stop()
