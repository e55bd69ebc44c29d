"""Why a body or a row was refused: a closed list of names, and the errors of a crawl.

A page object answers with contract rows or with one of these names; nothing else ever comes out of it.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """The name of a refusal. `BODY` ones refuse a whole response, `ROW` ones a single element of a good one."""

    # BODY: what came is not an answer
    EMPTY_BODY = "empty_body"
    NOT_JSON = "not_json"
    TRUNCATED_JSON = "truncated_json"
    MALFORMED_JSON = "malformed_json"
    HTML_INSTEAD_OF_JSON = "html_instead_of_json"
    CONSENT_PAGE = "consent_page"
    MAINTENANCE_PAGE = "maintenance_page"
    NOT_XML = "not_xml"
    MALFORMED_XML = "malformed_xml"
    XML_DECLARES_ENTITIES = "xml_declares_entities"
    UNEXPECTED_SHAPE = "unexpected_shape"
    API_V1_1 = "api_v1_1"
    # BODY: a file that is none, or not whole
    HTML_INSTEAD_OF_FILE = "html_instead_of_file"
    NOT_A_ZIP = "not_a_zip"
    TRUNCATED_FILE = "truncated_file"
    DAMAGED_ZIP = "damaged_zip"
    FILE_CHANGED = "file_changed"
    FILE_TOO_LARGE = "file_too_large"
    # BODY: the source says no
    THROTTLED = "throttled"
    USAGE_CAPPED = "usage_capped"
    UNDECLARED_AGENT = "undeclared_agent"
    RATE_EXCEEDED = "rate_exceeded"
    DAILY_CAP = "daily_cap"
    PREMIUM_FUNCTION = "premium_function"
    CRUMB_INVALID = "crumb_invalid"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    NO_FUNDAMENTALS = "no_fundamentals"
    DELISTED = "delisted"
    BAD_REQUEST = "bad_request"
    WINDOW_REFUSED = "window_refused"
    SERVER_ERROR = "server_error"
    SOURCE_ERROR = "source_error"
    REDIRECTED = "redirected"
    # no BODY at all
    NO_RESPONSE = "no_response"
    TIMED_OUT = "timed_out"
    COOKIE_MISSING = "cookie_missing"
    HOST_LEFT_ALONE = "host_left_alone"
    OUTSIDE_UNIVERSE = "outside_universe"
    # BODY: an answer, but to another question
    EMPTY_WINDOW = "empty_window"
    EMPTY_RESULT = "empty_result"
    WRONG_INTERVAL = "wrong_interval"
    NO_KNOWN_MODULE = "no_known_module"
    NO_TIME_ZONE = "no_time_zone"
    NO_TRADING_HOURS = "no_trading_hours"
    # BODY or ROW
    CURRENCY_NOT_USD = "currency_not_usd"
    CURRENCY_OTHER = "currency_other"
    CURRENCY_MISSING = "currency_missing"
    SYMBOL_MISSING = "symbol_missing"
    SYMBOL_MISMATCH = "symbol_mismatch"
    # ROW
    NOT_AN_OBJECT = "not_an_object"
    WRONG_TYPE = "wrong_type"
    PRICE_MISSING = "price_missing"
    NOT_EQUITY = "not_equity"
    NULL_BAR = "null_bar"
    PARTIAL_BAR = "partial_bar"
    REPEATED_SESSION = "repeated_session"
    CLOSING_PRINT = "closing_print"
    OUTSIDE_SESSION = "outside_session"
    NOT_A_SESSION = "not_a_session"
    ID_MISSING = "id_missing"
    TIME_MISSING = "time_missing"
    AUTHOR_MISSING = "author_missing"
    TEXT_MISSING = "text_missing"
    METRICS_MISSING = "metrics_missing"
    NO_TAG = "no_tag"
    NAME_MISSING = "name_missing"
    LINK_MISSING = "link_missing"
    LINK_REFUSED = "link_refused"
    CIK_MISSING = "cik_missing"
    AMOUNT_MISSING = "amount_missing"

    @property
    def tries(self) -> int:
        """How often the same request may be sent again; 0 where the answer would be the same."""
        return _TRIES.get(self, 0)

    @property
    def transient(self) -> bool:
        """Whether the same request may well be answered if it is sent again."""
        return self.tries > 0

    @property
    def of_host(self) -> bool:
        """Whether the host turns everybody away, whatever is asked: such refusals in a row open its circuit breaker."""
        return self in _OF_HOST

    @property
    def block_seconds(self) -> float:
        """For how long the host answers nobody at this address after it; 0 where it does not say so."""
        return _BLOCKS.get(self, 0.0)

    @property
    def coverage(self) -> Coverage:
        """What it means for a symbol that is missing because of it."""
        return _COVERAGE.get(self, Coverage.MALFORMED)

    @property
    def final(self) -> bool:
        """Whether it says something of what was asked for, and not of the moment at which it was."""
        return self in _FINAL


class Coverage(StrEnum):
    """Why a symbol that was expected is missing: the short list that people read. The exact reason stands beside it."""

    NOT_FOUND = "not_found"
    REFUSED = "refused"
    THROTTLED = "throttled"
    MALFORMED = "malformed"
    TIMED_OUT = "timed_out"
    OUTSIDE_UNIVERSE = "outside_universe"


def coverage_of(reason: str) -> Coverage:
    """The coverage of a reason by its exact name.

    Args:
        reason: a `Reason`'s name, the names of contract rules that a row broke, or one of a comma separated list of
            both, of which the first counts. A row that broke a rule of its contract is malformed; a symbol that a good
            answer simply leaves out (`not_in_answer`) was not found.
    """
    first = reason.partition(",")[0]
    if first == NOT_IN_ANSWER:
        return Coverage.NOT_FOUND
    return Reason(first).coverage if first in _NAMES else Coverage.MALFORMED


NOT_IN_ANSWER = "not_in_answer"
_NAMES = frozenset(Reason)
_OFTEN, _TWICE, _ONCE = 4, 2, 1
_TRIES = {
    **dict.fromkeys(
        (
            Reason.EMPTY_BODY,
            Reason.NOT_JSON,
            Reason.TRUNCATED_JSON,
            Reason.MALFORMED_JSON,
            Reason.NOT_XML,
            Reason.MALFORMED_XML,
            Reason.HTML_INSTEAD_OF_JSON,
            Reason.HTML_INSTEAD_OF_FILE,
            Reason.NOT_A_ZIP,
            Reason.TRUNCATED_FILE,
            Reason.FILE_CHANGED,
            Reason.MAINTENANCE_PAGE,
            Reason.THROTTLED,
            Reason.SERVER_ERROR,
            Reason.NO_RESPONSE,
            Reason.TIMED_OUT,
            Reason.COOKIE_MISSING,
        ),
        _OFTEN,
    ),
    # Mostly meant, sometimes the mood of one of many servers: asked again, but not for long.
    **dict.fromkeys((Reason.FORBIDDEN, Reason.CONSENT_PAGE), _TWICE),
    # Half a gigabyte each time, and mostly damaged where it is kept.
    Reason.DAMAGED_ZIP: _ONCE,
}
# Of SEC's, which ends ten minutes after the last request.
_BLOCKS = {Reason.UNDECLARED_AGENT: 600.0, Reason.RATE_EXCEEDED: 600.0}
_OF_HOST = frozenset(
    {
        Reason.THROTTLED,
        Reason.USAGE_CAPPED,
        Reason.FORBIDDEN,
        Reason.CONSENT_PAGE,
        Reason.MAINTENANCE_PAGE,
        Reason.HTML_INSTEAD_OF_JSON,
        Reason.HTML_INSTEAD_OF_FILE,
        Reason.NOT_XML,
        Reason.UNDECLARED_AGENT,
        Reason.RATE_EXCEEDED,
        Reason.SERVER_ERROR,
        Reason.NO_RESPONSE,
        Reason.TIMED_OUT,
    }
)
_COVERAGE = {
    **dict.fromkeys(
        (
            Reason.NOT_FOUND,
            Reason.NO_FUNDAMENTALS,
            Reason.DELISTED,
            Reason.EMPTY_WINDOW,
            Reason.EMPTY_RESULT,
            Reason.NOT_EQUITY,
            Reason.PRICE_MISSING,
        ),
        Coverage.NOT_FOUND,
    ),
    **dict.fromkeys(
        (
            Reason.CONSENT_PAGE,
            Reason.MAINTENANCE_PAGE,
            Reason.CRUMB_INVALID,
            Reason.COOKIE_MISSING,
            Reason.UNAUTHORIZED,
            Reason.FORBIDDEN,
            Reason.BAD_REQUEST,
            Reason.WINDOW_REFUSED,
            Reason.SERVER_ERROR,
            Reason.SOURCE_ERROR,
            Reason.REDIRECTED,
            Reason.HOST_LEFT_ALONE,
            Reason.PREMIUM_FUNCTION,
            Reason.UNDECLARED_AGENT,
        ),
        Coverage.REFUSED,
    ),
    Reason.THROTTLED: Coverage.THROTTLED,
    Reason.USAGE_CAPPED: Coverage.THROTTLED,
    Reason.RATE_EXCEEDED: Coverage.THROTTLED,
    Reason.DAILY_CAP: Coverage.THROTTLED,
    Reason.NO_RESPONSE: Coverage.TIMED_OUT,
    Reason.TIMED_OUT: Coverage.TIMED_OUT,
    Reason.OUTSIDE_UNIVERSE: Coverage.OUTSIDE_UNIVERSE,
}


_FINAL = frozenset(
    {
        Reason.NOT_FOUND,
        Reason.NO_FUNDAMENTALS,
        Reason.DELISTED,
        Reason.EMPTY_WINDOW,
        Reason.EMPTY_RESULT,
        Reason.CURRENCY_NOT_USD,
    }
)


class BodyRefused(Exception):
    """A body that is no answer. Raised inside the page objects and caught at their edge, never seen outside."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason
        self.detail = detail


class SourceSettingsError(ValueError):
    """A source that cannot be asked with the settings as they are; the text says which one is needed."""
