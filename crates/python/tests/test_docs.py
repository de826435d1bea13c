"""The examples of the documents give the answers that stand there."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import fhirmill
import pytest

ROOT = Path(__file__).parents[3]


def test_examples_of_docstrings() -> None:
    pytest.importorskip("pyarrow")
    results = doctest.testmod(fhirmill, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert results.attempted > 10
    assert results.failed == 0


def test_page(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("pyarrow", "pandas", "polars", "duckdb"):
        pytest.importorskip(module)
    monkeypatch.chdir(ROOT)
    page = ROOT / "docs" / "PYTHON.md"
    text = page.read_text(encoding="utf-8")
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    names: dict[str, object] = {}
    blocks = list(re.finditer(r"^```pycon\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    assert len(blocks) > 10
    for block in blocks:
        line = text[: block.start(1)].count("\n")
        test = doctest.DocTestParser().get_doctest(block[1], names, page.name, str(page), line)
        runner.run(test, clear_globs=False)
        names = test.globs
    assert runner.summarize(verbose=False).failed == 0
