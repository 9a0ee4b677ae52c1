"""Rules of security groups: whose they are, until when, and that two owners do not hurt each other."""

# ruff: noqa: F401, F811 (fixtures are imported, and are named again as parameters)

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from aws_lab import READ_LAG, aws, face, group, hurried, settled, shared, vpc

from trunkline import Error
from trunkline.clouds.aws import groups
from trunkline.clouds.cloud import CloudError, Rule

SOON = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
API = Rule("tcp", 8000, "192.0.2.1/32")


def rules(aws, group):
    found = settled(aws).describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
    return [each for each in found["SecurityGroupRules"] if not each["IsEgress"]]


def test_temporary_access_shows_with_all_that_is_written_on_it(aws, group):
    before = datetime.now(UTC).replace(microsecond=0)
    aws.allow(group, API, run="acme-10.1", purpose="api-access", expires=SOON)
    (seen,) = aws.exposures()
    assert (seen.account, seen.group, seen.rule, seen.run, seen.purpose) == ("A", group, API, "acme-10.1", "api-access")
    assert seen.expires == SOON
    assert before <= seen.opened <= datetime.now(UTC)
    aws.revoke(group, API, run="acme-10.1", purpose="api-access")
    assert aws.exposures() == []
    assert rules(aws, group) == []


def test_every_verb_may_be_repeated(aws, group):
    for _ in range(3):
        aws.allow(group, API, run="r", purpose="p", expires=SOON)
    (seen,) = aws.exposures()
    for _ in range(3):
        aws.close(seen)
        aws.revoke(group, API, run="r", purpose="p")
    assert rules(aws, group) == []


def test_allowing_again_extends_and_keeps_the_time_of_the_first(aws, group):
    aws.allow(group, API, run="r", purpose="p", expires=SOON)
    (first,) = aws.exposures()
    owner, then = groups.Owner("r", "p", SOON), datetime(2020, 1, 1, tzinfo=UTC)
    tag = {"Key": owner.key, "Value": owner.value(then)}
    settled(aws).create_tags(Resources=[first.handle.partition("/")[0]], Tags=[tag])
    aws.allow(group, API, run="r", purpose="p", expires=SOON + timedelta(hours=1))
    (again,) = aws.exposures()
    assert again.expires == SOON + timedelta(hours=1)
    assert again.opened == then


def test_two_runs_share_a_rule_until_the_last_leaves(aws, group):
    aws.allow(group, API, run="one", purpose="api", expires=SOON)
    aws.allow(group, API, run="two", purpose="api", expires=SOON)
    assert len(rules(aws, group)) == 1
    assert {each.run for each in aws.exposures()} == {"one", "two"}
    aws.revoke(group, API, run="one", purpose="api")
    assert [each.run for each in aws.exposures()] == ["two"]
    aws.close(aws.exposures()[0])
    assert rules(aws, group) == []


def test_one_run_with_two_purposes_is_two_owners(aws, group):
    for purpose in ("first contact", "verify = true"):
        aws.allow(group, API, run="r", purpose=purpose, expires=SOON)
    assert {each.purpose for each in aws.exposures()} == {"first contact", "verify = true"}
    aws.revoke(group, API, run="r", purpose="first contact")
    assert len(rules(aws, group)) == 1


def test_temporary_access_leaves_a_permanent_rule_standing(aws, group):
    aws.allow(group, API, run="keeper", purpose="monitoring")
    aws.allow(group, API, run="visitor", purpose="api", expires=SOON)
    aws.revoke(group, API, run="visitor", purpose="api")
    assert aws.exposures() == []
    assert len(rules(aws, group)) == 1
    aws.revoke(group, API, run="keeper", purpose="monitoring")
    assert rules(aws, group) == []


def test_somebody_elses_rule_is_neither_claimed_nor_revoked(aws, group):
    permission = {"IpProtocol": "tcp", "FromPort": 8000, "ToPort": 8000, "IpRanges": [{"CidrIp": "192.0.2.1/32"}]}
    settled(aws).authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
    aws.allow(group, API, run="r", purpose="p", expires=SOON)
    assert aws.exposures() == []
    aws.revoke(group, API, run="r", purpose="p")
    assert len(rules(aws, group)) == 1


@pytest.mark.parametrize(
    "rule",
    [
        Rule("udp", 500, "192.0.2.7/32"),
        Rule("tcp", 0, "10.0.0.0/8"),
        Rule("icmp", 0, "10.0.0.0/8"),
        Rule("any", 0, "10.0.0.0/8"),
        Rule("tcp", 8000, "2001:db8::1/128"),
    ],
    ids=str,
)
def test_every_kind_of_rule_comes_and_goes(aws, group, rule):
    aws.allow(group, rule, run="r", purpose="p", expires=SOON)
    aws.allow(group, rule, run="r2", purpose="p", expires=SOON)
    assert [each.rule for each in aws.exposures()] == [rule, rule]
    assert len(rules(aws, group)) == 1
    aws.revoke(group, rule, run="r", purpose="p")
    aws.revoke(group, rule, run="r2", purpose="p")
    assert rules(aws, group) == []


