"""The lake in S3 as Dagster knows it: dagster-aws's resource says how S3 is reached. Imported only where a lake is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagster_aws.s3 import S3Resource

from lake.home import Home
from lake.s3_connection import Connection
from orchestration.resources import LakeResource

if TYPE_CHECKING:
    from lake.settings import Settings


class S3LakeResource(LakeResource):
    """The home, its lake reached as an S3 resource says: by its endpoint, region, profile and number of attempts.

    Attributes:
        s3: credentials are not among its fields here; they are found by AWS's own settings in each process.
    """

    s3: S3Resource

    def home(self, settings: Settings) -> Home:
        """The home of the settings."""
        how = Connection(
            self.s3.endpoint_url,
            self.s3.region_name,
            self.s3.profile_name,
            self.s3.max_attempts,
            settings.s3_allow_http,
        )
        return Home.open(settings, connection=how)
