"""Try a folder of ARM templates against the lab: deploy, deploy again, delete, look for leftovers.

    python tests/lab/azure/lab_azure_corpus.py FOLDER [--parameters FILE] [--only PATTERN] [--json]

FOLDER holds OWNER/REPOSITORY/..., where links to GitHub lead. Tried is each template for a resource group that is no
part of another. It gets an Azure of its own, with a network, a security group and an address that are there already,
and with the networks, groups and addresses that it turns out to take for given. Its parameters are those of its own
repository (NAME.parameters.json or azuredeploy.parameters.json) without their placeholders (GEN-UNIQUE, "changeme");
what has no value is guessed, and FILE (YAML: path -> parameters) gives what cannot be. The results:

    deploys       deployed; deployed again without a change in any resource; its group deleted, and nothing is left
    basic         the same, where public addresses and balancers of the retired Basic SKU can still be made
    refused       the lab says by name what it does not have
    fails         anything else: a bug in the lab, or a template that Azure would refuse as well
"""

from __future__ import annotations

import argparse
import copy
import itertools
import json
import re
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml
from azure.core.exceptions import HttpResponseError
from lab_azure import REGION, ZERO, Clients, connect
from lab_azure_given import GROUP, NETWORK, furnish, missing_in, provide

from trunkline_lab.azure import SUBSCRIPTION, AzureFace
from trunkline_lab.azure.relaxed import read_json
from trunkline_lab.world import PublicAddresses, World

ROOT = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.Network"
# An address that an author meant for another subnet than the one made here.
OUTSIDE = re.compile(r"address ([0-9.]+) does not belong to the range of subnet prefix ([0-9./]+)\.")
# What the lab says of what it does not have; everything else is a failure.
REFUSALS = re.compile(
    r"InvalidResourceType\b|InvalidResourceNamespace|FeatureNotSupported|IPv6NotSupported|the lab's Azure"
    r"|Could not find member"
)
BASIC = re.compile(r"BasicSkuLoadBalancerNotAllowed|IPv4BasicSkuPublicIpCountLimitReached|PublicIPAndLBSkuDoNotMatch")
LINKED = re.compile(r"(nested|linked|shared|common)", re.I)  # folders of parts
MAIN = ("azuredeploy.json", "mainTemplate.json")
# What authors leave for the reader to fill in.
PLACE = re.compile(
    r"^\s*$|change ?me|^<.*>$|GEN-|^GET-|^your|replace|^\[.*\]$|^x+$|to be defined|^(?-i:[A-Z]+_[A-Z_]+)$", re.I
)
HERE = "https://templates.example.org/"
SSH_KEY = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ" + "C" * 330 + " tried@example"
GUID = "0f0e0d0c-0b0a-4908-8706-050403020100"
PASSWORD = "Tried-Passw0rd-1"
# The placeholders of the quickstarts' own pipeline, the longest first.
PLACES = {
    "GEN-SSH-PUB-KEY": SSH_KEY,
    "GEN-PASSWORD": PASSWORD,
    "GEN-GUID": GUID,
    "GEN-AZUREAD-OBJECTID": GUID,
    "GEN-VNET-NAME": NETWORK,
    "GEN-VNET-SUBNET1-NAME": "one",
    "GEN-VNET-SUBNET2-NAME": "two",
    "GEN-VNET-RESOURCEGROUP-NAME": GROUP,
}


def unplaced(value: Any, name: str) -> Any:
    """The value that a parameter file has for `name`, without its placeholders."""
    if isinstance(value, dict):
        return {key: unplaced(item, name) for key, item in value.items()}
    if isinstance(value, list):
        return [unplaced(item, name) for item in value]
    if not isinstance(value, str):
        return value
    for place in sorted(PLACES, key=len, reverse=True):
        value = value.replace(place, PLACES[place])
    value = re.sub(r"GEN-UNIQUE-(\d+)", lambda found: (own(name) + "7x2k9" * 6)[: int(found[1])], value)
    return value.replace("GEN-UNIQUE", own(name))


def placeholder(value: Any) -> bool:
    """Whether an author left a value for the reader to fill in."""
    told = isinstance(value, str)
    return value is None or (told and PLACE.search(value) is not None)


def guess(name: str, spec: dict[str, Any]) -> Any:
    """A plausible value of a parameter that nobody gave one."""
    kind, allowed = str(spec.get("type", "string")).lower(), spec.get("allowedValues")
    if allowed:
        here = [one for one in allowed if str(one).lower().replace(" ", "") == REGION]
        allowed = here or allowed
        return [allowed[0]] if kind == "array" and not isinstance(allowed[0], list) else allowed[0]
    if kind == "int":
        return spec.get("minValue", 1)
    if kind == "bool":
        return False
    if kind in ("object", "secureobject"):
        return {}
    if kind == "array":
        return []
    text = by_name(name.lower(), kind.startswith("secure"))
    shortest, longest = spec.get("minLength", 0), spec.get("maxLength", len(text) + spec.get("minLength", 0))
    return (text + "x" * max(0, shortest - len(text)))[:longest]


