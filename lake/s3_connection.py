"""How S3 is reached: server, region and credentials, by AWS's own settings as boto3 finds them.

Credentials are asked for at each use, because they may end; they are never kept, shown or logged.
"""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from lake.storage import LakeError

_AMAZON = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")
NEEDS_LOGIN = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"


@dataclass(frozen=True)
class Connection:
    """How S3 is reached.

    Attributes:
        endpoint: base URL of a server other than Amazon's; None for what AWS's own settings say.
        region: None for what AWS's own settings say.
        profile: of AWS's configuration; None for what its own settings say.
        attempts: how often a request for a raw file is made before it fails.
        allow_http: whether a server elsewhere than on this machine may be spoken to without encryption.
    """

    endpoint: str | None = None
    region: str | None = None
    profile: str | None = None
    attempts: int = 5
    allow_http: bool = False

    @cached_property
    def session(self) -> Any:
        """boto3's session.

        Raises:
            LakeError: when AWS's settings name a profile that is not there.
        """
        import boto3
        from botocore.exceptions import BotoCoreError

        region = self.region or os.environ.get("AWS_REGION") or None
        try:
            return boto3.session.Session(profile_name=self.profile, region_name=region)
        except BotoCoreError as error:
            raise LakeError(f"{error}: {NEEDS_LOGIN}") from None

    @cached_property
    def client(self) -> Any:
        """boto3's S3 client.

        Raises:
            LakeError: when AWS's settings cannot be used.
        """
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError

        config = Config(retries={"max_attempts": self.attempts, "mode": "standard"}, connect_timeout=10)
        try:
            client = self.session.client("s3", endpoint_url=self.endpoint, config=config)
            if not is_amazon(client.meta.endpoint_url):
                # Other servers seldom have a host name for each bucket.
                by_path = config.merge(Config(s3={"addressing_style": "path"}))
                client = self.session.client("s3", endpoint_url=client.meta.endpoint_url, config=by_path)
        except (BotoCoreError, ValueError) as error:
            raise LakeError(f"S3 cannot be used as AWS's settings are: {error}") from None
        return client

    @property
    def url(self) -> str:
        """The server's base URL."""
        return str(self.client.meta.endpoint_url)

    def check_encrypted(self) -> None:
        """Refuse plain HTTP to another machine.

        Raises:
            LakeError: naming the setting.
        """
        if urlsplit(self.url).scheme == "http" and not self.allow_http and not _is_loopback(self.url):
            raise LakeError(
                f"TIDEMARK_S3_ENDPOINT or AWS_ENDPOINT_URL={self.url}: data would cross the network unencrypted; "
                f"use https://, or set TIDEMARK_S3_ALLOW_HTTP=true where that network is your own"
            )

    def options(self) -> dict[str, str]:
        """What delta-rs and Polars need to get there, with credentials that hold now.

        Raises:
            LakeError: when there are no credentials, or the server may not be spoken to.
        """
        self.check_encrypted()
        found = {
            "aws_region": str(self.client.meta.region_name or "us-east-1"),
            **self._credentials(),
            # Two writers of one version: the second is refused and tries again; no lock table is needed.
            "aws_conditional_put": "etag",
        }
        if not is_amazon(self.url):
            found["aws_endpoint"] = self.url
        if self.url.startswith("http://"):
            found["aws_allow_http"] = "true"
        return found

    def _credentials(self) -> dict[str, str]:
        from botocore.exceptions import BotoCoreError

        try:
            known = self.session.get_credentials()
            frozen = known.get_frozen_credentials() if known is not None else None
        except BotoCoreError as error:
            raise LakeError(f"AWS's credentials cannot be had: {error}; {NEEDS_LOGIN}") from None
        if frozen is None:
            raise LakeError(f"TIDEMARK_LAKE is in S3, and AWS's settings name no credentials: {NEEDS_LOGIN}")
        found = {"aws_access_key_id": frozen.access_key, "aws_secret_access_key": frozen.secret_key}
        return found | ({"aws_session_token": frozen.token} if frozen.token else {})


def is_amazon(url: str) -> bool:
    """Whether a server is Amazon's own."""
    return (urlsplit(url).hostname or "").endswith(_AMAZON)


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
