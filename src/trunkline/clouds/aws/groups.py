"""Rules of security groups that know whose they are, and until when.

EC2 has one rule for each group, protocol, port and CIDR, so two runs that open the same access share a rule. Each
owner (a run and a purpose) therefore writes a tag of its own on the rule, and the rule goes with the last of them:

    trunkline:open:HASH   "run=R opened=T expires=T purpose=P"    temporary, an exposure
    trunkline:rule:HASH   "run=R opened=T purpose=P"              stays until it is revoked
    trunkline:shut:HASH   ""                                      this owner is leaving

EC2's reads lag behind its writes, by LAG at most (late.py); its writes do not. So two that meet find each other like
this. One who joins a rule writes its tag, waits for LAG, and asks for the rule again: by then whoever left without
seeing the tag has taken the rule away, and it is made anew. One who leaves writes `shut` and looks for others; where it
sees some it waits for LAG and looks again, and the rule goes when all of them are leaving. It keeps its tag until
then, so that what a dead one leaves behind is still an exposure.
"""

from __future__ import annotations

import hashlib
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any, cast

from trunkline._core.errors import Error
from trunkline.clouds.aws import late
from trunkline.clouds.aws.errors import code_of, tolerating
from trunkline.clouds.cloud import CloudError, Exposure, Protocol_, Rule

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

OPEN, KEPT, SHUT = "trunkline:open:", "trunkline:rule:", "trunkline:shut:"
LONGEST = 256  # characters of a tag's value
PATIENCE = 3.0  # seconds for one who is leaving; after that it is taken for dead
_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
_STAMP = r"\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\dZ"
_LONG_AGO = datetime.fromtimestamp(0, UTC)
_VALUE = re.compile(
    rf"run=(?P<run>.*) opened=(?P<opened>{_STAMP}) expires=(?P<expires>{_STAMP}) purpose=(?P<purpose>.*)", re.DOTALL
)
_GONE = ("InvalidSecurityGroupRuleId.NotFound", "InvalidPermission.NotFound", "InvalidGroup.NotFound")


@dataclass(frozen=True)
class Owner:
    """For whom a rule stands: a run, its purpose, and when it ends (aware time; None for a rule that stays)."""

    run: str
    purpose: str
    expires: datetime | None = None

    @property
    def mark(self) -> str:
        """The owner's part of the tags' keys."""
        return hashlib.sha256(f"{self.run}\0{self.purpose}".encode()).hexdigest()[:16]

    @property
    def key(self) -> str:
        """The key of the owner's tag."""
        return f"{OPEN if self.expires else KEPT}{self.mark}"

    def value(self, opened: datetime) -> str:
        """The value of the owner's tag. Raises Error when run and purpose are too long for it."""
        expires = f" expires={stamp(self.expires)}" if self.expires else ""
        value = f"run={self.run} opened={stamp(opened)}{expires} purpose={self.purpose}"
        if len(value) > LONGEST:
            raise Error(
                f"run = {self.run!r} and purpose = {self.purpose!r} are too long to be written on a rule",
                hint=f"shorten one of them by {len(value) - LONGEST} characters",
            )
        return value


def allow(ec2: EC2Client, group: str, rule: Rule, owner: Owner) -> bool:
    """Permit `rule` in `group` for `owner`; see `AwsAccount.allow`. False when somebody else's rule permits it."""
    validate(rule, owner)
    tag = {"Key": owner.key, "Value": owner.value(datetime.now(UTC))}
    patience, joined = time.monotonic() + PATIENCE + late.LAG, False
    while not late.patiently(lambda: _authorize(ec2, group, rule, tag), "InvalidGroup.NotFound"):
        there = late.seen(lambda: _owned(_find(ec2, group, rule))) or _find(ec2, group, rule)
        tired = time.monotonic() > patience
        if there is None and tired:
            raise CloudError(f"{group} has {rule} and does not show it", code="InvalidPermission.Duplicate")
        if there is not None and not _owners(there):
            return False
        if there is not None and joined and owner.key in _tags(there) and (tired or not _leaving(there)):
            break
        if there is not None:
            with tolerating(*_GONE):
                _join(ec2, there, owner, tag)
            late.settle()  # and ask again: it may be taken away by one who did not see the tag
            joined = True
    return True


