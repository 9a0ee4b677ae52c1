"""Firewall rules, as version 1 (text and positions) and version 2 (objects with ids) of the API show them."""

from __future__ import annotations

import secrets

from .arguments import Arguments
from .controller import Call
from .firewall_rules import FirewallRule, FirewallRules, RuleError, check
from .operations import Operations
from .records import drawer
from .refusals import bad_argument, bad_request, not_found
from .state import stamp

operations = Operations()


def rules_of(call: Call) -> FirewallRules:
    """The controller's rules."""
    return call.controller.settings.rules


def _job(call: Call) -> str:
    token = secrets.token_hex(8)
    call.controller.settings.jobs.add(token)
    return token


def _done(call: Call, rule: str, position: int) -> dict[str, object]:
    return {"status": "submitted", "rule": rule, "position": position, "token": _job(call)}


@operations("GET", "/firewall/rules", licensed=True)
def get_rules_v1(call: Call) -> object:
    """All rules as [text, position]."""
    return [[rule.rule, position] for position, rule in enumerate(rules_of(call)) if not rule.disabled]


@operations("POST", "/firewall/rules", licensed=True)
def post_rule_v1(call: Call) -> object:
    """Insert a rule."""
    try:
        rule = rules_of(call).add(call.body.text("rule"), call.body.integer("position", -1))
    except RuleError as error:
        raise bad_argument(f"Parse Error - iptables: {error}") from None
    return _done(call, rule.rule, rules_of(call).position(rule))


@operations("PUT", "/firewall", licensed=True)
def put_rules_v1(call: Call) -> object:
    """Replace all rules by the lines of a text."""
    lines = [line for line in call.body.text("rules").splitlines() if line.strip()]
    try:
        for line in lines:
            check(line)
    except RuleError as error:
        raise bad_argument(f"Parse Error - iptables: {error}") from None
    rules_of(call).clear()
    for line in lines:
        rules_of(call).add(line)
    return {"token": _job(call), "status": "submitted"}


@operations("DELETE", "/firewall/rules/{position}", licensed=True)
def delete_position_v1(call: Call) -> object:
    """Remove the rule at a position."""
    position = call.id("position")
    rule = rules_of(call).at(position)
    if rule is None:
        raise bad_argument(f"position is invalid: there is no rule at {position}")
    rules_of(call).remove(rule)
    return _done(call, rule.rule, position)


@operations("DELETE", "/firewall/rules", licensed=True)
def delete_rule_v1(call: Call) -> object:
    """Remove a rule by its text."""
    text = " ".join(call.body.text("rule").split())
    rule = rules_of(call).find(lambda known: known.rule == text)
    if rule is None:
        raise bad_argument(f"rule is invalid: there is no rule {text!r}")
    position = rules_of(call).position(rule)
    rules_of(call).remove(rule)
    return _done(call, rule.rule, position)


def rule_view(call: Call, rule: FirewallRule) -> dict[str, object]:
    """A rule as version 2 shows it."""
    position = rules_of(call).position(rule)
    os_rules = [] if rule.disabled else [_os_rule(rule, position)]
    return {
        "id": rule.id,
        "rule": rule.rule,
        "rule_resolved": f"-A {rule.rule}",
        "table": rule.table,
        "position": position,
        "comment": rule.comment,
        "last_resolved": stamp(rule.created),
        "disabled": rule.disabled,
        "created_at": stamp(rule.created),
        "groups": list(rule.groups),
        "os_rules": os_rules,
    }


def _os_rule(rule: FirewallRule, position: int) -> dict[str, object]:
    return {"rule": f"-A {rule.rule}", "position": position, "table": rule.table, "rule_type": "custom"}


@operations("GET", "/v2/firewall/rules", licensed=True)
def get_rules(call: Call) -> object:
    """All rules, of one table or group where the query asks so."""
    tables = set(filter(None, call.query.get("tables", "").split(",")))
    groups = set(filter(None, call.query.get("groups", "").split(",")))
    return [
        rule_view(call, rule)
        for rule in rules_of(call)
        if (not tables or rule.table in tables) and (not groups or groups & set(rule.groups))
    ]


def add_rule(call: Call, body: Arguments) -> FirewallRule:
    """Add a rule as a body describes it. Raises RuleError."""
    return rules_of(call).add(
        body.text("rule"),
        body.integer("position", -1),
        subtables=drawer(call, "subtable"),
        comment=body.text("comment", ""),
        groups=body.texts("groups"),
        disabled=body.flag("disabled", False),
    )


@operations("POST", "/v2/firewall/rules", licensed=True, status=201)
def post_rules(call: Call) -> object:
    """Add one rule, or as many of `rules` as parse."""
    if "rules" not in call.body:
        try:
            return rule_view(call, add_rule(call, call.body))
        except RuleError as error:
            raise bad_request(f"Parse Error - iptables: {error}") from None
    added, errors = [], []
    for body in call.body.objects("rules"):
        try:
            added.append(add_rule(call, body))
        except RuleError as error:
            errors.append(f"{body.text('rule')}: Parse Error - iptables: {error}")
    return {"rules": [rule_view(call, rule) for rule in added], "errors": errors}


def _find(call: Call) -> FirewallRule:
    number = call.parts["id"]
    rule = rules_of(call).find(lambda known: known.id == number)
    if rule is None:
        raise not_found(f"firewall rule {number} not found")
    return rule


@operations("PUT", "/v2/firewall/rules/{id}", licensed=True)
def put_rule(call: Call) -> object:
    """Change a rule."""
    rule, body = _find(call), call.body
    try:
        text = check(body.text("rule", rule.rule), drawer(call, "subtable"))
    except RuleError as error:
        raise bad_request(f"Parse Error - iptables: {error}") from None
    comment, disabled = body.text("comment", rule.comment), body.flag("disabled", rule.disabled)
    groups = body.texts("groups") if "groups" in body else rule.groups
    rule.rule, rule.comment, rule.disabled, rule.groups = text, comment, disabled, groups
    return rule_view(call, rule)


@operations("DELETE", "/v2/firewall/rules/{id}", licensed=True)
def delete_rule(call: Call) -> object:
    """Remove a rule."""
    rule = _find(call)
    view = rule_view(call, rule)
    rules_of(call).remove(rule)
    return view
