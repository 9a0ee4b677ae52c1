"""An AWS account in one region: the cloud Protocol's verbs, each in a module of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from trunkline._core.errors import Error
from trunkline._core.steps import Step
from trunkline.clouds.aws import groups, networks, operations, routes
from trunkline.clouds.aws.errors import translated
from trunkline.clouds.aws.session import Credentials, Session, validate_endpoint
from trunkline.clouds.aws.stack import StackStep
from trunkline.clouds.aws.template import read
from trunkline.clouds.cloud import CloudError, Exposure, NextHop, Rule, Value
from trunkline.clouds.names import state_key
from trunkline.network.model import Network


class AwsAccount:
    """One AWS account in one region; see `account`. Every verb may be repeated, and used from several threads.

    Parameters:
        name: The account's name, as in the configuration.
        region: The region of everything that it makes and reads.
        router_image, router_size: The router's AMI and instance type in this region, for the blueprints.
        session: The account's clients.
    """

    cloud = "aws"

    def __init__(
        self, name: str, region: str, session: Session, router_image: str | None = None, router_size: str | None = None
    ) -> None:
        self.name, self.region, self.session = name, region, session
        self.router_image, self.router_size = router_image, router_size

    def __repr__(self) -> str:
        return f"AwsAccount({self.name!r}, region={self.region!r})"

    def stack(
        self,
        template: str | Path,
        *,
        name: str | None = None,
        parameters: Mapping[str, Value] | None = None,
        keys: Mapping[str, str] | None = None,
        timeout: float = 1800.0,
    ) -> Step:
        """A step that makes, or updates, a CloudFormation stack; `Account.stack` says what the parameters are.

        In `parameters` and `keys` a parameter or output may be named as any cloud's template does (`VpcCidr`,
        `vpcCidr`) or by its state key (`vpc_cidr`), so that one call fits the templates of every cloud.

        Raises:
            Error: The template cannot be read; `parameters` or `keys` name what it has not; the name is no stack name.
        """
        return StackStep(self, read(template), name=name, parameters=parameters, keys=keys, timeout=timeout).step()

    def launch(self, password: Callable[[], str]) -> dict[str, Value]:
        """The parameters by which the templates launch a router: `RouterImage`, and `RouterSize` if configured.

        Parameters:
            password: Not asked here: a VNS3 machine on AWS has no user that needs one.

        Raises:
            CloudError: The configuration names no image for this account.
        """
        if self.router_image is None:
            raise CloudError(
                f"account {self.name}: router_image is missing",
                code="NoRouterImage",
                hint=f"give the id of the router's AMI in {self.region}, ami-..., in the account's section",
            )
        size: dict[str, Value] = {"RouterSize": self.router_size} if self.router_size else {}
        return {"RouterImage": self.router_image, **size}

    def outputs(self, stack: str) -> dict[str, object] | None:
        """The outputs of a finished stack by state key; None if there is no such stack or it is not finished."""
        with translated(self.name, f"reading the outputs of stack {stack}"):
            found = operations.describe(self.session.cloudformation, stack)
        if found is None or found["StackStatus"] not in operations.FINISHED:
            return None
        return {state_key(name): value for name, value in operations.outputs(found).items()}

    def allow(self, group: str, rule: Rule, *, run: str, purpose: str, expires: datetime | None = None) -> None:
        """Permit `rule` in security group `group`; with `expires` it is temporary and shows in `exposures`.

        Runs that permit the same thing share one rule, which stays until the last of them takes it back. A rule
        that somebody else made and that permits the same is left as it is.

        Raises:
            Error: The rule is not well-formed, or it is temporary and open to everyone.
            CloudError: AWS refuses.
        """
        with translated(self.name, f"allowing {rule} in {group}"):
            groups.allow(self.session.ec2, group, rule, groups.Owner(run, purpose, expires=expires))

    def revoke(self, group: str, rule: Rule, *, run: str, purpose: str) -> None:
        """Take back what `allow` gave to this run and purpose; nothing happens when it is not there."""
        with translated(self.name, f"revoking {rule} in {group}"):
            groups.revoke(self.session.ec2, group, rule, groups.Owner(run, purpose))

    def exposures(self) -> list[Exposure]:
        """Every temporary rule of trunkline's in this account and region, read from the cloud; one for each owner."""
        with translated(self.name, "looking for temporary rules"):
            return groups.exposures(self.session.ec2, self.name)

    def close(self, exposure: Exposure) -> None:
        """Remove a rule that `exposures` showed, or its owner's share of it; nothing happens when it is gone."""
        with translated(self.name, f"closing {exposure.rule} in {exposure.group}"):
            groups.close(self.session.ec2, exposure)

    def route(self, table: str, prefix: str, via: NextHop, *, run: str) -> None:
        """Send `prefix` to the interface `via.interface` in route table `table`.

        A route that is there already stays; one that leads nowhere any more (blackhole) is replaced. EC2's routes
        carry no tags: whose a route is, is told by where it leads, so `run` leaves no trace here.

        Raises:
            Error: `prefix` is not a CIDR, or a route to another target is there.
            CloudError: AWS refuses.
        """
        with translated(self.name, f"routing {prefix} to {via.interface} in {table}"):
            routes.route(self.session.ec2, table, prefix, via)

    def unroute(self, table: str, prefix: str, *, via: NextHop | None = None) -> None:
        """Remove the route, only while it leads to `via` when that is given; nothing happens when it is gone."""
        with translated(self.name, f"removing the route {prefix} from {table}"):
            routes.unroute(self.session.ec2, table, prefix, via)

    def network(self, network: str) -> Network:
        """The VPC with this id, with its subnets, route tables, groups and interfaces, read from the cloud.

        Raises:
            CloudError: There is no such VPC, or AWS refuses.
        """
        with translated(self.name, f"reading {network}"):
            return networks.networks(self.session.ec2, self.name, [network])[0]

    def networks(self, only: Sequence[str] | None = None) -> list[Network]:
        """All VPCs of the account in its region, or these, in a few calls for all of them.

        Raises:
            CloudError: There is no such VPC, or AWS refuses.
        """
        with translated(self.name, "reading the VPCs"):
            return networks.networks(self.session.ec2, self.name, only)


