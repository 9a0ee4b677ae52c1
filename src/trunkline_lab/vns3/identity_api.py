"""Where users of the VPN and of the web UI are known: LDAP, OpenID or RADIUS, as records."""

from __future__ import annotations

from .controller import Call
from .operations import Operations
from .records import FLAG, NUMBER, TEXT, Entry, Form, Record, drawer, without
from .refusals import bad_argument

operations = Operations()


def _fields(kind: Entry, *names: str) -> dict[str, Entry]:
    return dict.fromkeys(names, kind)


_LDAP = Form(
    "host",
    **_fields(TEXT, "host", "binddn", "bindpw"),
    **_fields(NUMBER, "port"),
    **_fields(FLAG, "encrypt", "encrypt_ldaps", "encrypt_auth", "encrypt_auth_key", "encrypt_auth_cert"),
    **_fields(FLAG, "encrypt_verify_ca", "encrypt_ca_cert", "otp"),
    **_fields(TEXT, "encrypt_auth_cert_data", "encrypt_auth_cert_filename", "encrypt_auth_key_data"),
    **_fields(TEXT, "encrypt_auth_key_filename", "encrypt_ca_cert_data", "encrypt_ca_cert_filename"),
    **_fields(TEXT, "user_base", "user_id_attribute", "user_list_filter", "group_base", "group_id_attribute"),
    **_fields(TEXT, "group_list_filter", "group_member_attribute", "group_member_attr_format", "group_search_scope"),
    **_fields(TEXT, "otp_url"),
)
_OPENID = Form(
    "identifier",
    "secret",
    **_fields(FLAG, "enabled"),
    **_fields(TEXT, "provider", "identifier", "secret", "redirect_hostname", "authorization_endpoint"),
    **_fields(TEXT, "token_endpoint", "userinfo_endpoint", "jwks_uri", "otp_url", "issuer"),
)
_RADIUS = Form("server", **_fields(TEXT, "server"), **{"pass": TEXT}, **_fields(NUMBER, "auth_port", "accounting_port"))
_FORMS = {"ldap": _LDAP, "openid": _OPENID, "google": _OPENID, "azure": _OPENID, "okta": _OPENID, "radius": _RADIUS}
_FOR_CONTROLLERS = [name for name in _FORMS if name != "radius"]
_UNSHOWN = ("encrypt_auth_key_data", "bindpw")


def _identity(who: str, providers: list[str]) -> None:
    path = f"/identity/{who}"

    @operations("GET", path)
    def get_identity(call: Call) -> object:
        """What is set."""
        return _shown(drawer(call, "identity").get(who, {}))

    @operations("PUT", path)
    def put_identity(call: Call) -> object:
        """Set it; a switch alone leaves the rest as it is."""
        provider, enabled = call.body.choice("provider", providers), call.body.flag("enabled", True)
        form, known = _FORMS[provider], drawer(call, "identity").get(who)
        if known is not None and known["kind"] == provider:
            record = dict(known)
            form.change(record, call.body)
        else:
            record = (form.new(call.body) if enabled else form.blank()) | {"kind": provider}
        drawer(call, "identity")[who] = record
        return _shown(record)

    @operations("POST", f"{path}/test")
    def test_identity(call: Call) -> object:
        """Whether the provider answers. The lab has none, and calls nobody outside."""
        provider = call.body.choice("provider", providers)
        host = call.body.text("host", "")
        if provider == "ldap" and not host:
            raise bad_argument("host is required")
        return {"connect_success": False, "message": f"the lab does not connect to {host or provider}"}


def _shown(record: Record) -> Record:
    return without(record, "kind", *_UNSHOWN)


_identity("vpn", list(_FORMS))
_identity("controller", _FOR_CONTROLLERS)