def revoke(ec2: EC2Client, group: str, rule: Rule, owner: Owner) -> None:
    """Take back what `allow` gave to `owner`; the rule itself goes with its last owner.

    Raises:
        CloudError: reads go on showing a rule that is gone.
    """
    tired = time.monotonic() + PATIENCE + late.LAG
    while not _leave(ec2, late.seen(lambda: _shared_with(owner.mark, _find(ec2, group, rule))), owner.mark):
        if time.monotonic() > tired:
            raise CloudError(f"{group} shows {rule} and does not have it", code="InvalidSecurityGroupRuleId.NotFound")
        late.settle()  # a read that was behind may have shown a rule that was made anew since


def close(ec2: EC2Client, exposure: Exposure) -> None:
    """Remove the share of a rule that an exposure is."""
    identifier, _, mark = exposure.handle.partition("/")

    def look() -> Any:
        with tolerating(*_GONE):
            return _shared_with(mark, _read(ec2, identifier))

    _leave(ec2, late.seen(look), mark)


def exposures(ec2: EC2Client, account: str) -> list[Exposure]:
    """Every temporary rule in the client's account and region, one for each owner, the first to expire first."""
    pages = ec2.get_paginator("describe_security_group_rules").paginate(
        Filters=[{"Name": "tag-key", "Values": [f"{OPEN}*"]}]
    )
    found = [each for page in pages for rule in page["SecurityGroupRules"] for each in _exposures(rule, account)]
    return sorted(found, key=lambda each: (each.expires, each.group, each.handle, each.run, each.purpose))


def validate(rule: Rule, owner: Owner) -> None:
    """Refuse a rule that is not well-formed, and temporary access for everyone. Raises Error."""
    if rule.protocol not in ("tcp", "udp", "icmp", "any"):
        raise Error(f"protocol = {rule.protocol!r} is not known", hint="it is one of tcp, udp, icmp, any")
    if not 0 <= rule.port <= 65535:
        raise Error(f"port = {rule.port!r} is no port", hint="give 1 to 65535, or 0 for all of them")
    try:
        source = ip_network(rule.source)
    except ValueError as error:
        raise Error(f"source = {rule.source!r} is not a CIDR: {error}", hint='write it as "192.0.2.1/32"') from None
    if owner.expires is None:
        return
    if source.prefixlen == 0:
        raise Error(
            f"source = {rule.source!r} would open {rule.protocol}/{rule.port or 'all'} to everyone",
            hint="temporary access is for the caller's own address, as a /32",
        )
    if owner.expires.tzinfo is None:
        raise Error(f"expires = {owner.expires!r} has no time zone", hint="give an aware time: datetime.now(UTC) + ...")


def stamp(moment: datetime) -> str:
    """A moment as it is written on rules: UTC, ISO 8601, to the second."""
    return moment.astimezone(UTC).strftime(_FORMAT)


def _authorize(ec2: EC2Client, group: str, rule: Rule, tag: dict[str, str]) -> bool:
    """Make the rule with its first owner's tag on it; False when it turns out to be there already."""
    request: dict[str, Any] = {
        "GroupId": group,
        "IpPermissions": [_permission(rule)],
        "TagSpecifications": [{"ResourceType": "security-group-rule", "Tags": [tag]}],
    }
    try:
        ec2.authorize_security_group_ingress(**request)
    except Exception as error:
        if code_of(error) != "InvalidPermission.Duplicate":
            raise
        return False
    return True


def _join(ec2: EC2Client, there: Any, owner: Owner, tag: dict[str, str]) -> None:
    """Write the owner's tag on a rule that is there; a repeated `allow` keeps the time of the first."""
    earlier = _VALUE.fullmatch(_tags(there).get(owner.key, ""))
    if earlier:
        tag = {"Key": owner.key, "Value": owner.value(_moment(earlier["opened"]))}
    identifier = there["SecurityGroupRuleId"]
    late.patiently(lambda: ec2.create_tags(Resources=[identifier], Tags=[cast(Any, tag)]), *_GONE)
    ec2.delete_tags(Resources=[identifier], Tags=[{"Key": f"{SHUT}{owner.mark}"}])


def _leave(ec2: EC2Client, there: Any, mark: str) -> bool:
    """Give up the share of one owner of a rule, if there is one; False when the rule had gone already."""
    if there is None:
        return True
    identifier, shut = there["SecurityGroupRuleId"], {"Key": f"{SHUT}{mark}", "Value": ""}
    request: dict[str, Any] = {"GroupId": there["GroupId"], "SecurityGroupRuleIds": [identifier]}
    with tolerating(*_GONE):
        late.patiently(lambda: ec2.create_tags(Resources=[identifier], Tags=[cast(Any, shut)]), *_GONE)
        if _has_others(ec2, identifier, mark):
            late.settle()
            if _has_others(ec2, identifier, mark):
                own = (f"{OPEN}{mark}", f"{KEPT}{mark}", f"{SHUT}{mark}")
                ec2.delete_tags(Resources=[identifier], Tags=[{"Key": key} for key in own])
                return True
        late.patiently(lambda: ec2.revoke_security_group_ingress(**request), *_GONE)
        return True
    return False


