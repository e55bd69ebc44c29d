"""The files made from the contracts say what the contracts say."""

from __future__ import annotations

import yaml

from dbt_project import generate
from lake.contracts import of_layer, table
from lake.load import postgres_columns, staged_tables


def test_the_files_are_what_the_contracts_make_them() -> None:
    for path, text in generate.files().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run `python -m dbt_project generate`"


def test_every_staged_table_is_a_source_with_its_columns() -> None:
    text = (generate.MODELS / "staging" / "_sources.yml").read_text(encoding="utf-8")
    (source,) = yaml.safe_load(text)["sources"]
    found = {entry["name"]: [c["name"] for c in entry["columns"]] for entry in source["tables"]}
    assert found == {t.name: list(t.columns) for t in staged_tables()}
    assert source["schema"] == "staging"


def test_every_mart_has_an_enforced_contract_with_units_and_a_unique_key() -> None:
    models = {entry["name"]: entry for entry in generate.marts()["models"]}
    assert set(models) == {t.name for t in of_layer("mart")}
    for mart in of_layer("mart"):
        model = models[mart.name]
        assert model["config"]["contract"] == {"enforced": True}
        assert model["config"]["indexes"][0] == {"columns": list(mart.key), "unique": True}
        assert {"key": {"arguments": {"columns": list(mart.key)}}} in model["data_tests"]
        assert [(c["name"], c["data_type"]) for c in model["columns"]] == [
            (c.name, c.kind) for c in postgres_columns(mart)
        ]
        for column, declared in zip(model["columns"], postgres_columns(mart), strict=True):
            constrained = column.get("constraints") == [{"type": "not_null"}]
            assert constrained is not declared.nullable
    price = next(c for c in models["quotes"]["columns"] if c["name"] == "price")
    assert price["description"] == "last trade at or before the tick [USD]"
    assert price["config"]["meta"] == {"unit": "USD"}


def test_each_model_file_has_its_mart_and_each_source_its_staging_model() -> None:
    assert {p.stem for p in (generate.MODELS / "marts").glob("*.sql")} == {t.name for t in of_layer("mart")}
    staged = {p.stem for p in (generate.MODELS / "staging").glob("*.sql")}
    assert {f"stg_{t.name}" for t in staged_tables()} <= staged


def test_allowed_values_come_from_the_contract() -> None:
    models = {entry["name"]: entry for entry in generate.marts()["models"]}
    origin = next(c for c in models["forecasts"]["columns"] if c["name"] == "origin")
    (test,) = origin["data_tests"]
    assert test["accepted_values"]["arguments"]["values"] == ["live", "walk_forward"]
    assert table("mart.forecasts").schema.columns()["origin"].categories == ["live", "walk_forward"]
