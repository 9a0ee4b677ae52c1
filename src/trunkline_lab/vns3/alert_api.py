"""Alerts and the webhooks that they call.

A webhook is really sent when it leads to a loopback address; the lab talks to no other, and says so.
"""

from __future__ import annotations

import ipaddress
import json
import time
from urllib.parse import urlsplit

import aiohttp

from .controller import Call
from .operations import Operations
from .records import FLAG, NUMBER, PAIRS, TEXT, TEXTS, Form, Record, drawer, flag, found, numbered
from .refusals import bad_argument, not_found
from .state import stamp

operations = Operations()
EVENTS = (
    "tunnel_up",
    "tunnel_down",
    "controller_reboot",
    "controller_peer_up",
    "controller_peer_down",
    "client_connect",
    "client_disconnect",
    "bgp_peer_up",
    "bgp_peer_down",
    "system_disk",
)
_WEBHOOK = Form(
    "name",
    name=TEXT,
    url=TEXT,
    events=TEXTS,
    body=TEXT,
    validate_cert=flag(True),
    custom_properties=PAIRS,
    headers=PAIRS,
    parameters=PAIRS,
)
_ALERT = Form("name", name=TEXT, url=TEXT, webhook_id=NUMBER, events=TEXTS, custom_properties=PAIRS, enabled=flag(True))
_MS = Form("ip", ip=TEXT, alert_enabled=FLAG)
_SECONDS = 5.0


def _stamped(record: Record, *, fresh: bool = False) -> Record:
    now = stamp(time.time())
    record.setdefault("created_at", now)
    record["updated_at"] = record["created_at"] if fresh else now
    return record


def _check_events(record: Record) -> None:
    unknown = [event for event in record["events"] if event not in EVENTS]
    if unknown:
        raise bad_argument(f"events is invalid: {unknown[0]!r} is none of {', '.join(EVENTS)}")


@operations("GET", "/alert_events")
def get_events(call: Call) -> object:
    """What an alert can be about."""
    return list(EVENTS)


@operations("POST", "/webhook", status=201)
def post_webhook(call: Call) -> object:
    """Make a webhook."""
    record = _WEBHOOK.new(call.body)
    _check_events(record)
    return numbered(call, "webhook", _stamped(record | {"system": False}, fresh=True))


@operations("GET", "/webhooks")
def get_webhooks(call: Call) -> object:
    """All webhooks."""
    return list(drawer(call, "webhook").values())


@operations("GET", "/webhook/{webhook_id}")
def get_webhook(call: Call) -> object:
    """One webhook."""
    return found(call, "webhook", "webhook_id")


@operations("PUT", "/webhook/{webhook_id}")
def put_webhook(call: Call) -> object:
    """Change a webhook."""
    record = found(call, "webhook", "webhook_id")
    changed = dict(record)
    _WEBHOOK.change(changed, call.body)
    _check_events(changed)
    record |= changed
    return _stamped(record)


@operations("DELETE", "/webhook/{webhook_id}")
def delete_webhook(call: Call) -> object:
    """Remove a webhook that no alert uses."""
    record = found(call, "webhook", "webhook_id")
    for alert in drawer(call, "alert").values():
        if alert["webhook_id"] == record["id"]:
            raise bad_argument(f"webhook_id is invalid: alert {alert['id']} uses webhook {record['id']}")
    return drawer(call, "webhook").pop(record["id"])


@operations("POST", "/alert", status=201)
def post_alert(call: Call) -> object:
    """Make an alert; its webhook may be named by id or by name."""
    record = _ALERT.new(call.body)
    record["webhook_id"] = _webhook_of(call, record["webhook_id"])["id"]
    _check_events(record)
    return numbered(call, "alert", _stamped(record, fresh=True))


def _webhook_of(call: Call, number: int) -> Record:
    webhooks = drawer(call, "webhook")
    if not number and "webhook_name" in call.body:
        name = call.body.text("webhook_name")
        number = next((key for key, each in webhooks.items() if each["name"] == name), 0)
    if number not in webhooks:
        raise bad_argument(f"webhook_id is invalid: there is no webhook {number}")
    return webhooks[number]


@operations("GET", "/alerts")
def get_alerts(call: Call) -> object:
    """All alerts."""
    return list(drawer(call, "alert").values())


@operations("GET", "/alert/{alert_id}")
def get_alert(call: Call) -> object:
    """One alert."""
    return found(call, "alert", "alert_id")


