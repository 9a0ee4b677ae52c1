"""What is inside a plugin's instance: configuration files with their versions, log files, processes, users."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

from .controller import Call
from .operations import Operations
from .records import Record, found, without
from .refusals import bad_argument, not_found
from .state import stamp

operations = Operations()
_INSTANCE = "plugin instance"
_PARTS = ("log_files", "configuration_files", "ports", "executables")
_SHOWN = {
    "log_files": ("path", "description"),
    "configuration_files": ("name", "path", "description", "version", "created_at", "previous_versions"),
    "ports": ("port", "protocol", "ui", "ssl", "ui_path"),
    "executables": ("path", "name", "commands"),
}


def slug(text: str) -> str:
    """A name as paths carry it."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "unnamed"


def nothing_runs(what: str) -> str:
    """Why `what` cannot be had."""
    return f"{what} needs a running container, and the lab runs none"


def manager_of(given: Mapping[str, Any]) -> Record:
    """A manager's configuration, complete. Raises Refusal when a part is not what it has to be."""
    manager: Record = {}
    for part in _PARTS:
        value = given.get(part) or []
        if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
            raise bad_argument(f"{part} is invalid: expected a list of objects")
        manager[part] = [{k: v for k, v in item.items() if k in (*_SHOWN[part], "contents")} for item in value]
    for file in manager["configuration_files"]:
        if not file.get("path"):
            raise bad_argument("configuration_files is invalid: path is required")
        file.setdefault("name", str(file["path"]).rpartition("/")[2])
        if not all(isinstance(number, int) for number in file.get("contents") or [""]):
            file.pop("contents", None)  # a caller's own word, not our record
            file.pop("version", None)
        file.setdefault("contents", {1: ""})
        file |= (
            {"version": 1, "created_at": stamp(time.time()), "previous_versions": []} if "version" not in file else {}
        )
    processes = given.get("process_manager") or {}
    if not isinstance(processes, Mapping):
        raise bad_argument("process_manager is invalid: expected an object")
    manager["process_manager"] = {
        "name": str(processes.get("name", "")),
        "subprocesses": list(processes.get("subprocesses", [])),
    }
    return manager


def shown(manager: Record) -> Record:
    """A manager's configuration without the files' contents."""
    return manager | {"configuration_files": [without(file, "contents") for file in manager["configuration_files"]]}


def _manager(call: Call) -> Record:
    manager: Record = found(call, _INSTANCE, "id")["manager"]
    return manager


def _body(call: Call) -> Record:
    given: Record = {part: call.body.maps(part) for part in _PARTS if part in call.body}
    if "process_manager" in call.body:
        given["process_manager"] = call.body.mapping("process_manager")
    return given


@operations("POST", "/plugin-instances/{id}/manager", licensed=True, status=201)
def post_manager(call: Call) -> object:
    """Tell what is inside an instance."""
    instance = found(call, _INSTANCE, "id")
    instance["manager"] = manager_of(_body(call))
    return shown(instance["manager"])


@operations("PUT", "/plugin-instances/{id}/manager", licensed=True)
def put_manager(call: Call) -> object:
    """Change what is told of an instance; parts that are not given stay."""
    instance = found(call, _INSTANCE, "id")
    instance["manager"] = manager_of(instance["manager"] | _body(call))
    return shown(instance["manager"])


# Configuration files


def _file(call: Call) -> Record:
    for file in _manager(call)["configuration_files"]:
        if call.parts["slug"] in (slug(str(file["name"])), file["name"]):
            known: Record = file
            return known
    raise not_found(f"configuration {call.parts['slug']} not found")


def _version(file: Record, number: int) -> str:
    if number not in file["contents"]:
        raise bad_argument(f"version is invalid: {file['name']} has no version {number}")
    return str(file["contents"][number])


def _write(file: Record, content: str) -> None:
    old = {"version": file["version"], "path": file["path"], "created_at": file["created_at"]}
    file["previous_versions"] = [*file["previous_versions"], old]
    file["version"] = max(file["contents"]) + 1
    file["contents"][file["version"]] = content
    file["created_at"] = stamp(time.time())


@operations("GET", "/plugin-instances/{id}/configurations", licensed=True)
def get_configurations(call: Call) -> object:
    """All configuration files."""
    return shown(_manager(call))["configuration_files"]


