"""A lake in S3: tables by delta-rs with conditional writes, raw files by boto3.

Credentials, region and profile are those of the usual AWS settings, resolved by boto3 for both. They are never kept,
shown or logged.
"""

from __future__ import annotations

import ipaddress
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psutil
from typing_extensions import override

from lake.storage import RAW_FILES, Lake, LakeError, TableAddress

if TYPE_CHECKING:
    from lake.contracts.base import Table
    from lake.settings import World

_AMAZON = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")
_MARK = "tidemark.json"
_REFUSED = {"401", "403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"}
_ABSENT = {"404", "NoSuchKey", "NoSuchBucket", "NotFound"}
_NEEDS_LOGIN = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"


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
            raise LakeError(f"{error}: {_NEEDS_LOGIN}") from None

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
            if not _is_amazon(client.meta.endpoint_url):
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
        if not _is_amazon(self.url):
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
            raise LakeError(f"AWS's credentials cannot be had: {error}; {_NEEDS_LOGIN}") from None
        if frozen is None:
            raise LakeError(f"TIDEMARK_LAKE is in S3, and AWS's settings name no credentials: {_NEEDS_LOGIN}")
        found = {"aws_access_key_id": frozen.access_key, "aws_secret_access_key": frozen.secret_key}
        return found | ({"aws_session_token": frozen.token} if frozen.token else {})


def _is_amazon(url: str) -> bool:
    return (urlsplit(url).hostname or "").endswith(_AMAZON)


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True)
class S3Lake(Lake):
    """A lake below a prefix of a bucket.

    Attributes:
        copies: folder of this machine for raw files while they are read.
    """

    bucket: str
    prefix: str
    connection: Connection = field(repr=False)
    copies: Path

    @property
    @override
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    @property
    @override
    def setting(self) -> str:
        return self.uri

    @override
    def at(self, key: str) -> TableAddress:
        return TableAddress(f"{self.uri}/{key}", options=self.connection.options)

    @override
    def check(self, world: World | None) -> str:
        self._reach()
        owner = self._mark()
        self._same_world(owner, world)
        return f"{self.uri} at {self.connection.url}" + (f", {owner}" if owner else ", empty so far")

    @override
    def claim(self, world: World) -> None:
        self._reach()
        owner = self._mark()
        if owner is None and self._put_mark(world):
            # Asked for a second time it must be refused: delta-rs's commits rest on that.
            if self._put_mark(world):
                self._call("delete_object", Key=self._key(_MARK))
                raise LakeError(
                    f"the S3 server at {self.connection.url} ignores If-None-Match, so that two writers would lose "
                    f"each other's rows: use one with conditional writes"
                )
            return
        self._same_world(owner or self._mark(), world)

    @override
    def keep(self, path: Path, name: str) -> None:
        key = self._key(f"{RAW_FILES}/{name}")
        if not self._has(key):
            self._call("upload_file", Filename=str(path), Key=key)

    @contextmanager
    @override
    def local(self, name: str) -> Iterator[Path]:
        self._sweep()
        folder = self.copies / f"{os.getpid()}-{secrets.token_hex(4)}"
        folder.mkdir(parents=True)
        path = folder / Path(name).name
        key = self._key(f"{RAW_FILES}/{name}")
        try:
            if not self._has(key):
                raise LakeError(f"s3://{self.bucket}/{key} is not there, though bronze.files names it: import it again")
            self._call("download_file", Key=key, Filename=str(path))
            yield path
        finally:
            shutil.rmtree(folder)

    @override
    def staging(self, table: Table, scratch: Path) -> Path:
        return scratch / table.layer / table.name

    @override
    def take(self, table: Table, path: Path, key: str) -> None:
        self._call("upload_file", Filename=str(path), Key=self._key(f"{table.layer}/{table.name}/{key}"))

    def _sweep(self) -> None:
        """Remove the copies of processes that are gone."""
        for old in self.copies.glob("*-*"):
            if not psutil.pid_exists(int(old.name.split("-")[0])):
                shutil.rmtree(old, ignore_errors=True)

    def _key(self, name: str) -> str:
        return f"{self.prefix}/{name}".lstrip("/")

    def _reach(self) -> None:
        """Whether the bucket is there and answers to these credentials, in the region that is set.

        Raises:
            LakeError: naming the setting.
        """
        options = self.connection.options()
        found = self._call("head_bucket")
        region = found["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region")
        if _is_amazon(self.connection.url) and region and region != options["aws_region"]:
            raise LakeError(
                f"{self.uri}: its bucket is in {region}, not {options['aws_region']}: set AWS_REGION={region}"
            )

    def _mark(self) -> World | None:
        """The world of the homes that use it; None where no home has yet."""
        key = self._key(_MARK)
        if not self._has(key):
            return None
        world: World = json.loads(self._call("get_object", Key=key)["Body"].read())["world"]
        return world

    def _put_mark(self, world: World) -> bool:
        """Write it where there is none; whether this did."""
        from botocore.exceptions import ClientError

        body = json.dumps({"world": world}).encode()
        try:
            self.connection.client.put_object(Bucket=self.bucket, Key=self._key(_MARK), Body=body, IfNoneMatch="*")
        except ClientError as error:
            if _code(error) in {"412", "409", "PreconditionFailed", "ConditionalRequestConflict"}:
                return False
            raise self._told(error) from None
        return True

    def _same_world(self, owner: World | None, world: World | None) -> None:
        if owner is not None and world is not None and owner != world:
            raise LakeError(
                f"TIDEMARK_LAKE={self.uri} holds {owner} data, and this home is {world}: "
                f"one lake holds one world; name another bucket or prefix"
            )

    def _has(self, key: str) -> bool:
        from botocore.exceptions import ClientError

        try:
            self.connection.client.head_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            if _code(error) in _ABSENT:
                return False
            raise self._told(error) from None
        return True

    def _call(self, method: str, **arguments: Any) -> Any:
        """A call of boto3's client on the bucket, its failure told by the setting that mends it."""
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return getattr(self.connection.client, method)(Bucket=self.bucket, **arguments)
        except (ClientError, BotoCoreError, Boto3Error) as error:
            raise self._told(error) from None

    def _told(self, error: Exception) -> LakeError:
        code, where = _code(error), f"TIDEMARK_LAKE={self.uri}"
        if code in _ABSENT:
            return LakeError(f"{where}: {self.connection.url} has no bucket {self.bucket!r}: make it, or name another")
        if code in _REFUSED:
            return LakeError(
                f"{where}: {self.connection.url} refuses these credentials ({code}): {_NEEDS_LOGIN}, of a user who may "
                f"list the bucket and get, put and delete objects in it"
            )
        return LakeError(
            f"{where}: {self.connection.url} does not do as asked ({error}): check TIDEMARK_S3_ENDPOINT or "
            f"AWS_ENDPOINT_URL, AWS_REGION and the network"
        )


def _code(error: Exception) -> str:
    response = getattr(error, "response", None)
    return str(response["Error"].get("Code", "")) if isinstance(response, dict) else ""
