"""Plugins and their instances, as records: no image is fetched and no container runs.

What only a running container could answer (its logs' lines, a command's output) is refused by name.
"""

from __future__ import annotations

import ipaddress
import time
import uuid

from .controller import Call, Reply
from .operations import Operations
from .plugin_files import manager_of, nothing_runs, shown, slug
from .records import MAPPING, TEXT, Form, Record, drawer, found, numbered, without
from .refusals import bad_argument, not_found
from .state import stamp

operations = Operations()
PLUGIN, INSTANCE, EXPORT = "plugin", "plugin instance", "export"
_PLUGIN = Form(
    "name",
    "image_url",
    name=TEXT,
    image_url=TEXT,
    description=TEXT,
    command=TEXT,
    documentation_url=TEXT,
    support_url=TEXT,
    catalog_id=TEXT,
    version=TEXT,
    tags=MAPPING,
    metadata=MAPPING,
)
_INSTANCE = Form("name", "plugin_id", name=TEXT, description=TEXT, command=TEXT)
_UNSHOWN = ("image_url", "command", "documentation_url", "support_url", "version", "tags", "metadata", "manager")
NETWORK = "198.51.100.0/28"


# Plugins


def plugin_view(call: Call, record: Record) -> Record:
    """A plugin with those of its instances that there are."""
    instances = [one for one in drawer(call, INSTANCE).values() if one["image_id"] == record["id"]]
    containers = [{"id": one["id"], "status": one["status"]} for one in instances]
    running = sum(one["status"] == "Running" for one in instances)
    return without(record, *_UNSHOWN) | {
        "url": record["image_url"],
        "containers": containers,
        "running_containers": running,
        "data": {"comment": "", "container_config": {"Cmd": record["command"]}},
    }


@operations("GET", "/plugins", licensed=True)
def get_plugins(call: Call) -> object:
    """All plugins."""
    return [plugin_view(call, record) for record in drawer(call, PLUGIN).values()]


@operations("POST", "/plugins", licensed=True, status=201)
def post_plugin(call: Call) -> object:
    """Install a plugin; its image is not fetched."""
    return plugin_view(call, install(call, _PLUGIN.new(call.body)))


def install(call: Call, record: Record) -> Record:
    """Keep a plugin's record."""
    identity = str(uuid.uuid4())
    record |= {
        "uuid": identity,
        "tag_name": f"{slug(record['name'])}:{record.get('version') or 'latest'}",
        "status": "Ready",
        "status_msg": "",
        "status_message": "",
        "import_id": str(uuid.uuid4()),
        "created_at": stamp(time.time()),
        "manager": manager_of({}),
    }
    return numbered(call, PLUGIN, record)


@operations("GET", "/plugins/{id}", licensed=True)
def get_plugin(call: Call) -> object:
    """One plugin."""
    return plugin_view(call, found(call, PLUGIN, "id"))


@operations("PUT", "/plugins/{id}", licensed=True)
def put_plugin(call: Call) -> object:
    """Change a plugin."""
    record = found(call, PLUGIN, "id")
    _PLUGIN.change(record, call.body)
    return plugin_view(call, record)


@operations("DELETE", "/plugins/{id}", licensed=True)
def delete_plugin(call: Call) -> object:
    """Remove a plugin without instances."""
    record = found(call, PLUGIN, "id")
    view = plugin_view(call, record)
    if view["containers"]:
        raise bad_argument(f"id is invalid: plugin {record['id']} has instances")
    del drawer(call, PLUGIN)[record["id"]]
    return view


@operations("GET", "/plugins/{id}/manager", licensed=True)
def get_plugin_manager(call: Call) -> object:
    """The configuration that new instances begin with."""
    return shown(found(call, PLUGIN, "id")["manager"])


@operations("GET", "/plugin-catalog", licensed=True)
def get_catalog(call: Call) -> object:
    """The vendor's catalogue, which the lab does not fetch: empty."""
    return []


# Instances


def instance_view(record: Record) -> Record:
    """An instance; `data` is what the container system says of its container."""
    return without(record, "_users") | {
        "url": "",
        "status_message": "",
        "manager": shown(record["manager"]),
        "data": {"Id": record["uuid"], "Name": record["name"], "State": {"Running": record["status"] == "Running"}},
    }


