"""Roles, their policies, and the profiles by which instances take them on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from trunkline_lab.aws.cloudformation.resources.base import ResourceType, Work, own

_HOLDERS = {"Roles": "role", "Users": "user", "Groups": "group"}


class Role(ResourceType):
    """AWS::IAM::Role; Ref is its name."""

    kind = "AWS::IAM::Role"
    properties = frozenset(
        {
            "AssumeRolePolicyDocument",
            "Description",
            "ManagedPolicyArns",
            "MaxSessionDuration",
            "Path",
            "Policies",
            "RoleName",
            "Tags",
        }
    )
    updates = frozenset(
        {"AssumeRolePolicyDocument", "Description", "ManagedPolicyArns", "MaxSessionDuration", "Policies", "Tags"}
    )
    absent = frozenset({"NoSuchEntity"})

    def create(self, work: Work) -> None:
        """Make it, then give it its policies."""
        iam = work.client("iam")
        trust = _document(work.properties["AssumeRolePolicyDocument"])
        name = work.properties.get("RoleName") or work.name()[:64]
        named = work.given("Description", "MaxSessionDuration", "Path")
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, Tags=_tags(work.tags), **named)["Role"]
        work.made(name)
        work.attributes |= {"Arn": made["Arn"], "RoleId": made["RoleId"]}
        self._policies(work, {})

    def update(self, work: Work, old: Mapping[str, Any], old_tags: Mapping[str, str]) -> None:
        """Trust, description, duration, policies and tags."""
        iam, name = work.client("iam"), work.physical
        if work.properties["AssumeRolePolicyDocument"] != old.get("AssumeRolePolicyDocument"):
            trust = _document(work.properties["AssumeRolePolicyDocument"])
            iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust)
        described = {"Description": "", "MaxSessionDuration": 3600}
        described |= work.given("Description", "MaxSessionDuration")
        if any(described[key] != old.get(key) for key in described if key in work.properties or key in old):
            iam.update_role(RoleName=name, **described)
        self._policies(work, old)
        gone = [key for key in own(old_tags) if key not in work.tags]
        if own(work.tags):
            iam.tag_role(RoleName=name, Tags=_tags(work.tags))
        if gone:
            iam.untag_role(RoleName=name, TagKeys=gone)

    def delete(self, work: Work) -> None:
        """Take its policies away, then remove it."""
        iam, name = work.client("iam"), work.physical
        for each in work.properties.get("ManagedPolicyArns", []):
            iam.detach_role_policy(RoleName=name, PolicyArn=each)
        for each in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            iam.delete_role_policy(RoleName=name, PolicyName=each)
        iam.delete_role(RoleName=name)

    @staticmethod
    def _policies(work: Work, old: Mapping[str, Any]) -> None:
        iam, name = work.client("iam"), work.physical
        for each in _without(old, work.properties, "ManagedPolicyArns"):
            iam.detach_role_policy(RoleName=name, PolicyArn=each)
        for each in _without(work.properties, old, "ManagedPolicyArns"):
            iam.attach_role_policy(RoleName=name, PolicyArn=each)
        named = {each["PolicyName"] for each in work.properties.get("Policies", [])}
        for each in old.get("Policies", []):
            if each["PolicyName"] not in named:
                iam.delete_role_policy(RoleName=name, PolicyName=each["PolicyName"])
        for each in _without(work.properties, old, "Policies"):
            document = _document(each["PolicyDocument"])
            iam.put_role_policy(RoleName=name, PolicyName=each["PolicyName"], PolicyDocument=document)


class Policy(ResourceType):
    """AWS::IAM::Policy: one inline policy in each of its holders; Ref is an id of its own."""

    kind = "AWS::IAM::Policy"
    properties = frozenset({"PolicyName", "PolicyDocument", *_HOLDERS})
    updates = properties
    absent = frozenset({"NoSuchEntity"})

    def create(self, work: Work) -> None:
        """Put it into its holders."""
        work.made(work.name())
        work.attributes |= {"Id": work.physical}
        self._put(work)

    def update(self, work: Work, old: Mapping[str, Any], old_tags: Mapping[str, str]) -> None:
        """Put it again, and take it from those that hold it no more."""
        self._put(work)
        for kind, holder in _holders(old):
            renamed = old["PolicyName"] != work.properties["PolicyName"]
            if renamed or (kind, holder) not in set(_holders(work.properties)):
                self._take(work, kind, holder, old["PolicyName"])

    def delete(self, work: Work) -> None:
        """Take it from its holders."""
        for kind, holder in _holders(work.properties):
            self._take(work, kind, holder, work.properties["PolicyName"])

    @staticmethod
    def _put(work: Work) -> None:
        document = _document(work.properties["PolicyDocument"])
        for kind, holder in _holders(work.properties):
            put = getattr(work.client("iam"), f"put_{kind}_policy")
            put(**{f"{kind.capitalize()}Name": holder}, **work.given("PolicyName"), PolicyDocument=document)

    @staticmethod
    def _take(work: Work, kind: str, holder: str, name: str) -> None:
        delete = getattr(work.client("iam"), f"delete_{kind}_policy")
        delete(**{f"{kind.capitalize()}Name": holder}, PolicyName=name)


class ManagedPolicy(ResourceType):
    """AWS::IAM::ManagedPolicy; Ref is its ARN."""

    kind = "AWS::IAM::ManagedPolicy"
    properties = frozenset({"ManagedPolicyName", "PolicyDocument", "Description", "Path", *_HOLDERS})
    updates = frozenset({"PolicyDocument", *_HOLDERS})
    absent = frozenset({"NoSuchEntity"})

    def create(self, work: Work) -> None:
        """Make it, and attach it to its holders."""
        name, iam = work.properties.get("ManagedPolicyName") or work.name(), work.client("iam")
        document = _document(work.properties["PolicyDocument"])
        named = work.given("Description", "Path")
        made = iam.create_policy(PolicyName=name, PolicyDocument=document, **named)["Policy"]
        work.made(made["Arn"])
        work.attributes |= {
            "PolicyArn": made["Arn"],
            "PolicyId": made["PolicyId"],
            "DefaultVersionId": made["DefaultVersionId"],
        }
        self._attach(work, "attach", _holders(work.properties))

    def update(self, work: Work, old: Mapping[str, Any], old_tags: Mapping[str, str]) -> None:
        """A new version in place of the old one, and other holders."""
        if work.properties["PolicyDocument"] != old.get("PolicyDocument"):
            iam, document = work.client("iam"), _document(work.properties["PolicyDocument"])
            done = iam.create_policy_version(PolicyArn=work.physical, PolicyDocument=document, SetAsDefault=True)
            iam.delete_policy_version(PolicyArn=work.physical, VersionId=work.attributes["DefaultVersionId"])
            work.attributes |= {"DefaultVersionId": done["PolicyVersion"]["VersionId"]}
        before, after = set(_holders(old)), set(_holders(work.properties))
        self._attach(work, "detach", before - after)
        self._attach(work, "attach", after - before)

    def delete(self, work: Work) -> None:
        """Detach it from its holders, then remove it."""
        self._attach(work, "detach", _holders(work.properties))
        work.client("iam").delete_policy(PolicyArn=work.physical)

    @staticmethod
    def _attach(work: Work, verb: str, holders: Iterable[tuple[str, str]]) -> None:
        for kind, holder in holders:
            change = getattr(work.client("iam"), f"{verb}_{kind}_policy")
            change(**{f"{kind.capitalize()}Name": holder}, PolicyArn=work.physical)


class InstanceProfile(ResourceType):
    """AWS::IAM::InstanceProfile; Ref is its name."""

    kind = "AWS::IAM::InstanceProfile"
    properties = frozenset({"InstanceProfileName", "Path", "Roles"})
    updates = frozenset({"Roles"})
    absent = frozenset({"NoSuchEntity"})

    def create(self, work: Work) -> None:
        """Make it, with its role."""
        name = work.properties.get("InstanceProfileName") or work.name()
        made = work.client("iam").create_instance_profile(InstanceProfileName=name, **work.given("Path"))
        work.made(name)
        work.attributes |= {"Arn": made["InstanceProfile"]["Arn"]}
        self._change(work, "add_role_to", work.properties["Roles"])

    def update(self, work: Work, old: Mapping[str, Any], old_tags: Mapping[str, str]) -> None:
        """Another role: the old one goes first, since a profile has one."""
        self._change(work, "remove_role_from", _without(old, work.properties, "Roles"))
        self._change(work, "add_role_to", _without(work.properties, old, "Roles"))

    def delete(self, work: Work) -> None:
        """Take the role out, then remove it."""
        self._change(work, "remove_role_from", work.properties["Roles"])
        work.client("iam").delete_instance_profile(InstanceProfileName=work.physical)

    @staticmethod
    def _change(work: Work, verb: str, roles: Iterable[str]) -> None:
        for role in roles:
            getattr(work.client("iam"), f"{verb}_instance_profile")(InstanceProfileName=work.physical, RoleName=role)


def _document(given: Any) -> str:
    return given if isinstance(given, str) else json.dumps(given)


def _tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in own(tags).items()]


def _holders(properties: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(kind, name) for listed, kind in _HOLDERS.items() for name in properties.get(listed, [])]


def _without(left: Mapping[str, Any], right: Mapping[str, Any], name: str) -> list[Any]:
    """Items of a list property that the other side's does not have."""
    return [each for each in left.get(name, []) if each not in right.get(name, [])]
