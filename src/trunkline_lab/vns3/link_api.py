"""Links of the overlay: the SDK knows them, the 6.0.0 document does not, so their shapes follow the SDK's own words."""

from __future__ import annotations

import time

from .controller import Call
from .operations import Operations
from .records import TEXT, Form, Record, drawer, found, without
from .refusals import bad_argument, not_found
from .state import stamp

operations = Operations()
_KIND = "link"
_LINK = Form("id", "name", "conf", id=TEXT, name=TEXT, description=TEXT, conf=TEXT, policies=TEXT)


def _shown(record: Record) -> Record:
    return without(record, "log")


def _note(record: Record, text: str) -> None:
    record["log"].append(f"{stamp(time.time())} {text}")


@operations("GET", "/links", licensed=True)
def get_links(call: Call) -> object:
    """All links."""
    return [_shown(record) for record in drawer(call, _KIND).values()]


@operations("POST", "/links", licensed=True, status=201)
def post_link(call: Call) -> object:
    """Make a link; it connects to nothing here."""
    record = _LINK.new(call.body)
    if record["id"] in drawer(call, _KIND):
        raise bad_argument(f"id is invalid: there is a link {record['id']!r} already")
    record |= {"connected": False, "tags": {}, "log": []}
    _note(record, "created")
    drawer(call, _KIND)[record["id"]] = record
    return _shown(record)


@operations("GET", "/links/global-policies", licensed=True)
def get_policies(call: Call) -> object:
    """The policies of all links."""
    return {"policies": drawer(call, "link policies").get("policies", {}).get("text", "")}


@operations("PUT", "/links/global-policies", licensed=True)
def put_policies(call: Call) -> object:
    """Set the policies of all links."""
    call.body.require("policies")
    drawer(call, "link policies")["policies"] = {"text": call.body.text("policies")}
    return {"policies": call.body.text("policies")}


@operations("GET", "/links/{link_id}", licensed=True)
def get_link(call: Call) -> object:
    """One link."""
    return _shown(found(call, _KIND, "link_id"))


@operations("PUT", "/links/{link_id}", licensed=True)
def put_link(call: Call) -> object:
    """Change a link."""
    record = found(call, _KIND, "link_id")
    call.body.flag("connected", False)
    _LINK.change(record, call.body)
    _note(record, "changed")
    return _shown(record)


@operations("DELETE", "/links/{link_id}", licensed=True)
def delete_link(call: Call) -> object:
    """Remove a link."""
    return _shown(drawer(call, _KIND).pop(found(call, _KIND, "link_id")["id"]))


@operations("GET", "/links/{link_id}/logs", licensed=True)
def get_logs(call: Call) -> object:
    """What became of a link, oldest line first."""
    return list(found(call, _KIND, "link_id")["log"])


@operations("POST", "/links/{link_id}/tags", licensed=True)
def post_tag(call: Call) -> object:
    """Put a tag on a link."""
    call.body.require("key", "value")
    record = found(call, _KIND, "link_id")
    record["tags"][call.body.text("key")] = call.body.text("value")
    return _shown(record)


@operations("DELETE", "/links/{link_id}/tags/{tag_key}", licensed=True)
def delete_tag(call: Call) -> object:
    """Take a tag from a link."""
    record, key = found(call, _KIND, "link_id"), call.parts["tag_key"]
    if key not in record["tags"]:
        raise not_found(f"tag {key} not found at link {record['id']}")
    del record["tags"][key]
    return _shown(record)