@operations("PUT", "/alert/{alert_id}")
def put_alert(call: Call) -> object:
    """Change an alert."""
    record = found(call, "alert", "alert_id")
    changed = dict(record)
    _ALERT.change(changed, call.body)
    _check_events(changed)
    if "webhook_id" in call.body:
        _webhook_of(call, changed["webhook_id"])
    record |= changed
    return _stamped(record)


@operations("DELETE", "/alert/{alert_id}")
def delete_alert(call: Call) -> object:
    """Remove an alert."""
    return drawer(call, "alert").pop(found(call, "alert", "alert_id")["id"])


@operations("POST", "/alert/{alert_id}/toggle_enabled")
def toggle_alert(call: Call) -> object:
    """Switch an alert on or off."""
    record = found(call, "alert", "alert_id")
    record["enabled"] = not record["enabled"]
    return _stamped(record)


@operations("POST", "/alert/{alert_id}/test")
async def test_alert(call: Call) -> object:
    """Call the alert's webhook now; tells what the other side answered."""
    alert = found(call, "alert", "alert_id")
    webhook = drawer(call, "webhook").get(alert["webhook_id"])
    if webhook is None:
        raise not_found(f"webhook {alert['webhook_id']} not found")
    url = str(alert["url"] or webhook["url"])
    refused = not_for_us(url)
    if refused:
        return {"status": "refused", "code": "", "message": refused}
    return await _send(webhook, url, _filled(call, alert, webhook))


def not_for_us(url: str) -> str:
    """Why the lab does not call this URL, "" when it does."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return f"{url!r} is no http or https URL"
    try:
        loopback = ipaddress.ip_address(parts.hostname).is_loopback
    except ValueError:
        loopback = parts.hostname == "localhost"
    return "" if loopback else f"the lab sends to loopback addresses only, not to {parts.hostname}"


def _filled(call: Call, alert: Record, webhook: Record) -> str:
    """The webhook's body with %{name} filled in, or all there is to say as JSON."""
    properties = [*webhook["custom_properties"], *alert["custom_properties"]]
    values = {str(each["name"]): str(each.get("value") or "") for each in properties}
    values |= {
        "event_name": "test",
        "alert_name": alert["name"],
        "server_name": call.controller.settings.controller_name,
    }
    if not webhook["body"]:
        return json.dumps(values)
    text = str(webhook["body"])
    for name, value in values.items():
        text = text.replace(f"%{{{name}}}", value)
    return text


async def _send(webhook: Record, url: str, text: str) -> Record:
    headers = {str(each["name"]): str(each.get("value") or "") for each in webhook["headers"]}
    query = {str(each["name"]): str(each.get("value") or "") for each in webhook["parameters"]}
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(
                url, data=text, headers={"Content-Type": "application/json"} | headers, params=query,
                ssl=bool(webhook["validate_cert"]), allow_redirects=False,
            ) as answer,
        ):  # fmt: skip
            said = await answer.text(errors="replace")
            status = "ok" if answer.status < 400 else "failed"
            return {"status": status, "code": str(answer.status), "message": said[:1000]}
    except (TimeoutError, aiohttp.ClientError) as error:
        return {"status": "failed", "code": "", "message": str(error) or type(error).__name__}


@operations("GET", "/ms")
def get_ms(call: Call) -> object:
    """The alert to the VNS3:ms that manages this controller, as a record."""
    record = drawer(call, "ms").get("ms")
    if record is None:
        return {}
    return {"id": record["id"], "name": "VNS3:ms", "url": f"https://{record['ip']}", "enabled": record["alert_enabled"]}


@operations("POST", "/ms")
def post_ms(call: Call) -> object:
    """Set the VNS3:ms that manages this controller."""
    record = _MS.new(call.body) | {"ip": call.body.address("ip"), "id": next(call.controller.settings.ids)}
    drawer(call, "ms")["ms"] = record
    return {"ip": record["ip"], "alert_enabled": record["alert_enabled"]}


@operations("PUT", "/ms")
def put_ms(call: Call) -> object:
    """Change the VNS3:ms, or switch its alert."""
    call.body.require("alert_enabled")
    record = drawer(call, "ms").get("ms")
    if record is None:
        raise bad_argument("ip is invalid: no VNS3:ms is set")
    _MS.change(record, call.body)
    return {"ip": record["ip"], "alert_enabled": record["alert_enabled"]}


@operations("POST", "/ms/alert/test")
def test_ms(call: Call) -> object:
    """Whether the VNS3:ms answers; the lab has none."""
    if not drawer(call, "ms"):
        raise bad_argument("ip is invalid: no VNS3:ms is set")
    return False
