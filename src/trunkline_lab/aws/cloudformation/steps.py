"""One resource at a time: made, changed, replaced or removed, with its events."""

from __future__ import annotations

import enum
import uuid
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from trunkline_lab.aws.cloudformation.changes import compare
from trunkline_lab.aws.cloudformation.errors import Impossible
from trunkline_lab.aws.cloudformation.language import NESTED
from trunkline_lab.aws.cloudformation.records import Built
from trunkline_lab.aws.cloudformation.resources.base import Work
from trunkline_lab.aws.cloudformation.setting import Setting
from trunkline_lab.aws.cloudformation.stack import Stack

_HANDLER_CODES = {"AlreadyExists": "AlreadyExists", "Duplicate": "AlreadyExists", "NotFound": "NotFound"}


# What a delete is tried again after: another resource still holds the one that is to go.
_HELD = ("DependencyViolation", ".InUse", "ResourceInUse", "DeleteConflict")


class Outcome(enum.Enum):
    """How a delete ended: the stack is rid of the resource, it is not, or something holds it still."""

    DONE = enum.auto()
    FAILED = enum.auto()
    HELD = enum.auto()


class Steps:
    """Does things to one stack's resources; every method ends with the resource's status and event."""

    def __init__(self, setting: Setting, stack: Stack) -> None:
        self._setting, self._stack = setting, stack

    def create(self, built: Built, verb: str = "CREATE") -> bool:
        """Make a resource of `built.properties` and `built.tags`; `verb` begins its statuses.

        Returns whether it is there and complete; after a failure `built.physical` may still name something.
        """
        work = self._work(built, announce=verb)
        try:
            self._setting.types[built.type].create(work)
        except (ClientError, BotoCoreError, Impossible, KeyError) as error:
            self._stack.note(built, f"{verb}_FAILED", self._reason(built, error))
            return False
        self._stack.note(built, f"{verb}_COMPLETE")
        return True

    def update(self, built: Built, properties: Mapping[str, Any], tags: Mapping[str, str]) -> bool:
        """Change a resource in place. Returns whether it was done; `built` has the new properties either way."""
        old, old_tags = built.properties, built.tags
        difference, kind = compare(built, properties, tags, self._stack.region), self._setting.types[built.type]
        stuck = sorted(set(difference.properties) - kind.updates)
        built.properties, built.tags = properties, tags
        try:
            if stuck:
                raise Impossible(f"The lab cannot change property {stuck[0]} of {built.type} in place")
            # A change of Metadata alone is none of the resource's; what an inner stack shall be is in its template.
            if difference or built.type == NESTED:
                kind.update(self._work(built), old, self._all_tags(built, old_tags))
        except (ClientError, BotoCoreError, Impossible, KeyError) as error:
            self._stack.note(built, "UPDATE_FAILED", self._reason(built, error))
            return False
        self._stack.note(built, "UPDATE_COMPLETE")
        return True

    def delete(self, built: Built, policy: str | None = None, *, last: bool = True) -> Outcome:
        """Remove a resource, or leave it where its policy says so.

        Parameters:
            policy: A deletion policy that counts instead of its own.
            last: Whether it fails when something still holds it; else that is left for another time.
        """
        if (policy or built.deletion_policy).startswith("Retain") and built.physical:
            self._stack.note(built, "DELETE_SKIPPED")
            return Outcome.DONE
        kind = self._setting.types[built.type]
        try:
            if built.physical:
                kind.delete(self._work(built))
        except (ClientError, Impossible) as error:
            code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
            if code not in kind.absent:
                if code.endswith(_HELD) and not last:
                    return Outcome.HELD
                self._stack.note(built, "DELETE_FAILED", self._reason(built, error))
                return Outcome.FAILED
        self._stack.note(built, "DELETE_COMPLETE")
        return Outcome.DONE

    def _work(self, built: Built, *, announce: str = "") -> Work:
        def made(physical: str) -> None:
            built.physical = work.physical = physical
            if announce:
                self._stack.note(built, f"{announce}_IN_PROGRESS", "Resource creation Initiated")

        stack = self._stack
        work = Work(
            client=lambda service: self._setting.clients.client(service, stack.account, stack.region),
            logical=built.name,
            stack=stack.name,
            properties=built.properties,
            tags=self._all_tags(built, built.tags),
            made=made,
            physical=built.physical,
            attributes=built.attributes,
        )
        return work

    def _all_tags(self, built: Built, tags: Mapping[str, str]) -> dict[str, str]:
        return {
            **tags,
            "aws:cloudformation:stack-name": self._stack.name,
            "aws:cloudformation:stack-id": self._stack.id,
            "aws:cloudformation:logical-id": built.name,
        }

    @staticmethod
    def _reason(built: Built, error: Exception) -> str:
        if isinstance(error, KeyError):
            return f"Property {error.args[0]} cannot be empty."
        if not isinstance(error, ClientError):
            return str(error)
        said, meta = error.response["Error"], error.response["ResponseMetadata"]
        service = built.type.split("::")[1].capitalize()
        code = next((mine for part, mine in _HANDLER_CODES.items() if part in said["Code"]), "InvalidRequest")
        where = f"(Service: {service}, Status Code: {meta['HTTPStatusCode']}, Request ID: {meta.get('RequestId', '')})"
        token = f"(RequestToken: {uuid.uuid4()}, HandlerErrorCode: {code})"
        return f'Resource handler returned message: "{said["Message"]} {where}" {token}'
