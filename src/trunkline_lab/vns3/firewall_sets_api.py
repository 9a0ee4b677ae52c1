"""Version 2 of the firewall beyond single rules: sets, subtables, groups of rules, export and import."""

from __future__ import annotations

import time
import uuid

from .arguments import Arguments
from .controller import Call, Reply
from .firewall_api import add_rule, rule_view, rules_of
from .firewall_rules import FirewallRule, RuleError, check, check_entry
from .operations import Operations
from .records import TEXT, Form, Record, drawer, found, named
from .refusals import bad_argument, bad_request, not_found
from .state import stamp

operations = Operations()
_SET, _TABLE, _GROUP = "fwset", "subtable", "rule group"
_SET_TYPES = ("net", "list", "service", "port")
_TABLE_TYPES = ("filter", "nat", "mangle")
_SETS = Form("name", "type", name=TEXT, type=TEXT, description=TEXT)
_TABLES = Form("name", "type", name=TEXT, type=TEXT, description=TEXT)
_GROUPS = Form("name", name=TEXT, description=TEXT)


def _dated(record: Record) -> Record:
    now = stamp(time.time())
    return record | {"created_at": record.get("created_at", now), "updated_at": now}


# Sets


def _entries(call: Call, kind: str) -> tuple[list[Record], list[Record]]:
    """The entries of a body that are right, and those that are not."""
    entries: list[Record] = []
    errors: list[Record] = []
    for entry, comment in call.body.entries("entries"):
        try:
            entries.append(_entry(check_entry(kind, entry), comment))
        except RuleError as error:
            errors.append(_entry(entry, comment) | {"error": str(error)})
    return entries, errors


def _entry(text: str, comment: str) -> Record:
    now = stamp(time.time())
    return {"entry": text, "comment": comment, "entry_resolved": text, "last_resolved": now, "created_at": now}


def _set(record: Record) -> Record:
    return {**record, "size": len(record["entries"])}


@operations("GET", "/v2/firewall/fwsets", licensed=True)
def get_sets(call: Call) -> object:
    """All sets."""
    return [_set(record) for record in drawer(call, _SET).values()]


@operations("POST", "/v2/firewall/fwsets", licensed=True, status=201)
def post_set(call: Call) -> object:
    """Make a set of those entries that are right; the others come back with what is wrong."""
    kind = call.body.choice("type", _SET_TYPES)
    entries, errors = _entries(call, kind)
    record = named(call, _SET, _dated(_SETS.new(call.body) | {"type": kind, "entries": entries}))
    return _set(record) | {"errors": errors}


@operations("GET", "/v2/firewall/fwsets/{name}", licensed=True)
def get_set(call: Call) -> object:
    """One set."""
    return _set(found(call, _SET, "name"))


@operations("PUT", "/v2/firewall/fwsets/{name}", licensed=True)
def put_set(call: Call) -> object:
    """Change a set; given entries replace all."""
    record = found(call, _SET, "name")
    entries, errors = _entries(call, record["type"]) if "entries" in call.body else (record["entries"], [])
    _rename(call, _SET, record)
    record |= _dated(record) | {"description": call.body.text("description", record["description"]), "entries": entries}
    return _set(record) | {"errors": errors}


def _rename(call: Call, kind: str, record: Record) -> None:
    name, records = call.body.text("name", record["name"]), drawer(call, kind)
    if name != record["name"]:
        if name in records:
            raise bad_request(f"name is invalid: there is a {kind} {name!r} already")
        records[name] = records.pop(record["name"])
        record["name"] = name


@operations("DELETE", "/v2/firewall/fwsets/{name}", licensed=True, status=202)
def delete_set(call: Call) -> object:
    """Remove a set that no rule uses, or any with force."""
    record = found(call, _SET, "name")
    _refuse_use(call, f"--match-set {record['name']} ", record["name"])
    return _set(drawer(call, _SET).pop(record["name"]))


def _refuse_use(call: Call, text: str, name: str) -> None:
    if call.query.get("force", "").lower() == "true":
        return
    users = [rule.id for rule in rules_of(call) if text in rule.rule + " "]
    if users:
        raise bad_request(f"{name} is in use by firewall rule {users[0]}; force=true removes it all the same")


@operations("POST", "/v2/firewall/fwsets/{name}/entries", licensed=True, status=201)
def post_entry(call: Call) -> object:
    """Add an entry."""
    record = found(call, _SET, "name")
    try:
        text = check_entry(record["type"], call.body.text("entry"))
    except RuleError as error:
        raise bad_request(str(error)) from None
    if any(each["entry"] == text for each in record["entries"]):
        raise bad_request(f"entry is invalid: {text!r} is in {record['name']} already")
    record["entries"].append(_entry(text, call.body.text("comment", "")))
    return _set(record)