def by_name(low: str, secure: bool) -> str:
    """A text parameter's value, judged by what it is called; a name of its own where nothing is known."""
    rows = (
        ("location|region", REGION),
        ("ssh|publickey|rsakey", SSH_KEY),
        ("password|secret|passwd|sharedkey|vpnkey", PASSWORD),
        ("subnet.*(prefix|cidr|range)", "10.0.1.0/24"),
        ("(address|net|vnet|vpc|network|allowed|source).*(prefix|cidr|range)|addressspace|cidr$", "10.0.0.0/16"),
        ("resourcegroup|rgname|vnetrg", GROUP),
        ("existing.*subnet|^subnetname", "one"),
        ("existing.*(vnet|virtualnetwork)|^(vnet|virtualnetwork)name$", NETWORK),
        ("(networksecuritygroup|nsg).*id$", f"{ROOT}/networkSecurityGroups/given-nsg"),
        ("subnet.*id$", f"{ROOT}/virtualNetworks/{NETWORK}/subnets/one"),
        ("existing.*(securitygroup|nsg)", "given-nsg"),
        ("(publicip|pip).*id$", ""),
        ("gatewayip|ipaddress$|^ip|[^v]ip$|addr$", "10.0.1.10"),
        ("subscriptionid", SUBSCRIPTION),
        ("(tenant|client|object|principal|app)id", GUID),
        ("(vm|machine|instance).*size", "Standard_D2s_v3"),
        ("email", "somebody@example.org"),
        ("url|uri", "https://example.org/"),
        ("asn", "65010"),
    )
    for pattern, value in rows:
        if re.search(pattern, low):
            return value
    return PASSWORD if secure else own(low)


def own(name: str) -> str:
    """A name that no other parameter gets: small letters and digits, at most 12."""
    return "t" + re.sub("[^a-z0-9]|name|prefix", "", name.lower())[:7] + f"{zlib.crc32(name.encode()):08x}"[:4]


def beside(path: Path) -> dict[str, Any]:
    """The parameters that the template's own repository gives: name -> what its file has there."""
    for name in (f"{path.stem}.parameters.json", "azuredeploy.parameters.json", "parameters.json"):
        if (path.parent / name).is_file():
            try:
                found = read_json((path.parent / name).read_text("utf-8-sig"))
            except ValueError:
                continue
            return dict(found.get("parameters", found))
    return {}


