"""A session of Spark for the tests: `make test-spark` makes the environment.

FHIRMILL_SPARK_JARS is a folder with the jars of Delta and Iceberg; without it the tests run on
pysail, which has no JVM. FHIRMILL_BIN is the program, whose database is compared.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parent))

# Where Spark is not installed, there is nothing to test.
collect_ignore_glob = [] if importlib.util.find_spec("pyspark") else ["*.py"]


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from sessions import HAS_JARS, sail, session

    if HAS_JARS:
        found = session(tmp_path_factory.mktemp("warehouse"))
        yield found
        found.stop()
    else:
        pytest.importorskip("pysail")
        yield from sail()
