"""The container system of older clients: another view of the same plugins and instances."""

from __future__ import annotations

import ipaddress
import uuid

from .controller import Call
from .operations import Operations
from .plugin_api import INSTANCE, PLUGIN, addresses, export, install, network, start
from .plugin_files import manager_of
from .records import Record, drawer
from .refusals import Refusal, bad_argument, not_found

operations = Operations()
_SOURCES = ("url", "buildurl", "localbuild", "localimage", "imagefile", "buildfile")


def _system(call: Call) -> Record:
    return drawer(call, "container system").setdefault("it", {"running": True, "network": network(call)})


def _status(call: Call) -> Record:
    system = _system(call)
    return {"network": system["network"], "running": system["running"]}


@operations("GET", "/container_system", licensed=True)
def get_system(call: Call) -> object:
    """Whether it runs, and in which network."""
    return _status(call)


@operations("POST", "/container_system", licensed=True)
def post_system(call: Call) -> object:
    """Start or stop it."""
    _system(call)["running"] = call.body.choice("action", ("start", "stop")) == "start"
    return _status(call)


@operations("PUT", "/container_system", licensed=True)
def put_system(call: Call) -> object:
    """Move it to another network, while nothing is in it."""
    cidr = call.body.cidr("network")
    if ipaddress.ip_network(cidr).num_addresses < 4:
        raise Refusal(403, "PrerequisiteError", f"network is invalid: {cidr} is too small")
    if drawer(call, INSTANCE):
        raise Refusal(403, "PrerequisiteError", "network is invalid: there are containers in the present one")
    _system(call)["network"] = cidr
    return _status(call)


@operations("GET", "/container_system/ip_addresses", licensed=True)
def get_addresses(call: Call) -> object:
    """Every address, and whether it is taken."""
    known = addresses(call).items()
    return {"addresses": [{"address": host, "status": "used" if used else "available"} for host, used in known]}


# Images


def _by_uuid(call: Call, kind: str) -> Record:
    for record in drawer(call, kind).values():
        if record["uuid"] == call.parts["uuid"]:
            return record
    raise not_found(f"{kind} {call.parts['uuid']} not found")


@operations("GET", "/container_system/images", licensed=True)
def get_images(call: Call) -> object:
    """All images, or the one that the query names."""
    wanted = call.query.get("uuid")
    known = [one for one in drawer(call, PLUGIN).values() if wanted in (None, one["uuid"], one["import_id"])]
    return {"images": [_image(record) for record in known]}


def _image(record: Record) -> Record:
    return {
        "id": record["uuid"],
        "image_name": record["name"],
        "status": record["status"],
        "status_msg": record["status_msg"],
        "import_id": record["import_id"],
        "created": record["created_at"],
        "description": record["description"],
        "tag_name": record["tag_name"],
        "comment": "",
        "container_config": {"Cmd": record["command"]},
    }


@operations("POST", "/container_system/images", licensed=True)
def post_image(call: Call) -> object:
    """Import an image from one source; nothing is fetched."""
    call.body.require("name")
    given = [name for name in _SOURCES if name in call.body]
    if len(given) != 1:
        raise bad_argument(f"exactly one of {', '.join(_SOURCES)} is required")
    words = {name: call.body.text(name, "") for name in ("name", "description", "version", "command")}
    record = install(call, words | {"image_url": call.body.text(given[0]), "catalog_id": ""})
    return {"status": "Importing", "import_uuid": record["import_id"]}


@operations("PUT", "/container_system/images/{uuid}", licensed=True)
def put_image(call: Call) -> object:
    """Rename an image."""
    record = _by_uuid(call, PLUGIN)
    record["name"] = call.body.text("name")
    record["description"] = call.body.text("description", record["description"])
    return {"uuid": record["uuid"], "status": "updated"}


@operations("DELETE", "/container_system/images/{uuid}", licensed=True)
def delete_image(call: Call) -> object:
    """Remove an image that no container uses, or any with force, containers and all."""
    record = _by_uuid(call, PLUGIN)
    users = [one for one in drawer(call, INSTANCE).values() if one["image_id"] == record["id"]]
    if users and call.query.get("force", "").lower() != "true":
        raise Refusal(403, "PrerequisiteError", f"image {record['uuid']} has containers")
    for one in users:
        del drawer(call, INSTANCE)[one["id"]]
    del drawer(call, PLUGIN)[record["id"]]
    return {"uuid": record["uuid"], "image_deleted": True}