@pytest.mark.parametrize(
    ("rule", "expires", "message"),
    [
        (Rule("tcp", 8000, "0.0.0.0/0"), SOON, "source = '0.0.0.0/0' would open tcp/8000 to everyone"),
        (Rule("any", 0, "::/0"), SOON, "source = '::/0' would open any/all to everyone"),
        (Rule("tcp", 8000, "10.0.0.1/24"), SOON, "source = '10.0.0.1/24' is not a CIDR"),
        (Rule("tcp", 8000, "me"), SOON, "source = 'me' is not a CIDR"),
        (Rule("tcp", 80000, "10.0.0.1/32"), SOON, "port = 80000 is no port"),
        (Rule("gre", 0, "10.0.0.1/32"), SOON, "protocol = 'gre' is not known"),
        (API, datetime(2030, 1, 1), "has no time zone"),
    ],
)
def test_bad_rules_are_refused_before_anything_is_touched(face, aws, rule, expires, message):
    face.calls.clear()
    with pytest.raises(Error, match=r".") as raised:
        aws.allow("sg-1", rule, run="r", purpose="p", expires=expires)
    assert message in str(raised.value)
    assert raised.value.hint
    assert list(face.calls) == []


def test_names_too_long_for_a_tag_are_refused(aws, group):
    with pytest.raises(Error, match="too long to be written on a rule"):
        aws.allow(group, API, run="r" * 200, purpose="p", expires=SOON)
    assert rules(aws, group) == []


def test_a_missing_group_is_told_by_name_when_opening_and_fine_when_closing(aws, group):
    with pytest.raises(CloudError) as raised:
        aws.allow("sg-0123456789abcdef0", API, run="r", purpose="p", expires=SOON)
    assert raised.value.code == "InvalidGroup.NotFound"
    assert "sg-0123456789abcdef0" in str(raised.value)
    aws.revoke("sg-0123456789abcdef0", API, run="r", purpose="p")


def test_an_exposure_whose_tag_somebody_edited_is_still_seen_and_closed(aws, group):
    aws.allow(group, API, run="r", purpose="p", expires=SOON)
    (seen,) = aws.exposures()
    identifier = seen.handle.partition("/")[0]
    key = groups.Owner("r", "p", SOON).key
    settled(aws).create_tags(Resources=[identifier], Tags=[{"Key": key, "Value": "mine"}])
    (edited,) = aws.exposures()
    assert (edited.purpose, edited.expires < datetime.now(UTC)) == ("mine", True)
    aws.close(edited)
    assert rules(aws, group) == []


def test_who_comes_while_another_leaves_waits_and_opens_anew(aws, group):
    """The leaver has said so and has not revoked yet: the rule that the comer finds is about to vanish."""
    aws.allow(group, API, run="leaver", purpose="p", expires=SOON)
    (rule,) = rules(aws, group)
    shut = f"{groups.SHUT}{groups.Owner('leaver', 'p').mark}"
    settled(aws).create_tags(Resources=[rule["SecurityGroupRuleId"]], Tags=[{"Key": shut, "Value": ""}])
    came = threading.Thread(
        target=aws.allow, args=(group, API), kwargs={"run": "comer", "purpose": "p", "expires": SOON}
    )
    came.start()
    came.join(0.3)
    assert came.is_alive(), "it must not trust a rule that another is taking away"
    settled(aws).revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]])
    came.join(5)
    assert [each.run for each in aws.exposures()] == ["comer"]


def test_a_leaver_that_died_is_not_waited_for_for_ever(aws, group, monkeypatch):
    monkeypatch.setattr(groups, "PATIENCE", 0.2)
    aws.allow(group, API, run="leaver", purpose="p", expires=SOON)
    (rule,) = rules(aws, group)
    shut = f"{groups.SHUT}{groups.Owner('leaver', 'p').mark}"
    settled(aws).create_tags(Resources=[rule["SecurityGroupRuleId"]], Tags=[{"Key": shut, "Value": ""}])
    aws.allow(group, API, run="comer", purpose="p", expires=SOON)
    aws.revoke(group, API, run="leaver", purpose="p")
    assert [each.run for each in aws.exposures()] == ["comer"]


def test_who_is_shown_a_rule_that_is_gone_looks_for_the_one_that_took_its_place(aws, group):
    """A read that is behind shows the rule that another took away, with the tag of the one who then made it anew."""
    for number in range(6):  # half of the reads are behind
        aws.allow(group, API, run=f"r{number}", purpose="p", expires=SOON)
        time.sleep(2 * READ_LAG)
        (rule,) = rules(aws, group)
        ids = [rule["SecurityGroupRuleId"]]
        aws.session.ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=ids)
        aws.allow(group, API, run=f"r{number}", purpose="p", expires=SOON)
        aws.revoke(group, API, run=f"r{number}", purpose="p")
        assert rules(aws, group) == []


def test_many_come_and_go_at_once_and_nothing_is_left_or_lost(aws, group):
    """Whoever is inside its own window must see its own rule; after the last one nothing stands."""
    lost = []

    def live(number):
        for _ in range(2):
            aws.allow(group, API, run=f"r{number}", purpose="p", expires=SOON)
            if f"r{number}" not in {each.run for each in aws.exposures()}:
                lost.append(number)
            aws.revoke(group, API, run=f"r{number}", purpose="p")

    threads = [threading.Thread(target=live, args=(number,)) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert lost == []
    assert rules(aws, group) == []


def test_exposures_of_many_groups_come_page_by_page(aws, vpc):
    ec2 = settled(aws)
    made = [
        ec2.create_security_group(GroupName=f"g{number}", Description="g", VpcId=vpc)["GroupId"] for number in range(3)
    ]
    for number, each in enumerate(made):
        aws.allow(each, API, run=f"r{number}", purpose="p", expires=SOON - timedelta(minutes=number))
        aws.allow(each, Rule("udp", 500, "192.0.2.9/32"), run="stays", purpose="ipsec")
    assert [each.run for each in aws.exposures()] == ["r2", "r1", "r0"]
