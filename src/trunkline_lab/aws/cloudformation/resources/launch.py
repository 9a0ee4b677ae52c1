"""What instances are launched with: templates and key pairs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trunkline_lab.aws.cloudformation.resources.base import ResourceType, Work, retag


class LaunchTemplate(ResourceType):
    """AWS::EC2::LaunchTemplate; Ref is its id."""

    kind = "AWS::EC2::LaunchTemplate"
    properties = frozenset({"LaunchTemplateName", "LaunchTemplateData", "VersionDescription", "TagSpecifications"})
    updates = frozenset({"LaunchTemplateData", "VersionDescription", "TagSpecifications"})
    absent = frozenset({"InvalidLaunchTemplateId.NotFound", "InvalidLaunchTemplateId.NotFoundException"})

    def create(self, work: Work) -> None:
        """Make it, with its first version."""
        name = work.properties.get("LaunchTemplateName") or work.name()
        named = work.given("LaunchTemplateData", "VersionDescription", "TagSpecifications")
        made = work.client("ec2").create_launch_template(LaunchTemplateName=name, **named)["LaunchTemplate"]
        work.made(made["LaunchTemplateId"])
        work.attributes |= {"LaunchTemplateId": work.physical}
        self._versions(work, made["DefaultVersionNumber"], made["LatestVersionNumber"])

    def update(self, work: Work, old: Mapping[str, Any], old_tags: Mapping[str, str]) -> None:
        """A new version; the default one stays."""
        named = work.given("LaunchTemplateData", "VersionDescription")
        if any(work.properties.get(name) != old.get(name) for name in ("LaunchTemplateData", "VersionDescription")):
            done = work.client("ec2").create_launch_template_version(LaunchTemplateId=work.physical, **named)
            newest = done["LaunchTemplateVersion"]["VersionNumber"]
            self._versions(work, work.attributes["DefaultVersionNumber"], newest)
        for each in work.properties.get("TagSpecifications", []):
            if each.get("ResourceType") == "launch-template":
                work.ec2.create_tags(Resources=[work.physical], Tags=each["Tags"])

    def delete(self, work: Work) -> None:
        """Remove it with all versions."""
        work.ec2.delete_launch_template(LaunchTemplateId=work.physical)

    @staticmethod
    def _versions(work: Work, default: Any, newest: Any) -> None:
        work.attributes |= {"DefaultVersionNumber": str(default), "LatestVersionNumber": str(newest)}


class KeyPair(ResourceType):
    """AWS::EC2::KeyPair; Ref is its name.

    The private half of a key that EC2 made is kept as the SSM parameter /ec2/keypair/ID, as CloudFormation does.
    """

    kind = "AWS::EC2::KeyPair"
    properties = frozenset({"KeyName", "KeyType", "KeyFormat", "PublicKeyMaterial", "Tags"})
    updates = frozenset()
    absent = frozenset({"InvalidKeyPair.NotFound"})

    def create(self, work: Work) -> None:
        """Make the key, or take the public half that is given."""
        tags, given = work.specification("key-pair"), work.properties.get("PublicKeyMaterial")
        made: Any
        if given:
            material = given.encode()
            made = work.ec2.import_key_pair(**work.given("KeyName"), PublicKeyMaterial=material, **tags)
        else:
            made = work.ec2.create_key_pair(**work.given("KeyName", "KeyType", "KeyFormat"), **tags)
        work.made(made["KeyName"])
        work.attributes |= {"KeyPairId": made["KeyPairId"], "KeyFingerprint": made["KeyFingerprint"]}
        if not given:
            secret = {"Type": "SecureString", "Value": made["KeyMaterial"]}
            work.client("ssm").put_parameter(Name=self._parameter(work), **secret)

    def update(self, work: Work, old: Mapping[str, Any], old_tags: Mapping[str, str]) -> None:
        """The stack's tags, which belong to its id, not to its name."""
        retag(work, work.attributes["KeyPairId"], old_tags)

    def delete(self, work: Work) -> None:
        """Remove it, and what is kept of it."""
        if "PublicKeyMaterial" not in work.properties:
            work.client("ssm").delete_parameters(Names=[self._parameter(work)])
        work.ec2.delete_key_pair(KeyName=work.physical)

    @staticmethod
    def _parameter(work: Work) -> str:
        return f"/ec2/keypair/{work.attributes.get('KeyPairId', '')}"
