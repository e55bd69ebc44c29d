"""The thermometer: a live stream's second against its band, its last two minutes and its most visited companies."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import aclosing

from nicegui import background_tasks, ui

from chat_api import band_chart
from chat_api.live import MEANINGS, WINDOW, WORDS, Band, Frame, Leader, word_of
from chat_api.live_reader import Live
from chat_api.pages.tables import Text, legend, named
from chat_api.values import ABSENT

_TENS = (
    ("top10_10s", "Last 10 seconds", "of the stream's clock"),
    ("top10_minute", "Last minute", "of the stream's clock"),
    ("top10_all", "All time", "since the stream began"),
)
_SPEAK_SECONDS = 10.0
_STATES = {"moving": "", "silent": "silent", "over": "over", "none": "no stream", "down": "no connection"}
_KINDS = {"all": "days", "weekday": "weekdays", "weekend": "weekend days"}


def definition(band: Band | None) -> str:
    """What the words mean, in a sentence, and what the band rests on."""
    words = "; ".join(f"{word}: {MEANINGS[word]}" for word in WORDS)
    text = f"This second's visits against the same second of other days – {words}."
    if band is None:
        return f"{text} Bands need at least 10 days of logs."
    zeros = "counts as zero" if band.zeros == "zero" else "is left out"
    return (
        f"{text} The percentiles rest on {band.days:,} {_KINDS.get(band.day_kind, 'days')} of logs; a day without a "
        f"visit in that second {zeros}."
    )


def place_of(visits: int, band: Band) -> float:
    """Where the mark stands on the gauge, in percent: a quarter for each word, the last up to twice the 95th."""
    edges = (0.0, band.p25, band.p75, band.p95, 2 * band.p95 or 1.0)
    n = WORDS.index(word_of(visits, band))
    low, high = edges[n], edges[n + 1]
    return 25 * (n + (min((visits - low) / (high - low), 1.0) if high > low else 0.5))


def pace_text(frame: Frame) -> str:
    """How fast the stream goes, in words."""
    if frame.kind != "replay":
        return "as it comes"
    if frame.speed is None:
        return "full speed"
    return "real time" if frame.speed == 1 else f"{frame.speed:g} ×"


def behind_text(shown: Frame, newest: Frame) -> str:
    """What a paused page says of how far the stream has gone on."""
    if shown.clock is None or newest.clock is None:
        return "Paused."
    if shown.stream != newest.stream:
        return "Paused; another stream has begun meanwhile."
    behind = (newest.clock - shown.clock).total_seconds()
    end = ", where it ended" if newest.ended else ""
    return f"Paused: {behind:,.0f} s behind the stream, which is at {newest.clock:%H:%M:%S}{end}."


def chart_of(frame: Frame) -> band_chart.Banded:
    """The last two minutes; seconds before the stream began are empty."""
    missing = [None] * (WINDOW - len(frame.seconds))
    names = [*("" for _ in missing), *(f"{second.clock:%H:%M:%S}" for second in frame.seconds)]
    return band_chart.Banded(
        names,
        "visits a second",
        [*missing, *(float(second.visits) for second in frame.seconds)],
        [*missing, *(second.p25 for second in frame.seconds)],
        [*missing, *(second.p75 for second in frame.seconds)],
        [*missing, *(second.p95 for second in frame.seconds)],
        [n for n, second in enumerate(frame.seconds, len(missing)) if second.clock.second % 15 == 0],
    )


class Thermometer:
    """One visitor's thermometer. All of it stands from the beginning; frames change texts and the chart alone."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._paused = False
        self._shown: Frame | None = None
        self._newest: Frame | None = None
        self._spoken_at = -_SPEAK_SECONDS

    def build(self) -> None:
        """Draw it and follow the stream for as long as the visitor stays."""
        with named(ui.element("section").classes("tm-live"), "Thermometer"):
            with ui.element("article").classes("tm-card"):
                self._head()
                self._gauge()
                empty = band_chart.Banded([], "visits a second", [], [], [], [])
                with ui.element("div") as self._legend:
                    legend(band_chart.legend(empty))
                self._chart = ui.echart(band_chart.options(empty), renderer="svg").classes("w-full tm-moving")
                self._chart.props["role"] = "img"
                named(self._chart, "Visits by second over the last two minutes, before their band")
                self._meaning = Text("div", definition(None)).classes("tm-soft")
            with ui.element("div").classes("tm-thirds") as self._tops:
                self._tens = [_Ten(title, note) for _, title, note in _TENS]
        client = ui.context.client
        follow = background_tasks.create(self._follow(), name="thermometer")
        client.on_delete(follow.cancel)

    def _head(self) -> None:
        with ui.element("div").classes("tm-row"):
            Text("h2", "Visits to EDGAR, by the second")
            self._mark = Text("span", "").classes("tm-mark")
            self._state = Text("span", "").classes("tm-tag")
            ui.element("div").classes("tm-grow")
            self._pause = ui.button("Pause", color=None, on_click=self._toggle).props("flat no-caps").classes("tm-chip")
            self._pause.props["aria-pressed"] = "false"
        self._notice = Text("div", "Looking for a stream …").classes("tm-sentence").props("role=status")
        with ui.element("div").classes("tm-how") as self._how:
            Text("span", "To play a logged day as if it were now, type")
            self._command = Text("code", "")
        self._how.set_visibility(False)

    def _gauge(self) -> None:
        with ui.element("div").classes("tm-gauge-row") as self._reading:
            with ui.element("div").classes("tm-now"):
                self._word = Text("b", ABSENT).classes("tm-big")
                self._said = Text("span", "").classes("tm-soft")
            with ui.element("div").classes("tm-gauge") as self._meter:
                self._meter.props["role"] = "img"
                with ui.element("div").classes("tm-scale").props("aria-hidden=true"):
                    self._parts = {word: Text("div", word).classes(f"tm-part tm-{word}") for word in WORDS}
                    self._needle = ui.element("div").classes("tm-needle")
            with ui.element("div").classes("tm-figures"):
                self._figures = {name: _Figure(name) for name in ("clock", "speed", "counted", "late")}
        # What a screen reader says: the word, when it changes, and not at every second.
        self._spoken = Text("div", "").classes("tm-unseen").props("aria-live=polite")

    def tell_how(self, command: str) -> None:
        """What to type to begin a stream, for when there is none to show."""
        self._command.put(command)
        self._offer()

    def _offer(self) -> None:
        ended = self._shown is not None and self._shown.state in ("none", "over")
        self._how.set_visibility(ended and bool(self._command.text))

    async def _follow(self) -> None:
        async with aclosing(self._live.frames()) as frames:
            async for shown in frames:
                self._newest = shown.frame
                if self._paused and self._shown is not None:
                    self._notice.put(behind_text(self._shown, shown.frame))
                else:
                    self._show(shown.frame)

    def _toggle(self) -> None:
        self._paused = not self._paused
        self._pause.set_text("Go on" if self._paused else "Pause")
        self._pause.props["aria-pressed"] = "true" if self._paused else "false"
        if self._newest is None or self._shown is None:
            return
        if self._paused:
            self._notice.put(behind_text(self._shown, self._newest))
        else:
            self._show(self._newest)
        self._notice.set_visibility(bool(self._notice.text))

    def _show(self, frame: Frame) -> None:
        if frame.state == "down" and self._shown is not None and self._shown.clock is not None:
            # What was seen last stays, with the word that nothing comes.
            self._state.put(_STATES["down"])
            self._notice.put(_note(frame))
            self._notice.set_visibility(True)
            return
        self._shown = frame
        self._mark.put(_mark(frame))
        self._mark.set_visibility(bool(_mark(frame)))
        self._state.put(_STATES[frame.state])
        self._notice.put(_note(frame))
        self._notice.set_visibility(bool(self._notice.text))
        self._offer()
        there = frame.clock is not None
        for part in (self._reading, self._legend, self._chart, self._tops):
            part.set_visibility(there)
        self._pause.set_visibility(there)
        self._meaning.put(definition(frame.band))
        if not there:
            return
        self._measure(frame)
        self._chart.options.update(band_chart.options(chart_of(frame)))
        self._chart.update()
        for ten, (name, _, _) in zip(self._tens, _TENS, strict=True):
            ten.show(getattr(frame, name))

    def _measure(self, frame: Frame) -> None:
        visits, band = frame.visits or 0, frame.band
        count = f"{visits:,} visit{'' if visits == 1 else 's'} at {frame.clock:%H:%M:%S}"
        usual = f"usual {_edge(band.p25)} to {_edge(band.p75)}, 95th {_edge(band.p95)}" if band else "no band"
        word = "no band" if band is None else frame.word if frame.word != "unknown" else frame.state
        if word != self._word.text and time.monotonic() - self._spoken_at > _SPEAK_SECONDS:
            self._spoken.put(f"{word}: {count}")
            self._spoken_at = time.monotonic()
        self._word.put(word)
        self._said.put(f"{count} · {usual}")
        self._meter.props["aria-label"] = f"{word}: {count}; {usual}"
        self._meter.update()
        for each, part in self._parts.items():
            if each == frame.word:
                part.classes(add="tm-on")
            else:
                part.classes(remove="tm-on")
        self._needle.set_visibility(band is not None and frame.word != "unknown")
        if band is not None:
            self._needle.style(f"left: {place_of(visits, band):.1f}%")
        late = f"{frame.late:,}" if frame.rows else ABSENT
        for name, text in (
            ("clock", f"{frame.clock:%H:%M:%S}"),
            ("speed", pace_text(frame)),
            ("counted", f"{frame.rows:,}"),
            ("late", late),
        ):
            self._figures[name].put(text)
        self._figures["clock"].label(f"stream's clock, {frame.clock:%-d %b %Y}")