@operations("GET", "/plugin-instances", licensed=True)
def get_instances(call: Call) -> object:
    """All instances."""
    return [instance_view(record) for record in drawer(call, INSTANCE).values()]


@operations("POST", "/plugin-instances", licensed=True, status=201)
def post_instance(call: Call) -> object:
    """Start an instance of a plugin."""
    record = _INSTANCE.new(call.body)
    plugin = drawer(call, PLUGIN).get(call.body.integer("plugin_id"))
    if plugin is None:
        raise bad_argument(f"plugin_id is invalid: there is no plugin {call.body.integer('plugin_id')}")
    manager = call.body.mapping("manager_config") if "manager_config" in call.body else plugin["manager"]
    environment = call.body.objects("environment") if "environment" in call.body else []
    words = [f"{each.text('key')}={each.text('value')}" for each in environment]
    return instance_view(start(call, record, plugin, manager, " ".join(words)))


def start(call: Call, record: Record, plugin: Record, manager: Record, environment: str = "") -> Record:
    """Keep an instance's record, with an address of its own."""
    now = stamp(time.time())
    record |= {
        "command": record.get("command") or plugin["command"],
        "image_id": plugin["id"],
        "image_name": plugin["name"],
        "uuid": str(uuid.uuid4()),
        "status": "Running",
        "ip_address": _address(call),
        "created_at": now,
        "updated_at": now,
        "environment": environment,
        "firewall": [],
        "port_maps": {},
        "manager": manager_of(manager),
    }
    return numbered(call, INSTANCE, record)


def network(call: Call) -> str:
    """The CIDR that instances live in."""
    return str(drawer(call, "container system").get("it", {}).get("network", NETWORK))


def addresses(call: Call) -> dict[str, bool]:
    """Every address for instances, and whether it is taken."""
    taken = {one["ip_address"] for one in drawer(call, INSTANCE).values()}
    hosts = [str(host) for host in ipaddress.ip_network(network(call)).hosts()][1:]  # the first is the controller's
    return {host: host in taken for host in hosts}


def _address(call: Call) -> str:
    known = addresses(call)
    wanted = call.body.text("ip_address", call.body.text("ipaddress", ""))
    if wanted and known.get(wanted, True):
        raise bad_argument(f"ip_address is invalid: {wanted} is not a free address of {network(call)}")
    free = next((host for host, taken in known.items() if not taken), "")
    if not free:
        raise bad_argument(f"no address of {network(call)} is free")
    return wanted or free


@operations("GET", "/plugin-instances/{id}", licensed=True)
def get_instance(call: Call) -> object:
    """One instance."""
    return instance_view(found(call, INSTANCE, "id"))


@operations("DELETE", "/plugin-instances/{id}", licensed=True)
def delete_instance(call: Call) -> object:
    """Remove an instance; answers with its plugin."""
    record = drawer(call, INSTANCE).pop(found(call, INSTANCE, "id")["id"])
    return plugin_view(call, drawer(call, PLUGIN)[record["image_id"]])


@operations("POST", "/plugin-instances/{id}/commit", licensed=True, status=201)
def post_commit(call: Call) -> object:
    """Make a plugin of an instance."""
    record = found(call, INSTANCE, "id")
    source = drawer(call, PLUGIN)[record["image_id"]]
    call.body.require("name")
    words = {name: call.body.text(name, "") for name in ("name", "description", "version")}
    made = install(call, without(source, "id") | words)
    made["manager"] = manager_of(record["manager"])
    return {"uuid": made["uuid"], "name": made["name"]}


@operations("POST", "/plugin-instances/{id}/commands/execute", licensed=True)
def post_command(call: Call) -> object:
    """Run a command in an instance: refused, nothing runs here."""
    found(call, INSTANCE, "id")
    call.body.require("command")
    return {"output": "", "timeout": False, "failed": True, "error": nothing_runs("the command")}


_PRESETS = ("allow_outbound", "allow_inbound", "port_forward", "masquerade")


