"""Logs that a user has: which are taken, which are refused and why, and that a large zip is streamed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from lake.settings import load_settings
from orchestration.recognising import NOTHING_SAID, files_below, recognise
from orchestration.steps.files import RawFile
from scrapers.imports.cells import NotRecognised

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
HEADER = b"ip,date,time,zone,cik,accession,extention,code,size,idx,norefer,noagent,find,crawler,browser\n"
LINE = b"1.2.3.abc,2017-03-12,%02d:%02d:%02d,0.0,%d.0,0000320193-17-%06d,.txt,200.0,10.0,0.0,0.0,0.0,9.0,0.0,win\n"
UNPACKED, LARGEST_GROWTH = 500 << 20, 200 << 20

_IMPORT = """
import json, resource, sys
from datetime import UTC, datetime
from pathlib import Path
from lake.home import Home
from lake.settings import load_settings
from orchestration.recognising import NOTHING_SAID, recognise
from orchestration.steps.attention import newest_logs
from orchestration.steps.files import keep
from orchestration.work import Work
from spark_jobs.edgar_files import clean

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

path, root = Path(sys.argv[1]), Path(sys.argv[2])
settings = load_settings(home=root, world="real")
home = Home.open(settings)
small, _ = recognise(Path(sys.argv[3]), NOTHING_SAID, settings, datetime.now(UTC))
keep(Work(home, settings, "run", small.log_date, small.log_date), [small])
before = peak()
raw, _ = recognise(path, NOTHING_SAID, settings, datetime.now(UTC))
work = Work(home, settings, "run", raw.log_date, raw.log_date)
keep(work, [raw])
(row,) = newest_logs(work).iter_rows(named=True)
with home.lake.local(row["stored_as"]) as kept:
    log = clean(kept, root / "text")
print(json.dumps([peak() - before, log.rows_in, row["bytes"]]))
"""


def what_is(path: Path) -> RawFile:
    return recognise(path, NOTHING_SAID, load_settings(home=path.parent / "home"), NOW)[0]


def test_every_file_of_the_material_is_taken_or_refused_by_name(shared: Path) -> None:
    taken: dict[str, tuple[str, date | None]] = {}
    refused: dict[str, str] = {}
    for path in files_below([shared / "data" / "edgar_logs"]):
        try:
            raw = what_is(path)
            taken[path.name] = (raw.kind, raw.log_date)
        except NotRecognised as error:
            refused[path.name] = str(error)
    # Filings' documents are no logs; whether they are taken for what they are is another's business.
    documents = {name for name in (*taken, *refused) if name.startswith("edgar_filing_docs")}
    assert {name: found for name, found in taken.items() if name not in documents} == {
        "insight_test1_log.csv": ("edgar_log_v1", date(2017, 6, 30)),
        "log20030220_9k.csv": ("edgar_log_v1", date(2003, 2, 20)),
        "log20060101_4k.csv": ("edgar_log_v1", date(2006, 1, 1)),
        "log20060326_792.csv": ("edgar_log_v1", date(2006, 3, 26)),
        "log20170101_subset_cs320.zip": ("edgar_log_v1", date(2017, 1, 1)),
        "log20170611_32.csv": ("edgar_log_v1", date(2017, 6, 11)),
    }
    assert set(refused) - documents == {"IP2LOCATION-LITE-DB1.CSV.ZIP", "SEC_log_README_2006.txt"}
    assert all("expected an EDGAR access log" in said for name, said in refused.items() if name not in documents)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda whole: whole[:2_000] + bytes([whole[2_000] ^ 0xFF]) + whole[2_001:], "damaged"),
        (lambda whole: whole[:-40], "a zip without its directory"),
    ],
)
def test_a_zip_that_is_damaged_is_refused_before_it_is_kept(spoil: object, said: str, tmp_path: Path) -> None:
    assert callable(spoil)
    path = tmp_path / "log20170312.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("log20170312.csv", HEADER + b"".join(LINE % (1, 2, 3, n, n) for n in range(1_000)))
    assert what_is(path).log_date == date(2017, 3, 12)
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(NotRecognised, match=f"log20170312.zip: .*{said}"):
        what_is(path)


def test_a_log_of_half_a_gigabyte_is_streamed_from_its_zip(tmp_path: Path) -> None:
    large, small = tmp_path / "log20170312.zip", tmp_path / "log20170311.csv"
    small.write_bytes(HEADER + (LINE % (1, 2, 3, 4, 5)).replace(b"2017-03-12", b"2017-03-11"))
    lines, number = 0, 100_000
    with (
        zipfile.ZipFile(large, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("log20170312.csv", "w", force_zip64=True) as file,
    ):
        written = file.write(HEADER)
        while written < UNPACKED:
            second = lines // number
            clock = (second // 3600, second // 60 % 60, second % 60)
            written += file.write(b"".join(LINE % (*clock, n, n) for n in range(number)))
            lines += number
    done = subprocess.run(
        [sys.executable, "-c", _IMPORT, str(large), str(tmp_path / "home"), str(small)],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("TIDEMARK_")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    growth, rows, size = json.loads(done.stdout.splitlines()[-1])
    assert rows == lines
    assert size == large.stat().st_size
    assert growth < LARGEST_GROWTH
