"""Frames of JSON texts, and the data source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fhirmill as fm
import fhirmill.spark as fs
import pytest

SAMPLES = Path(__file__).parents[4] / "samples"


def rows(frame: Any) -> list[str]:
    return sorted(str(row.asDict()) for row in frame.collect())


def test_map_json(spark: Any) -> None:
    texts = [
        '{"resourceType": "Patient", "id": "a", "gender": "female", "name": [{"family": "X"}, {"family": "Y"}]}',
        '{"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "Weight"},'
        ' "subject": {"reference": "Patient/a"}, "valueQuantity": {"value": 72.0}}',
        '{"resourceType": "Patient", "id": ',
    ]
    frame = spark.createDataFrame([(text,) for text in texts], "json string")
    mapped = fs.map_json(frame, source="st-marys")
    patient, observation = mapped["patient"].collect()[0], mapped["observation"].collect()[0]
    assert (patient.fhir_id, patient.gender) == ("a", "female")
    assert observation.patient_id == patient.id
    assert observation.value_quantity_value_text == "72.0"
    assert mapped["patient_name"].count() == 2
    assert [row.reason for row in mapped.rejects.collect()] == ["truncated"]
    with pytest.raises(KeyError):
        mapped["nothing"]
    with pytest.raises(ValueError):
        fs.map_json(frame.selectExpr("json", "json as other"))


def test_view(spark: Any) -> None:
    texts = [
        '{"resourceType": "Patient", "id": "a", "birthDate": "1970-01-01", "name": [{"family": "X"}, {"family": "Y"}]}',
        '{"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "Weight"}}',
        '{"resourceType": "Patient", "id": "b"}',
    ]
    definition = {
        "resource": "Patient",
        "select": [
            {"column": [{"name": "key", "path": "getResourceKey()"}, {"name": "id", "path": "id"},
                        {"name": "born", "path": "birthDate", "type": "date"}]},
            {"forEachOrNull": "name", "column": [{"name": "family", "path": "family"}]},
        ],
    }  # fmt: skip
    frame = spark.createDataFrame([(text,) for text in texts], "json string")
    found = fs.view(frame, definition, source="s").orderBy("id", "family").collect()
    assert [(row.id, row.family) for row in found] == [("a", "X"), ("a", "Y"), ("b", None)]
    patients = {row.fhir_id: bytes(row.id) for row in fs.map_json(frame, source="s")["patient"].collect()}
    assert {row.id: bytes(row.key) for row in found} == patients
    with pytest.raises(fm.DefinitionError):
        fs.view(frame, {"resource": "Patient", "select": [{"column": [{"name": "x", "path": "nam"}]}]})
    torn = spark.createDataFrame([('{"resourceType": "Patient", "id": ',), (texts[2],)], "json string")
    assert [row.id for row in fs.view(torn, definition, strict=False).collect()] == ["b"]
    with pytest.raises(Exception, match="truncated"):
        fs.view(torn, definition).collect()


@pytest.mark.skipif(fs.FhirDataSource is None, reason="Spark 3.5 has no data sources in Python")
def test_data_source(spark: Any, tmp_path: Path) -> None:
    fs.register(spark)
    expected = fm.read(SAMPLES / "export", source="s")
    reader = spark.read.format("fhirmill").option("source", "s").option("split_bytes", 20_000)
    for table in ("patient", "observation", "patient_name"):
        read = reader.option("table", table).load(str(SAMPLES / "export"))
        assert [bytes(row[0]) for row in read.sort(read.columns[0]).collect()] == sorted(
            key.as_py() for key in expected[table].column(0)
        )
    payload = spark.read.format("fhirmill").option("source", "s").load(str(SAMPLES / "export"))
    assert fs.MappedFrames(payload)["encounter"].count() == expected.encounter.num_rows