@operations("GET", "/plugin-instances/{id}/firewall", licensed=True)
def get_instance_firewall(call: Call) -> object:
    """The rules that lead to an instance."""
    return found(call, INSTANCE, "id")["firewall"]


@operations("PUT", "/plugin-instances/{id}/firewall", licensed=True, status=201)
def put_instance_firewall(call: Call) -> object:
    """Add a rule of a preset kind."""
    record, preset = found(call, INSTANCE, "id"), call.body.choice("preset", _PRESETS)
    host, port = call.body.integer("host_port", 0), call.body.integer("container_port", 0)
    protocol = call.body.choice("protocol", ("tcp", "udp"), "tcp")
    address = record["ip_address"]
    rule = {
        "allow_outbound": f"FORWARD_CUST -s {address} -j ACCEPT",
        "allow_inbound": f"FORWARD_CUST -d {address} -j ACCEPT",
        "masquerade": f"POSTROUTING_CUST -s {address} -j MASQUERADE",
        "port_forward": f"PREROUTING_CUST -p {protocol} --dport {host} -j DNAT --to {address}:{port}",
    }[preset]
    if preset == "port_forward":
        call.body.require("host_port", "container_port")
        record["port_maps"][str(host)] = port
    record["firewall"].append({"rule": rule, "tags": [preset], "plugin_port": port, "destination_port": host})
    return record["firewall"]


# Exports: files of plugins and of instances


def _exports(kind: str, base: str) -> None:
    @operations("GET", f"{base}/{{id}}/exports", licensed=True)
    def get_exports(call: Call) -> object:
        """All exports of one."""
        return _of(call, kind, found(call, kind, "id"))

    @operations("POST", f"{base}/{{id}}/exports", licensed=True, status=201)
    def post_export(call: Call) -> object:
        """Export one under a name."""
        return _export_view(export(call, kind, found(call, kind, "id"), call.body.text("name")))

    @operations("DELETE", f"{base}/{{id}}/exports/{{export_name}}", licensed=True)
    def delete_export(call: Call) -> object:
        """Remove an export; answers with those that remain."""
        owner = found(call, kind, "id")
        drawer(call, EXPORT).pop(_the_export(call, kind, owner)["id"])
        return _of(call, kind, owner)

    @operations("GET", f"{base}/{{id}}/exports/{{export_name}}", licensed=True)
    def get_export(call: Call) -> object:
        """The export's file: a description, since there is no image."""
        record = _the_export(call, kind, found(call, kind, "id"))
        return Reply(200, record["content"], content_type="application/octet-stream")


def export(call: Call, kind: str, owner: Record, name: str) -> Record:
    """Keep an export's record."""
    if any(each["name"] == name and each["of"] == (kind, owner["id"]) for each in drawer(call, EXPORT).values()):
        raise bad_argument(f"name is invalid: there is an export {name!r} already")
    content = f"{kind} {owner['uuid']}\n"
    record: Record = {"of": (kind, owner["id"]), "name": name, "basename": f"{slug(name)}.tar.gz", "content": content}
    record |= {"size": len(content), "mtime": stamp(time.time()), "status": "complete", "token": uuid.uuid4().hex}
    return numbered(call, EXPORT, record)


def _export_view(record: Record) -> Record:
    kind, number = record["of"]
    base = "plugins" if kind == PLUGIN else "plugin-instances"
    return without(record, "id", "of", "content") | {"url": f"/api/{base}/{number}/exports/{record['name']}"}


def _of(call: Call, kind: str, owner: Record) -> list[Record]:
    return [_export_view(each) for each in drawer(call, EXPORT).values() if each["of"] == (kind, owner["id"])]


def _the_export(call: Call, kind: str, owner: Record) -> Record:
    name = call.parts["export_name"]
    for record in drawer(call, EXPORT).values():
        if record["of"] == (kind, owner["id"]) and name in (record["name"], record["basename"]):
            return record
    raise not_found(f"export {name} not found")


_exports(PLUGIN, "/plugins")
_exports(INSTANCE, "/plugin-instances")


@operations("GET", "/plugin-exports", licensed=True)
def get_all_exports(call: Call) -> object:
    """All exports."""
    return [_export_view(each) for each in drawer(call, EXPORT).values()]
