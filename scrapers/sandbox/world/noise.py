"""Reproducible randomness: numbers hashed from a key and an index, so that any one of them can be had alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bits = NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_PLAIN_GOLDEN, _PLAIN_MIX_1, _PLAIN_MIX_2 = int(_GOLDEN), int(_MIX_1), int(_MIX_2)
_ALL = (1 << 64) - 1
_SECOND_STREAM = np.uint64(0xD6E8FEB86659FD93)


def key(seed: int, *parts: object) -> int:
    """A 64-bit key for a seed and anything that names a stream."""
    text = "|".join((str(seed), *map(str, parts)))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


def bits(stream: int, index: Ints) -> Bits:
    """64 hashed bits for each index (the splitmix64 finaliser)."""
    z = np.asarray(index, dtype=np.int64).view(np.uint64) * _GOLDEN + np.uint64(stream)
    return _mix(z)


def _mix(z: Bits) -> Bits:
    z = (z ^ (z >> np.uint64(30))) * _MIX_1
    z = (z ^ (z >> np.uint64(27))) * _MIX_2
    mixed: Bits = z ^ (z >> np.uint64(31))
    return mixed


def _unit(z: Bits) -> Floats:
    units: Floats = ((z >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    return units


def uniform(stream: int, index: Ints) -> Floats:
    """Uniform numbers strictly between 0 and 1."""
    return _unit(bits(stream, index))


def normal(stream: int, index: Ints) -> Floats:
    """Standard normal numbers (Box-Muller)."""
    return _normal(bits(stream, index))


def _normal(first: Bits) -> Floats:
    radius = np.sqrt(-2.0 * np.log(_unit(first)))
    turned: Floats = radius * np.cos(2.0 * np.pi * _unit(_mix(first ^ _SECOND_STREAM)))
    return turned


def normals(streams: Sequence[int], index: Ints) -> Floats:
    """Standard normal numbers of several streams at once, one row each; the same as `normal` gives for each."""
    z = np.asarray(index, dtype=np.int64).view(np.uint64) * _GOLDEN
    return _normal(_mix(z + np.array(streams, dtype=np.uint64)[:, None]))


def one(stream: int, index: int = 0) -> float:
    """One uniform number, the same as `uniform` gives; in plain integers, as arrays of one are slow."""
    return _plain_unit(_plain_mix((index * _PLAIN_GOLDEN + stream) & _ALL))


def one_normal(stream: int, index: int = 0) -> float:
    """One standard normal number."""
    first = _plain_mix((index * _PLAIN_GOLDEN + stream) & _ALL)
    second = _plain_mix(first ^ int(_SECOND_STREAM))
    return math.sqrt(-2.0 * math.log(_plain_unit(first))) * math.cos(2.0 * math.pi * _plain_unit(second))


def _plain_mix(z: int) -> int:
    z = ((z ^ (z >> 30)) * _PLAIN_MIX_1) & _ALL
    z = ((z ^ (z >> 27)) * _PLAIN_MIX_2) & _ALL
    return z ^ (z >> 31)


def _plain_unit(z: int) -> float:
    return ((z >> 11) + 0.5) * 2.0**-53
