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
    UNEXPECTED_SHAPE = "unexpected_shape"
    API_V1_1 = "api_v1_1"
    # BODY: the source says no
    THROTTLED = "throttled"
    USAGE_CAPPED = "usage_capped"
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
    NO_RESPONSE = "no_response"
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
    CIK_MISSING = "cik_missing"
    AMOUNT_MISSING = "amount_missing"

    @property
    def transient(self) -> bool:
        """Whether the same request may well be answered if it is sent again."""
        return self in _TRANSIENT


_TRANSIENT = frozenset(
    {
        Reason.EMPTY_BODY,
        Reason.NOT_JSON,
        Reason.TRUNCATED_JSON,
        Reason.MALFORMED_JSON,
        Reason.HTML_INSTEAD_OF_JSON,
        Reason.MAINTENANCE_PAGE,
        Reason.THROTTLED,
        Reason.SERVER_ERROR,
        Reason.NO_RESPONSE,
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
