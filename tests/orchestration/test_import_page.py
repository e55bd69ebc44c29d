"""docs/import.md is true: its commands are understood, its table is the mapping's, its checks are those that there are."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lake.settings import load_settings
from orchestration import cli, commands_import
from orchestration.importing import files_below
from orchestration.recognising import Said, recognise
from orchestration.steps.chosen import AGREE_CHECK, BASIS_CHECK, SEAM_CHECK
from orchestration.steps.imports import FILE_CHECKS
from scrapers.gold_choice import CONTRADICTS, JUMP, NO_JUMP, OTHER_SHARES, RELATIVE
from scrapers.imports import page
from scrapers.imports.verdicts import FEWEST_STRAYS, STRAY_SHARE
from tests.scrapers.test_imports import SOURCE

PAGE = page.PAGE.read_text(encoding="utf-8")
SHELL = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.S) for line in block.splitlines()]
COMMANDS = [shlex.split(line.split("tidemark ", 1)[1]) for line in SHELL]
BARS = "Date,Open,High,Low,Close,Volume\n2021-01-04,1,1,1,1,1\n"
FILES = {
    "bars/KO.csv": (BARS, "ohlcv"),
    "bars/KO_2010.csv": (BARS, "ohlcv"),
    "bars/KO-1d-history.csv": (BARS, "ohlcv"),
    "lists/nyse_full_tickers_2026-03-31.json": (
        '[{"symbol": "KO", "name": "Coca-Cola", "lastsale": "$1", "marketCap": "1", "ipoyear": "", "country": "", '
        '"industry": "", "sector": ""}]',
        "nasdaq_screener",
    ),
    "prices.csv": (BARS, "ohlcv"),
    "banknifty.csv": ("Instrument,Date,Time,Open,High,Low,Close\nNIFTY,20240102,09:15,1,1,1,1\n", "index_minutes"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, (text, _) in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIDEMARK_HOME", str(tmp_path / "mine"))
    return tmp_path


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_examples_are_understood_and_their_files_known(
    folder: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    seen: list[tuple[list[Path], Said, bool]] = []

    def run(_: object, __: object, paths: list[Path], words: Said, *, as_json: bool) -> int:
        seen.append((paths, words, as_json))
        return 0

    monkeypatch.setattr(commands_import, "run", run)
    done = CliRunner().invoke(cli.app, words)
    assert done.exit_code == 0, done.output
    ((paths, said, as_json),) = seen
    assert as_json is ("--json" in words)
    settings = load_settings(home=folder / "mine")
    for path in files_below(paths):
        _, report = recognise(path, said, settings, SOURCE.observed_at)
        assert report.shape == FILES[str(path)][1]
        assert report.basis == (said.basis or report.basis)
        assert report.account is not None
        assert report.account.rows_out == 1


def test_every_example_is_an_import() -> None:
    assert {words[0] for words in COMMANDS} == {"import"}
    assert len(COMMANDS) == 4


def test_the_table_is_the_mapping_s() -> None:
    assert page.written(PAGE) == PAGE, "run `python -m scrapers.imports.page`"


def test_its_checks_rules_and_numbers_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| .* \| `(\w+)` \| ", PAGE, re.M)
    assert set(FILE_CHECKS) | {BASIS_CHECK, AGREE_CHECK, SEAM_CHECK} == {name for name in rows if name in PAGE} - {
        "bars_daily",
        "bars_minute",
        "index_bars_daily",
        "index_bars_minute",
        "listings",
        "sec_tickers",
        "filings",
    }
    assert all(
        f"`{rule}`" in PAGE
        for rule in (CONTRADICTS, OTHER_SHARES, JUMP, NO_JUMP, "columns_mislabelled", "dates_shifted")
    )
    assert (STRAY_SHARE, FEWEST_STRAYS, RELATIVE) == (0.01, 5, 0.001)
    assert "more than 1 % of a symbol's days (5 at least)" in PAGE
    assert "differ by more than 0.1 % and half a cent" in PAGE


def test_a_basis_that_there_is_not_is_wrong_use(folder: Path) -> None:
    done = CliRunner().invoke(cli.app, ["import", str(folder / "prices.csv"), "--basis", "real"])
    assert done.exit_code == 2
    assert "expected one of raw, split_adjusted, fully_adjusted" in " ".join(done.output.split())
