"""Raw files on this machine's disk, read in blocks whatever their size."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from pathlib import Path

BLOCK = 1 << 20


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def damage_of(path: Path) -> str | None:
    """What is wrong with a zip, every member read to its checksum; None for nothing."""
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if member.flag_bits & 1:
                    return f"{member.filename} is encrypted"
                with archive.open(member) as stream:
                    while stream.read(BLOCK):
                        pass
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
        return str(error) or type(error).__name__
    return None
