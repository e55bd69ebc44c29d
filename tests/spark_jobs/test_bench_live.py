"""What the benchmark of the live stream calls a rate that holds."""

from __future__ import annotations

import pytest

from benchmarks.live import growth, holds


@pytest.mark.parametrize(
    ("late", "grown", "held"),
    [
        ([0.9, 1.1] * 20, 0.0, True),
        ([0.5 + 0.02 * n for n in range(40)], 0.6, False),
        ([0.5 + 0.005 * n for n in range(40)], 0.15, True),
        ([2.1] * 40, 0.0, False),
        ([1.0] * 39 + [float("inf")], 0.0, True),
        ([1.0] * 30 + [float("inf")] * 10, float("inf"), False),
    ],
)
def test_a_rate_holds_where_latency_is_low_and_does_not_grow(late: list[float], grown: float, held: bool) -> None:
    assert growth(late) == pytest.approx(grown)
    assert holds(late) is held
