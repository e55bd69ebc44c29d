"""Where a home's lake is, a folder or a prefix of an S3 bucket: the one place that tells the two apart.

Tables are opened through their `TableAddress`, raw files and an engine's files through the `Lake`; nobody else makes
a path or a URI of the lake.
"""

from __future__ import annotations

import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from deltalake import DeltaTable
from typing_extensions import override

from lake.home import HomeError

if TYPE_CHECKING:
    import pyarrow as pa

    from lake.contracts.base import Table
    from lake.s3_connection import Connection
    from lake.settings import Settings, World


# Beside the tables, and inside none: a table's vacuum removes every file below it that no version names.
RAW_FILES = "bronze/raw_files"


class LakeError(HomeError):
    """The lake cannot be reached or used; the text names the setting and what to do."""


def _no_options() -> None:
    return None


@dataclass(frozen=True)
class TableAddress:
    """Where a Delta table is, and how it is opened.

    Attributes:
        uri: as delta-rs and Polars take it.
        folder: the same as a folder; None in S3.
        options: what delta-rs and Polars need to get there, made anew at each use: credentials end.
    """

    uri: str
    folder: Path | None = None
    options: Callable[[], dict[str, str] | None] = field(default=_no_options, repr=False)

    def exists(self) -> bool:
        """Whether a table has been made there."""
        return DeltaTable.is_deltatable(self.uri, storage_options=self.options())

    def open(self, version: int | None = None) -> DeltaTable:
        """The table, by default at its newest version; Polars scans what this gives with the same options.

        Raises:
            deltalake.exceptions.TableNotFoundError: where there is none.
        """
        return DeltaTable(self.uri, version=version, storage_options=self.options())

    def ensure(
        self,
        schema: pa.Schema,
        partition_by: tuple[str, ...] = (),
        configuration: Mapping[str, str | None] | None = None,
    ) -> DeltaTable:
        """The table, made empty where there is none."""
        if self.folder is not None:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
        return DeltaTable.create(
            self.uri,
            schema=schema,
            partition_by=list(partition_by),
            mode="ignore",
            configuration=configuration,
            storage_options=self.options(),
        )


class Lake(ABC):
    """Bronze, silver, gold and quarantine, wherever they are."""

    @property
    @abstractmethod
    def uri(self) -> str:
        """Where it is, as a user writes it."""

    @property
    @abstractmethod
    def setting(self) -> str | None:
        """What a home remembers of it; None for its own folder."""

    @abstractmethod
    def at(self, key: str) -> TableAddress:
        """The table below a key such as `gold/quotes`."""

    @abstractmethod
    def claim(self, world: World) -> None:
        """Make sure that it can be used by a home of a world, and keep homes of the other world out.

        Raises:
            LakeError: when it cannot be reached, refuses writers, or is of the other world.
        """

    @abstractmethod
    def check(self, world: World | None) -> str:
        """What is found there, in a phrase, without a change to it.

        Raises:
            LakeError: as in `claim`.
        """

    @abstractmethod
    def keep(self, path: Path, name: str) -> None:
        """Copy a raw file under a name such as `sec_tickers/….json`; one that is there already is left as it is.

        Whoever looks sees no file or the whole one.
        """

    @abstractmethod
    def local(self, name: str) -> AbstractContextManager[Path]:
        """A raw file as a path of this machine, for the length of a `with`.

        Raises:
            LakeError: when there is none.
        """

    @abstractmethod
    def staging(self, table: Table, scratch: Path) -> Path:
        """The folder in which an engine on this machine makes folders with Parquet files for a table.

        Args:
            scratch: a folder that the caller removes after the commit.
        """

    @abstractmethod
    def take(self, table: Table, path: Path, key: str) -> None:
        """Bring an engine's file to its key inside the table, where it is not yet there."""

    def table(self, table: Table) -> TableAddress:
        """Where a table is."""
        return self.at(f"{table.layer}/{table.name}")

    def quarantine(self, table: Table) -> TableAddress:
        """Where the rows that a table refused are."""
        return self.at(f"quarantine/{table.name}")


@dataclass(frozen=True)
class FolderLake(Lake):
    """A lake in a folder of the home."""

    root: Path

    @property
    @override
    def uri(self) -> str:
        return str(self.root)

    @property
    @override
    def setting(self) -> None:
        return None

    @override
    def at(self, key: str) -> TableAddress:
        folder = self.root / key
        return TableAddress(str(folder), folder)

    @override
    def claim(self, world: World) -> None:
        (self.root / RAW_FILES).mkdir(parents=True, exist_ok=True)
        # Homes of the first version kept raw files in the folder of the table that names them.
        for kind in sorted((self.root / "bronze" / "files").glob("[!_.]*/")):
            target = self.root / RAW_FILES / kind.name
            target.mkdir(exist_ok=True)
            for path in kind.iterdir():
                path.replace(target / path.name)
            kind.rmdir()

    @override
    def check(self, world: World | None) -> str:
        return f"the folder {self.root}"

    @override
    def keep(self, path: Path, name: str) -> None:
        target = self._file(name)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_name(f"{target.name}.{os.getpid()}.part")
            shutil.copyfile(path, partial)
            partial.replace(target)

    @contextmanager
    @override
    def local(self, name: str) -> Iterator[Path]:
        path = self._file(name)
        if not path.is_file():
            raise LakeError(f"{path} is not there, though bronze.files names it: import the file again")
        yield path

    @override
    def staging(self, table: Table, scratch: Path) -> Path:
        # Beside the table's own files: they are committed where they are.
        return self.root / table.layer / table.name

    @override
    def take(self, table: Table, path: Path, key: str) -> None:
        return None

    def _file(self, name: str) -> Path:
        return self.root / RAW_FILES / name


def lake_of(root: Path, address: str | None, settings: Settings, connection: Connection | None = None) -> Lake:
    """The lake of the home at a root; nothing is opened or asked.

    Args:
        root: the home's folder.
        address: `s3://bucket/prefix`, or None for the home's own folder.
        settings: the S3 server, where the lake is in S3.
        connection: how S3 is reached; by default as the settings and the usual AWS settings say.
    """
    if address is None:
        return FolderLake(root / "lake")
    from lake.s3 import S3Lake
    from lake.s3_connection import Connection

    bucket, _, prefix = address.removeprefix("s3://").partition("/")
    how = connection or Connection(settings.s3_endpoint, allow_http=settings.s3_allow_http)
    return S3Lake(bucket, prefix, how, root / "run" / "raw-files")