@operations("POST", "/container_system/images/{uuid}/exports", licensed=True)
def post_image_export(call: Call) -> object:
    """Export an image."""
    export(call, PLUGIN, _by_uuid(call, PLUGIN), call.body.text("name"))
    return {"status": "exporting"}


@operations("POST", "/container_system/containers/{uuid}/exports", licensed=True)
def post_container_export(call: Call) -> object:
    """Export a container; the SDK asks for it when it means an image."""
    kind = INSTANCE if any(one["uuid"] == call.parts["uuid"] for one in drawer(call, INSTANCE).values()) else PLUGIN
    export(call, kind, _by_uuid(call, kind), call.body.text("name"))
    return {"status": "exporting"}


# Containers


@operations("GET", "/container_system/containers", licensed=True)
def get_containers(call: Call) -> object:
    """The running containers; all with show_all, or the one that the query names."""
    every, wanted = call.query.get("show_all", "").lower() == "true", call.query.get("uuid")
    known = drawer(call, INSTANCE).values()
    return {
        "containers": [
            _container(one)
            for one in known
            if wanted in (None, one["uuid"]) and (every or wanted or one["status"] == "Running")
        ]
    }


def _container(record: Record) -> Record:
    return {
        "Id": record["uuid"],
        "Created": record["created_at"],
        "Image": record["image_name"],
        "Name": record["name"],
        "State": {"Status": record["status"].lower(), "Running": record["status"] == "Running"},
        "NetworkSettings": {"IPAddress": record["ip_address"]},
    }


@operations("POST", "/container_system/containers", licensed=True)
def post_container(call: Call) -> object:
    """Start a container of an image, or one that was stopped."""
    if not _system(call)["running"]:
        raise Refusal(403, "PrerequisiteError", "the container system does not run")
    stopped = call.body.text("uuid", "")
    if stopped:
        record = next((one for one in drawer(call, INSTANCE).values() if one["uuid"] == stopped), None)
        if record is None:
            raise bad_argument(f"uuid is invalid: there is no container {stopped}")
        record["status"] = "Running"
    else:
        record = _fresh(call)
    return {
        "uuid": record["uuid"],
        "container_started": True,
        "ip_address": record["ip_address"],
        "status": record["status"],
    }


def _fresh(call: Call) -> Record:
    wanted = call.body.text("image_uuid")
    image = next((one for one in drawer(call, PLUGIN).values() if one["uuid"] == wanted), None)
    if image is None:
        raise bad_argument(f"image_uuid is invalid: there is no image {wanted}")
    name = call.body.text("name", f"container-{uuid.uuid4().hex[:8]}")
    words = {"name": name, "description": call.body.text("description", ""), "command": call.body.text("command", "")}
    return start(call, words, image, manager_of({}), call.body.text("environment", ""))


@operations("PUT", "/container_system/containers/{uuid}", licensed=True)
def put_container(call: Call) -> object:
    """Stop a container."""
    record = _by_uuid(call, INSTANCE)
    record["status"] = "Stopped"
    return {"uuid": record["uuid"], "status": record["status"]}


@operations("DELETE", "/container_system/containers/{uuid}", licensed=True)
def delete_container(call: Call) -> object:
    """Remove a container."""
    record = _by_uuid(call, INSTANCE)
    del drawer(call, INSTANCE)[record["id"]]
    return {"uuid": record["uuid"], "container_deleted": True}


@operations("POST", "/container_system/containers/{uuid}/commit", licensed=True)
def post_commit(call: Call) -> object:
    """Make an image of a container."""
    record = _by_uuid(call, INSTANCE)
    source = drawer(call, PLUGIN)[record["image_id"]]
    words = {"name": call.body.text("name"), "description": call.body.text("description", "")}
    made = install(call, {"command": source["command"], "image_url": "", "catalog_id": "", **words})
    return {"uuid": made["uuid"], "name": made["name"]}


@operations("GET", "/container_system/containers/{uuid}/logs", licensed=True)
def get_logs(call: Call) -> object:
    """A container's log: no line, since nothing runs."""
    return {"uuid": _by_uuid(call, INSTANCE)["uuid"], "logs": []}