@operations("GET", "/plugin-instances/{id}/configurations/{slug}/content", licensed=True)
def get_content(call: Call) -> object:
    """A file's content, of one version or the present one."""
    file = _file(call)
    asked = call.query.get("version")
    if asked is not None and not asked.isdigit():
        raise bad_argument(f"version is invalid: {asked!r} is no number")
    return _version(file, int(asked) if asked else file["version"])


@operations("PUT", "/plugin-instances/{id}/configurations/{slug}/content", licensed=True)
def put_content(call: Call) -> object:
    """Write a file; what it was before is kept."""
    _write(_file(call), call.body.text("content"))
    return shown(_manager(call))


@operations("POST", "/plugin-instances/{id}/configurations/{slug}/revert", licensed=True)
def post_revert(call: Call) -> object:
    """Write an older version anew."""
    file = _file(call)
    _write(file, _version(file, call.body.integer("version")))
    return shown(_manager(call))


@operations("DELETE", "/plugin-instances/{id}/configurations/{slug}/clear", licensed=True)  # as the SDK asks
@operations("POST", "/plugin-instances/{id}/configurations/{slug}/clear", licensed=True)
def post_clear(call: Call) -> object:
    """Forget older versions."""
    file = _file(call)
    file["contents"] = {file["version"]: file["contents"][file["version"]]}
    file["previous_versions"] = []
    return shown(_manager(call))


@operations("DELETE", "/plugin-instances/{id}/configurations/{slug}/versions/{version}", licensed=True)
def delete_version(call: Call) -> object:
    """Forget one older version."""
    file, number = _file(call), call.id("version")
    _version(file, number)
    if number == file["version"]:
        raise bad_argument(f"version is invalid: {number} is the present one")
    del file["contents"][number]
    file["previous_versions"] = [each for each in file["previous_versions"] if each["version"] != number]
    return shown(_manager(call))


# Logs, processes, users


@operations("GET", "/plugin-instances/{id}/logs", licensed=True)
def get_logs(call: Call) -> object:
    """All log files."""
    return _manager(call)["log_files"]


@operations("GET", "/plugin-instances/{id}/logs/{slug}/content", licensed=True)
def get_log(call: Call) -> object:
    """A log file's lines: none, since nothing runs."""
    for file in _manager(call)["log_files"]:
        if call.parts["slug"] == slug(str(file.get("path", "")).rpartition("/")[2]):
            return []
    raise not_found(f"log {call.parts['slug']} not found")


@operations("GET", "/plugin-instances/{id}/processes", licensed=True)
def get_processes(call: Call) -> object:
    """The process manager and what it would run."""
    return _manager(call)["process_manager"]


@operations("POST", "/plugin-instances/{id}/processes/action", licensed=True)
def post_action(call: Call) -> object:
    """Start or stop a process: refused, nothing runs here."""
    _manager(call)
    call.body.require("process", "action")
    return {"output": "", "timeout": False, "failed": True, "error": nothing_runs("the process")}


@operations("GET", "/plugin-instances/{id}/users", licensed=True)
def get_users(call: Call) -> object:
    """Who may log in to an instance."""
    return list(found(call, _INSTANCE, "id").get("_users", {}).values())


@operations("PUT", "/plugin-instances/{id}/users", licensed=True)
def put_user(call: Call) -> object:
    """Add or change a user; of a password only that there is one is kept."""
    instance, name = found(call, _INSTANCE, "id"), call.body.text("username")
    key = call.body.text("public_key", "")
    if call.body.flag("require_public_key", False) and not key:
        raise bad_argument("public_key is required")
    instance.setdefault("_users", {})[name] = {
        "username": name,
        "password": bool(call.body.text("password", "")),
        "public_key": key,
    }
    return shown(_manager(call))


@operations("DELETE", "/plugin-instances/{id}/users/{username}", licensed=True)
def delete_user(call: Call) -> object:
    """Remove a user."""
    users = found(call, _INSTANCE, "id").get("_users", {})
    if users.pop(call.parts["username"], None) is None:
        raise not_found(f"user {call.parts['username']} not found")
    return shown(_manager(call))
