"""Looking for a secret in everything a folder holds, the compressed columns of Parquet files included."""

from __future__ import annotations

from pathlib import Path

import polars as pl


def files_with(folder: Path, secret: str) -> list[Path]:
    """The files below a folder that hold a text, by their bytes or in a cell."""
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and _holds(path, secret)]


def _holds(path: Path, secret: str) -> bool:
    if secret.encode() in path.read_bytes():
        return True
    if path.suffix != ".parquet":
        return False
    frame = pl.read_parquet(path)
    cells = (str(cell) for column in frame.iter_columns() if column.dtype in (pl.String, pl.Binary) for cell in column)
    return any(secret in cell for cell in cells)