@operations("DELETE", "/v2/firewall/fwsets/{name}/entries", licensed=True)
def delete_entry(call: Call) -> object:
    """Remove an entry."""
    record, text = found(call, _SET, "name"), call.body.text("entry")
    kept = [each for each in record["entries"] if each["entry"] != text]
    if len(kept) == len(record["entries"]):
        raise not_found(f"entry {text} not found in {record['name']}")
    record["entries"] = kept
    return _set(record)


# Subtables


def _table(record: Record) -> Record:
    rules = [_table_rule(rule, position) for position, rule in enumerate(record["rules"])]
    return {**record, "rules": rules, "size": len(rules)}


def _table_rule(rule: Record, position: int) -> Record:
    os_rules = [] if rule["disabled"] else [{"rule": f"-A {rule['rule']}", "position": position}]
    return {**rule, "position": position, "rule_resolved": f"-A {rule['rule']}", "os_rules": os_rules}


def _table_rules(call: Call, name: str, bodies: list[Arguments]) -> tuple[list[Record], list[Record]]:
    """The rules of bodies in order of position, and those that do not parse."""
    placed: list[tuple[int, Record]] = []
    errors: list[Record] = []
    for number, body in enumerate(bodies):
        text = body.text("rule")
        rule = {
            "id": uuid.uuid4().hex[:12],
            "rule": text,
            "comment": body.text("comment", ""),
            "disabled": body.flag("disabled", False),
        }
        try:
            check(f"{name} {text}", [*drawer(call, _TABLE), name])
            placed.append((body.integer("position", number), rule))
        except RuleError as error:
            errors.append(rule | {"error": f"Parse Error - iptables: {error}"})
    return [rule for _, rule in sorted(placed, key=lambda each: each[0])], errors


def _bodies(call: Call) -> list[Arguments]:
    return call.body.objects("rules") if "rules" in call.body else []


@operations("GET", "/v2/firewall/subtables", licensed=True)
def get_tables(call: Call) -> object:
    """All subtables."""
    return [_table(record) for record in drawer(call, _TABLE).values()]


@operations("POST", "/v2/firewall/subtables", licensed=True, status=201)
def post_table(call: Call) -> object:
    """Make a subtable; a rule jumps to it with -j NAME."""
    kind = call.body.choice("type", _TABLE_TYPES)
    record = _TABLES.new(call.body)
    rules, errors = _table_rules(call, record["name"], _bodies(call))
    record = named(call, _TABLE, _dated(record | {"type": kind, "rules": rules}))
    return _table(record) | {"errors": errors}


@operations("GET", "/v2/firewall/subtables/{name}", licensed=True)
def get_table(call: Call) -> object:
    """One subtable."""
    return _table(found(call, _TABLE, "name"))


@operations("PUT", "/v2/firewall/subtables/{name}", licensed=True)
def put_table(call: Call) -> object:
    """Change a subtable; given rules replace all."""
    record = found(call, _TABLE, "name")
    errors: list[Record] = []
    if "rules" in call.body:
        record["rules"], errors = _table_rules(call, record["name"], _bodies(call))
    record |= _dated(record) | {"description": call.body.text("description", record["description"])}
    return _table(record) | {"errors": errors}


@operations("DELETE", "/v2/firewall/subtables/{name}", licensed=True, status=202)
def delete_table(call: Call) -> object:
    """Remove a subtable that no rule jumps to, or any with force."""
    record = found(call, _TABLE, "name")
    _refuse_use(call, f"-j {record['name']} ", record["name"])
    return _table(drawer(call, _TABLE).pop(record["name"]))


@operations("POST", "/v2/firewall/subtables/{name}/rules", licensed=True, status=201)
def post_table_rule(call: Call) -> object:
    """Add a rule to a subtable."""
    record = found(call, _TABLE, "name")
    rules, errors = _table_rules(call, record["name"], [call.body])
    if errors:
        raise bad_request(str(errors[0]["error"]))
    position = call.body.integer("position", -1)
    record["rules"].insert(len(record["rules"]) if position < 0 else position, rules[0])
    return _table(record)


@operations("DELETE", "/v2/firewall/subtables/{name}/rules/{rule_id}", licensed=True)
def delete_table_rule(call: Call) -> object:
    """Remove a rule from a subtable; the SDK knows this call, the document does not."""
    record, number = found(call, _TABLE, "name"), call.parts["rule_id"]
    kept = [rule for rule in record["rules"] if rule["id"] != number]
    if len(kept) == len(record["rules"]):
        raise not_found(f"firewall rule {number} not found in {record['name']}")
    record["rules"] = kept
    return _table(record)


# Groups of rules. The SDK says "rule-groups", the document "rules-groups": both are served.


def _group(call: Call, record: Record) -> Record:
    rules = [rule.id for rule in rules_of(call) if record["name"] in rule.groups]
    return {"name": record["name"], "description": record["description"], "rules": rules, "size": len(rules)}


def _join(call: Call, name: str, numbers: list[str]) -> None:
    """Put rules into a group. Raises Refusal for one that is not there, before any is changed."""
    known = {rule.id: rule for rule in rules_of(call)}
    for number in numbers:
        if number not in known:
            raise not_found(f"firewall rule {number} not found")
    for number in numbers:
        if name not in known[number].groups:
            known[number].groups.append(name)