def parameters(template: dict[str, Any], given: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    """Values for all parameters that need one, as a deployment takes them."""
    chosen = {}
    by_small = {name.lower(): value for name, value in given.items()}
    for name, spec in (template.get("parameters") or {}).items():
        if name in told:
            chosen[name] = {"value": told[name]}
            continue
        entry = by_small.get(name.lower())
        value = unplaced(entry.get("value"), name) if isinstance(entry, dict) else None
        allowed = spec.get("allowedValues")
        fits = not allowed or value in allowed or isinstance(value, list)
        if isinstance(entry, dict) and "value" in entry and fits and not placeholder(value):
            chosen[name] = {"value": value}
        elif spec.get("defaultValue") is None:
            chosen[name] = {"value": guess(name, spec)}
    return chosen


def kept(face: AzureFace) -> dict[str, Any]:
    """All resources as they are told, without what a writing changes by itself."""
    return {
        resource.id: copy.deepcopy(resource.properties)
        for resource in face._store.resources()
        if "deployments" not in str(resource.id).lower()
    }


def attempt(face: AzureFace, name: str, chosen: dict[str, Any], there: dict[str, str], sku: str) -> tuple[str, str]:
    """The result of one template, and why (or how many resources it made).

    Parameters:
        there: What must be there already besides what every template gets: id -> prefix, if it is a network or subnet.
        sku: That of addresses that must be there.
    """
    clients = connect(face)
    furnish(clients)
    regions = [each["value"] for parameter, each in chosen.items() if "location" in parameter.lower()]
    region = str(regions[0]) if regions else REGION
    for id_, prefix in there.items():
        provide(clients, id_, prefix, region, sku)
    before = kept(face)
    link = {"uri": HERE + quote(name)}
    body: Any = {"properties": {"mode": "Incremental", "templateLink": link, "parameters": chosen}}
    try:
        clients.deployments.deployments.begin_create_or_update(GROUP, "main", body).result()
    except HttpResponseError as error:
        return classed(words(error))
    wrote = {target.lower() for target in written(clients)}
    if any(id_.lower().startswith(target) for id_ in there for target in wrote):
        return "fails", f"at odds with itself: needs {list(there)[-1]} before it makes it"
    first = kept(face)
    try:
        clients.deployments.deployments.begin_create_or_update(GROUP, "main", body).result()
    except HttpResponseError as error:
        return "fails", f"again: {words(error)}"
    again = kept(face)
    changed = sorted(str(id_) for id_ in first.keys() | again.keys() if first.get(id_) != again.get(id_))
    if changed:
        return "fails", f"changed: {changed[:3]}"
    for group in list(clients.resources.resource_groups.list()):
        clients.resources.resource_groups.begin_delete(str(group.name)).result()
    left = kept(face)
    made = len(first) - len(before)
    return ("fails", f"left: {sorted(map(str, left))[:3]}") if left else ("deploys", f"{made} resources")


def written(clients: Clients) -> Iterator[str]:
    """The ids of what the deployments of the group wrote."""
    for deployment in list(clients.deployments.deployments.list_by_resource_group(GROUP)):
        for operation in clients.deployments.deployment_operations.list(GROUP, str(deployment.name)):
            target = operation.properties.target_resource if operation.properties else None
            if target is not None and target.id and "/deployments/" not in target.id:
                yield target.id


def words(error: HttpResponseError) -> str:
    """An error's first causes, as "code: message"."""
    return "; ".join(dict.fromkeys(causes(error.error))) if error.error is not None else str(error)


def causes(error: Any) -> Iterator[str]:
    """What stands innermost in an error's details; some keep theirs as JSON in their message."""
    for detail in error.details or ():
        yield from causes(detail)
    if not error.details:
        yield f"{error.code}: {error.message}"


def classed(reason: str) -> tuple[str, str]:
    result = "basic" if BASIC.search(reason) else "refused" if REFUSALS.search(reason) else "fails"
    return result, " ".join(reason.split())[:600]


def templates(folder: Path, only: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every template for a resource group below a folder, in order of path; not those that others link to."""
    for path in sorted(folder.rglob("*.json")):
        where = path.relative_to(folder)
        part = path.name not in MAIN and any((each / name).exists() for each in path.parents for name in MAIN)
        if part or any(LINKED.match(each) for each in where.parts[:-1]) or not re.search(only, str(where)):
            continue
        try:
            found = read_json(path.read_text("utf-8-sig"))
        except (ValueError, UnicodeDecodeError):
            continue
        if isinstance(found, dict) and "/deploymenttemplate.json" in str(found.get("$schema")).lower():
            yield path, found


def addresses(folder: Path) -> dict[str, Path]:
    """Where templates say that they and their parts are: FOLDER/OWNER/REPOSITORY."""
    raw = "https://raw.githubusercontent.com"
    owned = [(str(path.relative_to(folder)), path) for path in folder.glob("*/*") if path.is_dir()]
    owned += [(name.lower(), path) for name, path in owned]
    owned += [(f"{owner.lower()}/{rest}", path) for (owner, _, rest), path in ((n.partition("/"), p) for n, p in owned)]
    owned += [(f"{owner}/{rest.lower()}", path) for (owner, _, rest), path in ((n.partition("/"), p) for n, p in owned)]
    branches = itertools.product(owned, ("master", "main"))
    return {HERE: folder} | {f"{raw}/{name}/{branch}/": path for (name, path), branch in branches}


def once(folder: Path, name: str, chosen: dict[str, Any], basic: bool) -> tuple[str, str]:
    """The result of one template, each time in an Azure of its own, until all it takes for given is there."""
    there: dict[str, str] = {}
    for number in itertools.count():
        world = World(PublicAddresses("127.77.9"), ZERO)
        with AzureFace(world, templates=addresses(folder), basic_skus=basic) as face:
            try:
                result, reason = attempt(face, name, chosen, there, "Basic" if basic else "Standard")
            except Exception as error:
                return "fails", repr(error)
        missing, outside = missing_in(reason), OUTSIDE.search(reason)
        if missing and missing not in there and number < 12:
            there[missing] = f"10.{240 + number}.0.0/24" if "/subnets/" in missing else f"198.18.{number}.0/24"
        elif outside and outside[2] in there.values() and number < 12:
            id_ = next(id_ for id_, prefix in there.items() if prefix == outside[2])
            there[id_] = str(IPv4Interface(f"{outside[1]}/25").network)
        else:
            return result, reason
    raise AssertionError("count ends never")


def tried(folder: Path, told: dict[str, dict[str, Any]], only: str = "") -> list[dict[str, str]]:
    """The result of every template below a folder."""
    rows = []
    for path, template in templates(folder, only):
        name = str(path.relative_to(folder))
        chosen = parameters(template, beside(path), told.get(name, {}))
        result, reason = once(folder, name, chosen, basic=False)
        if result == "basic":
            result, reason = once(folder, name, chosen, basic=True)
            result = {"deploys": "basic", "basic": "fails"}.get(result, result)
        rows.append({"template": name, "result": result, "reason": reason})
        print(f"{result:8} {name}  {reason}", file=sys.stderr, flush=True)
    return rows


def main() -> int:
    """Print the table. Returns 1 when a template fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--parameters", type=Path, default=Path(__file__).with_suffix(".yaml"))
    parser.add_argument("--only", default="", help="a regular expression that a path must match")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    rows = tried(chosen.folder, yaml.safe_load(chosen.parameters.read_text()), chosen.only)
    if chosen.json:
        print(json.dumps(rows, indent=1))
    print(dict(Counter(row["result"] for row in rows)), file=sys.stderr)
    return any(row["result"] == "fails" for row in rows)


if __name__ == "__main__":
    sys.exit(main())
