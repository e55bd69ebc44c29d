"""Misspelt words: corrected only where one known word is clearly nearest."""

from __future__ import annotations

from rapidfuzz import process
from rapidfuzz.distance import OSA

from chat_api.context import Context
from chat_api.entities import Names
from chat_api.parser.lexer.items import Lexed, Word, known_words
from chat_api.parser.lexer.names import places_of
from chat_api.parser.words import tables


def corrected_words(words: list[Word], names: Names, context: Context, lexed: Lexed, shouting: bool) -> list[Word]:
    known = known_words()
    places = frozenset(part for phrase in places_of(context) for part in phrase)
    result: list[Word] = []
    for word in words:
        text = word.text
        if (
            word.kind != "word" or len(text) < 4 or text in known or text in names.words or text in places
            or text.upper() in names.tickers or any((text,) == phrase for phrase in ((text,),) if phrase in names.phrases)
        ):  # fmt: skip
            result.append(word)
            continue
        nearest = _nearest(text, names)
        if nearest:
            lexed.corrected.append((word.raw, nearest))
            result.append(Word(nearest, word.raw, "word"))
        else:
            result.append(word)
    return result


def _nearest(text: str, names: Names) -> str | None:
    """The one known word nearest to a misspelt one: one slip, two in a long word, and no second as near."""
    allowed = 1 if len(text) < 8 else 2
    found = process.extract(text, names.pool, scorer=OSA.distance, score_cutoff=allowed, limit=3)
    close = [(word, distance) for word, distance, _ in found if word[0] == text[0] or distance == 1]
    if len(text) < 5:
        # In a short word only a letter left out or two exchanged are slips; another letter is another word.
        close = [(word, distance) for word, distance in close if len(word) > len(text) or sorted(word) == sorted(text)]
    # A filler is no correction, unless two of its letters were exchanged: it would make a word vanish.
    close = [
        (word, distance) for word, distance in close if word not in tables().fillers or sorted(word) == sorted(text)
    ]
    if not close:
        return None
    best = min(distance for _, distance in close)
    nearest = {word for word, distance in close if distance == best}
    if len(nearest) > 1:
        # A plural and its singular are one word.
        stems = {word.removesuffix("s") for word in nearest}
        if len(stems) == 1:
            return min(nearest, key=len)
        # Two letters exchanged is the likelier slip; a word that refuses is the less likely reading.
        exchanged = [word for word in nearest if sorted(word) == sorted(text)]
        harmless = [word for word in nearest if word not in tables().refusing]
        for kept in (exchanged, harmless):
            if len(kept) == 1:
                return kept[0]
        return None
    return nearest.pop()