def _leave(call: Call, name: str) -> None:
    for rule in rules_of(call):
        rule.groups = [each for each in rule.groups if each != name]


def _groups(words: str) -> None:
    base = f"/v2/firewall/{words}"

    @operations("GET", base, licensed=True)
    def get_groups(call: Call) -> object:
        """All groups."""
        return [_group(call, record) for record in drawer(call, _GROUP).values()]

    @operations("POST", base, licensed=True, status=201)
    def post_group(call: Call) -> object:
        """Make a group."""
        record = _GROUPS.new(call.body)
        if record["name"] in drawer(call, _GROUP):
            raise bad_request(f"name is invalid: there is a rule group {record['name']!r} already")
        _join(call, record["name"], call.body.texts("rule_ids"))
        return _group(call, named(call, _GROUP, record))

    @operations("GET", f"{base}/{{name}}", licensed=True)
    def get_group(call: Call) -> object:
        """One group."""
        return _group(call, found(call, _GROUP, "name"))

    @operations("PUT", f"{base}/{{name}}", licensed=True)
    def put_group(call: Call) -> object:
        """Change a group; given rules replace all."""
        record = found(call, _GROUP, "name")
        rules = call.body.texts("rule_ids") if "rule_ids" in call.body else list(_group(call, record)["rules"])
        old = record["name"]
        _rename(call, _GROUP, record)
        _leave(call, old)
        _join(call, record["name"], rules)
        record["description"] = call.body.text("description", record["description"])
        return _group(call, record)

    @operations("DELETE", f"{base}/{{name}}", licensed=True, status=202)
    def delete_group(call: Call) -> object:
        """Remove an empty group, or any with force; its rules stay."""
        record = found(call, _GROUP, "name")
        view = _group(call, record)
        if view["size"] and call.query.get("force", "").lower() != "true":
            raise bad_request(f"{record['name']} has rules; force=true removes it all the same")
        _leave(call, record["name"])
        del drawer(call, _GROUP)[record["name"]]
        return view

    @operations("POST", f"{base}/{{name}}/rules", licensed=True, status=201)
    def post_group_rule(call: Call) -> object:
        """Put a rule into a group."""
        record = found(call, _GROUP, "name")
        _join(call, record["name"], [call.body.text("rule_id")])
        return _group(call, record)


_groups("rules-groups")
_groups("rule-groups")


# All rules at once


@operations("PUT", "/v2/firewall", licensed=True)  # as the SDK asks
@operations("PUT", "/v2/firewall/rules", licensed=True)
def put_rules(call: Call) -> object:
    """Replace all rules by those that parse; the others come back with what is wrong."""
    added, errors = [], []
    bodies = call.body.objects("rules")
    kept = list(rules_of(call))
    rules_of(call).clear()
    for body in bodies:
        try:
            added.append(add_rule(call, body))
        except RuleError as error:
            errors.append({"rule": body.text("rule"), "error": f"Parse Error - iptables: {error}"})
    if bodies and not added:
        rules_of(call).put_back(kept)
    return {"rules": [rule_view(call, rule) for rule in added], "errors": errors}


@operations("GET", "/v2/firewall/rules/export", licensed=True)
def export_rules(call: Call) -> object:
    """The rules as lines of text, of one group or of some tables where the query asks so."""
    tables = set(filter(None, call.query.get("tables", "").split(",")))
    group = call.query.get("group")
    lines = [
        rule.rule
        for rule in rules_of(call)
        if (not tables or rule.table in tables) and (group is None or group in rule.groups)
    ]
    return Reply(200, "".join(f"{line}\n" for line in lines), content_type="text/plain")


@operations("PUT", "/v2/firewall/rules/import", licensed=True)
def import_rules(call: Call) -> object:
    """Add the lines of a text as rules, from a position on."""
    position, groups = call.body.integer("position", -1), call.body.texts("groups")
    disabled = call.body.flag("disabled", False)
    added: list[FirewallRule] = []
    errors: list[str] = []
    for line in filter(str.strip, call.body.text("rules").splitlines()):
        place = position if position < 0 else position + len(added)
        try:
            added.append(
                rules_of(call).add(line, place, subtables=drawer(call, _TABLE), groups=list(groups), disabled=disabled)
            )
        except RuleError as error:
            errors.append(f"{line}: Parse Error - iptables: {error}")
    return {"rules": [rule_view(call, rule) for rule in added], "errors": errors}


_ACTIONS = ("recreate_all", "resolve_all", "reload", "restart", "flush")


def _action(call: Call) -> object:
    action = call.body.text("action")
    if action not in _ACTIONS:
        raise bad_argument(f"action is invalid: {action!r} is none of {', '.join(_ACTIONS)}")
    return {"status": "ok"}


operations("PUT", "/v2/firewall/actions", licensed=True)(_action)
operations("PUT", "/firewall/actions", licensed=True)(_action)