class _Figure:
    """A number and what it is."""

    def __init__(self, label: str) -> None:
        with ui.element("div").classes("tm-figure"):
            self._value = Text("b", ABSENT)
            self._label = Text("span", label)

    def label(self, text: str) -> None:
        self._label.put(text)

    def put(self, text: str) -> None:
        self._value.put(text)


class _Ten:
    """The ten most visited companies of a stretch of time: ten rows that stay, their texts change."""

    def __init__(self, title: str, note: str) -> None:
        with ui.element("article").classes("tm-card"):
            Text("h2", title)
            Text("div", note).classes("tm-soft")
            with named(ui.element("table").classes("tm-table tm-ten"), f"Most visited: {title}"), ui.element("tbody"):
                self._rows = [self._row(n) for n in range(1, 11)]

    @staticmethod
    def _row(place: int) -> tuple[Text, Text, Text]:
        with ui.element("tr"):
            Text("td", str(place)).classes("tm-place")
            cells = (Text("td", "").classes("tm-ticker"), Text("td", "").classes("tm-name"), Text("td", ABSENT))
            cells[2].classes("tm-num")
        return cells

    def show(self, leaders: Sequence[Leader]) -> None:
        for n, (ticker, name, visits) in enumerate(self._rows):
            leader = leaders[n] if n < len(leaders) else None
            ticker.put((leader.ticker or "") if leader else "")
            name.put((leader.name or f"CIK {leader.cik}") if leader else "")
            visits.put(f"{leader.visits:,}" if leader else ABSENT)


def _note(frame: Frame) -> str:
    """A sentence for a stream that does not move; none for one that does."""
    if frame.state in ("none", "down"):
        return frame.message or ""
    if frame.state == "over":
        return f"The stream is over: all of its {frame.rows:,} visits are counted."
    if frame.state == "silent":
        return f"Nothing has come for {frame.quiet_seconds or 0:,.0f} s. This goes on by itself when something does."
    return "" if frame.clock else "The stream has begun; its first visits are on their way."


def _edge(value: float) -> str:
    return f"{value:,.1f}".removesuffix(".0")


def _mark(frame: Frame) -> str:
    parts = []
    if frame.kind == "replay" and frame.replay_of is not None:
        parts.append(f"Replay of {frame.replay_of:%-d %b %Y}" + (", repeated" if frame.repeated else ""))
    if frame.simulated and frame.stream is not None:
        parts.append("simulated")
    text = ", ".join(parts)
    return text[:1].upper() + text[1:]
