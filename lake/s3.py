"""A lake in S3: tables by delta-rs with conditional writes, raw files by boto3."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from lake.s3_connection import NEEDS_LOGIN, Connection, is_amazon
from lake.scratch import scratch
from lake.storage import RAW_FILES, Lake, LakeError, TableAddress

if TYPE_CHECKING:
    from lake.contracts.base import Table
    from lake.settings import World

_MARK = "tidemark.json"
_REFUSED = {"401", "403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"}
_ABSENT = {"404", "NoSuchKey", "NoSuchBucket", "NotFound"}


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
        key = self._key(f"{RAW_FILES}/{name}")
        with scratch(self.copies) as folder:
            path = folder / Path(name).name
            if not self._has(key):
                raise LakeError(f"s3://{self.bucket}/{key} is not there, though bronze.files names it: import it again")
            self._call("download_file", Key=key, Filename=str(path))
            yield path

    @override
    def staging(self, table: Table, scratch: Path) -> Path:
        return scratch / table.layer / table.name

    @override
    def take(self, table: Table, path: Path, key: str) -> None:
        self._call("upload_file", Filename=str(path), Key=self._key(f"{table.layer}/{table.name}/{key}"))

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
        if is_amazon(self.connection.url) and region and region != options["aws_region"]:
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
                f"{where}: {self.connection.url} refuses these credentials ({code}): {NEEDS_LOGIN}, of a user who may "
                f"list the bucket and get, put and delete objects in it"
            )
        return LakeError(
            f"{where}: {self.connection.url} does not do as asked ({error}): check TIDEMARK_S3_ENDPOINT or "
            f"AWS_ENDPOINT_URL, AWS_REGION and the network"
        )


def _code(error: Exception) -> str:
    response = getattr(error, "response", None)
    return str(response["Error"].get("Code", "")) if isinstance(response, dict) else ""