def _has_others(ec2: EC2Client, identifier: str, mark: str) -> bool:
    """Whether the rule shows owners beside this one that are not leaving."""
    there = late.patiently(lambda: _read(ec2, identifier), *_GONE)
    return bool(_owners(there) - _leaving(there) - {mark})


def _owned(there: Any) -> Any:
    """The rule, if it shows an owner: tags may be seen later than what they are on."""
    return there if there is not None and _owners(there) else None


def _shared_with(mark: str, there: Any) -> Any:
    """The rule, if this owner has a share in it."""
    return there if there is not None and mark in _owners(there) else None


def _read(ec2: EC2Client, identifier: str) -> Any:
    return ec2.describe_security_group_rules(SecurityGroupRuleIds=[identifier])["SecurityGroupRules"][0]


def _find(ec2: EC2Client, group: str, rule: Rule) -> Any:
    """The group's inbound rule that is exactly `rule`, or None."""
    wanted = _identity(_permission(rule))
    pages = ec2.get_paginator("describe_security_group_rules").paginate(
        Filters=[{"Name": "group-id", "Values": [group]}]
    )
    rules = (each for page in pages for each in page["SecurityGroupRules"] if not each["IsEgress"])
    return next((each for each in rules if _same(each) == wanted), None)


def _permission(rule: Rule) -> dict[str, Any]:
    """A rule in EC2's words."""
    source = ip_network(rule.source)
    permission: dict[str, Any] = {"IpProtocol": "-1" if rule.protocol == "any" else rule.protocol}
    if rule.protocol == "icmp":
        permission.update(IpProtocol="icmp" if source.version == 4 else "icmpv6", FromPort=-1, ToPort=-1)
    elif rule.protocol != "any":
        permission.update(FromPort=rule.port, ToPort=rule.port or 65535)
    if source.version == 4:
        permission["IpRanges"] = [{"CidrIp": str(source)}]
    else:
        permission["Ipv6Ranges"] = [{"CidrIpv6": str(source)}]
    return permission


def _identity(permission: dict[str, Any]) -> tuple[object, ...]:
    peers = [*permission.get("IpRanges", []), *permission.get("Ipv6Ranges", [])]
    first, last = permission.get("FromPort", -1), permission.get("ToPort", -1)
    return permission["IpProtocol"], first, last, next(iter(peers[0].values()))


def _same(rule: Any) -> tuple[object, ...]:
    source = rule.get("CidrIpv4") or rule.get("CidrIpv6")
    return rule["IpProtocol"], rule.get("FromPort", -1), rule.get("ToPort", -1), source


def _tags(rule: Any) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in rule.get("Tags", [])}


def _owners(rule: Any) -> set[str]:
    """The marks of a rule's owners; the keys of both kinds have one length."""
    return {key[len(OPEN) :] for key in _tags(rule) if key.startswith((OPEN, KEPT))}


def _leaving(rule: Any) -> set[str]:
    return {key[len(SHUT) :] for key in _tags(rule) if key.startswith(SHUT)}


def _exposures(rule: Any, account: str) -> list[Exposure]:
    marks = {key[len(OPEN) :]: value for key, value in _tags(rule).items() if key.startswith(OPEN)}
    return [_exposure(rule, account, mark, value) for mark, value in marks.items()]


def _exposure(rule: Any, account: str, mark: str, value: str) -> Exposure:
    told = _VALUE.fullmatch(value)
    return Exposure(
        account=account,
        group=rule["GroupId"],
        rule=_rule(rule),
        # What somebody has edited is still an exposure, and one that is over.
        run=told["run"] if told else "",
        purpose=told["purpose"] if told else value,
        opened=_moment(told["opened"]) if told else _LONG_AGO,
        expires=_moment(told["expires"]) if told else _LONG_AGO,
        handle=f"{rule['SecurityGroupRuleId']}/{mark}",
    )


def _rule(rule: Any) -> Rule:
    protocol, first, last, source = _same(rule)
    spoken = {"-1": "any", "icmpv6": "icmp"}.get(str(protocol), str(protocol))
    port = first if first == last and isinstance(first, int) and first > 0 else 0
    return Rule(cast(Protocol_, spoken), port, str(source))


def _moment(text: str) -> datetime:
    return datetime.strptime(text, _FORMAT).replace(tzinfo=UTC)