def account(
    name: str = "A",
    *,
    region: str,
    profile: str | None = None,
    role_arn: str | None = None,
    external_id: str | None = None,
    access_key_id: str | None = None,
    secret_access_key: str | None = None,
    session_token: str | None = None,
    endpoint: str | None = None,
    router_image: str | None = None,
    router_size: str | None = None,
) -> AwsAccount:
    """An AWS account. No request is made and no SDK is imported before its first use.

    Without credentials, the SDK looks for them as everywhere: environment, profile, sign-in, the machine's role.

    Parameters:
        name: The account's name, as in the configuration.
        region: Its region, for example "eu-central-1".
        profile: A profile of the SDK's configuration files.
        role_arn: A role to assume, with the credentials above or below; renewed before it expires.
        external_id: What the role asks for, when it does.
        access_key_id, secret_access_key, session_token: A key; the last one only with a temporary key.
        endpoint: Where to send every request instead of AWS; plain http only to this machine.
        router_image, router_size: The router's AMI and instance type in this region, for the blueprints.

    Raises:
        Error: Fields that contradict each other, or an endpoint that cannot be used; names field and value.
    """
    if not region:
        raise Error(f"account {name}: region is empty", hint='give one, for example "eu-central-1"')
    credentials = Credentials(
        profile=profile,
        access_key_id=access_key_id,
        secret_access_key=secret_access_key,
        session_token=session_token,
        role_arn=role_arn,
        external_id=external_id,
    )
    credentials.validate(name)
    if endpoint is not None:
        validate_endpoint(name, endpoint)
    return AwsAccount(name, region, Session(region, credentials, endpoint), router_image, router_size)
