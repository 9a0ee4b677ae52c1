"""The files that TemplateURL may name: buckets that are folders of this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from trunkline_lab.aws.cloudformation import limits
from trunkline_lab.aws.cloudformation.errors import invalid


class Files:
    """Templates by URL.

    Parameters:
        buckets: Local folders, by the name of the bucket that each stands for.
    """

    def __init__(self, buckets: Mapping[str, Path] | None = None) -> None:
        self.buckets = dict(buckets or {})

    def read(self, url: str) -> str:
        """The template at an S3 URL, of either style. Raises Refused when there is none, or one too large."""
        bucket, key = _split(url)
        if bucket not in self.buckets:
            raise invalid(f"The lab has no bucket {bucket or url}: give it a folder (buckets) for {url}")
        folder = self.buckets[bucket].resolve()
        path = (folder / key).resolve()
        if not path.is_relative_to(folder) or not path.is_file():
            raise invalid("S3 error: The specified key does not exist. For more information check Amazon S3's errors.")
        body = path.read_bytes()
        limits.check_file(url, body)
        try:
            return body.decode()
        except UnicodeDecodeError:
            raise invalid(f"Template format error: {url} is no text") from None


def _split(url: str) -> tuple[str, str]:
    """Bucket and key of https://BUCKET.s3.REGION.amazonaws.com/KEY or https://s3.REGION.amazonaws.com/BUCKET/KEY."""
    parts = urlsplit(url)
    host, path = parts.hostname or "", unquote(parts.path.lstrip("/"))
    if parts.scheme != "https" or not host.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        raise invalid("TemplateURL must be a supported URL.")
    if host.startswith(("s3.", "s3-")):
        bucket, _, key = path.partition("/")
        return bucket, key
    return host.partition(".s3")[0], path
