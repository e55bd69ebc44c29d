"""The pages: what a person sees. They ask the service, as the API does, and treat every text they show as data."""

from __future__ import annotations

from chat_api.pages.mount import mount

__all__ = ["mount"]
