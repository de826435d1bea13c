"""Staging by many tasks and deciding apart from it gives what reading at once gives."""

from __future__ import annotations

import random
from typing import Any

import fhirmill as fm
import pytest
from fhirmill import _native
from test_versions import DAYS, deletion, resource

pa = pytest.importorskip("pyarrow")

STATE = ["inherited_at", "inherited_version", "dated_file", "dated_position", "revision"]


class Options:
    source = "default"
    timezone = "UTC"
    base_urls: list[str] = []
    owners: list[Any] = []
    max_rejects = 10
    on_disk = False

    def __init__(self, task: int, batch_bytes: int) -> None:
        self.first_record = task << 32
        self.batch_bytes = batch_bytes


def table(native: Any) -> Any:
    return pa.RecordBatchReader.from_stream(native).read_all()


def records(content: list[bytes], first_file: int, rng: random.Random) -> Any:
    """The records of files that tasks of random sizes stage in random order."""
    tasks: list[tuple[int, list[bytes]]] = []
    at = 0
    while at < len(content):
        end = at + rng.randint(1, 4)
        tasks.append((at, content[at:end]))
        at = end
    rng.shuffle(tasks)
    found = []
    for number, (start, files) in enumerate(tasks):
        opened = ((str(index), file_object(body), None) for index, body in enumerate(files))
        outcome = _native.stage(opened, Options(number, rng.choice([1, 1 << 20])))
        staged = table(outcome.records)
        numbers = [first_file + start + file - 1 for file in staged.column("file").to_pylist()]
        found.append(
            staged.set_column(
                staged.schema.get_field_index("file"), "file", pa.array(numbers, pa.int64())
            )
        )
        rows = sum(table(of).num_rows for of in outcome.tables)
        assert rows == sum(staged.column("rows").to_pylist())
    return pa.concat_tables(found)


def file_object(body: bytes) -> Any:
    import io

    return io.BytesIO(body)


def decide(staged: Any, registry: Any | None) -> tuple[Any, Any]:
    """The decided records, and the registry after them."""
    nulls = pa.nulls(staged.num_rows, pa.int64())
    for name in STATE:
        staged = staged.append_column(name, nulls)
    if registry is not None:
        staged = pa.concat_tables([staged, registry.select(staged.column_names)])
    batch = staged.combine_chunks().to_batches()[0]
    decided = table(_native.decide(*batch.__arrow_c_array__())).to_pylist()
    rows = [{**row, **new} for row, new in zip(staged.to_pylist(), decided)]
    after = {} if registry is None else {row["id"]: row for row in registry.to_pylist()}
    for row in rows:
        if row["action"] is not None:
            kept = {name: row[name] for name in staged.column_names}
            after[row["id"]] = {**kept, "record": None}
    return rows, pa.Table.from_pylist(list(after.values()), schema=staged.schema)


def history(rng: random.Random) -> list[bytes]:
    versions = []
    for _ in range(rng.randint(1, 14)):
        id = rng.choice("ab")
        if rng.random() < 0.2:
            versions.append(deletion(id))
        else:
            time, number = rng.choice([None, None, *DAYS]), rng.choice([None, None, 0, 1, 2, 10])
            versions.append(resource(id, rng.randint(0, 3), time, number))
    return versions


def test_splits_and_tasks_change_nothing() -> None:
    rng = random.Random(17)
    for _ in range(12):
        versions = history(rng)
        account = fm.read(versions).account
        rows, registry = decide(records(versions, 1, rng), None)
        outcomes = [row["outcome"] for row in rows]
        # What is unchanged is told by the version that counts in the end, as in a batch.
        for name in ("inserted", "deleted", "unchanged", "stale"):
            assert outcomes.count(name) == getattr(account, name), (name, versions)
        assert len(outcomes) == account.seen
        # The same in two runs, one after the other: the same versions count.
        cut = rng.randint(0, len(versions))
        first, state = records(versions[:cut], 1, rng) if cut else None, None
        if first is not None:
            _, state = decide(first, None)
        if cut < len(versions):
            _, state = decide(records(versions[cut:], 1 + cut, rng), state)
        assert state is not None
        assert counting(state) == counting(registry), versions


def counting(registry: Any) -> list[tuple[Any, ...]]:
    names = ("id", "content_hash", "effective_at", "version_number", "file", *STATE[:4])
    return sorted(tuple(str(row[name]) for name in names) for row in registry.to_pylist())


def test_a_part_has_the_lines_that_begin_in_it() -> None:
    lines = [resource(str(number), number, None, None) for number in range(9)]
    content = b"\n".join(lines) + b"\n"
    for parts in (1, 2, 3, 5, 8):
        cuts = [len(content) * index // parts for index in range(parts + 1)]
        files = ((str(n), file_object(content), range) for n, range in enumerate(zip(cuts, cuts[1:])))
        staged = table(_native.stage(files, Options(0, 1 << 20)).records)
        assert sorted(staged.column("fhir_id").to_pylist()) == sorted(str(number) for number in range(9))
        positions = staged.column("position").to_pylist()
        assert positions == sorted(set(positions))
