"""An Azure account: a subscription and a resource group, behind the verbs that every cloud has."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from trunkline._core.errors import Error
from trunkline._core.steps import Step
from trunkline.clouds.azure import template as templates
from trunkline.clouds.azure.clients import Clients
from trunkline.clouds.azure.deployments import Deployments
from trunkline.clouds.azure.routes import Routes
from trunkline.clouds.azure.rules import Rules
from trunkline.clouds.azure.stack import Stack
from trunkline.clouds.azure.topology import read_networks
from trunkline.clouds.cloud import CloudError, Exposure, NextHop, Rule, Value
from trunkline.clouds.names import state_key
from trunkline.network.model import Network

# https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
_RULES = {
    "subscription": (re.compile(r"[0-9A-Za-z-]{1,64}"), "the subscription's id, as `az account show` tells it"),
    "region": (re.compile(r"[0-9a-z]{1,64}"), 'a region\'s short name, like "westeurope"'),
    "resource_group": (re.compile(r"[-\w.()]{0,89}[-\w()]"), "up to 90 letters, digits and -_.(), no dot at the end"),
}
_DEPLOYMENT_NAME = re.compile(r"[-\w.()]{1,64}")


def account(
    name: str,
    *,
    subscription: str,
    region: str,
    resource_group: str,
    tenant: str | None = None,
    client_id: str | None = None,
    client_secret: str | None = None,
    endpoint: str | None = None,
    router_image: str | None = None,
    router_size: str | None = None,
) -> AzureAccount:
    """An account of Azure. Makes no request and imports no SDK.

    Parameters:
        name: What it is called in messages and exposures ("B").
        subscription: The subscription's id.
        region: Where a missing resource group is made ("westeurope").
        resource_group: Where stacks are deployed; made with the first stack when it is missing, never removed.
        tenant, client_id, client_secret: A service principal. Without a secret, azure-identity's default chain:
            environment, workload and managed identity, the Azure CLI.
        endpoint: Another Resource Manager than the public one; plain http is for a lab on loopback only.
        router_image: The router's image as "publisher:offer:sku:version", for those who ask the account.
        router_size: Size of the router's machine, likewise.

    Raises:
        Error: A field is not acceptable; names it, its value and the remedy.
    """
    for field, value in (("subscription", subscription), ("region", region), ("resource_group", resource_group)):
        rule, remedy = _RULES[field]
        if not isinstance(value, str) or rule.fullmatch(value) is None:
            raise Error(f"azure account {name}: {field}={value!r} is not acceptable", hint=remedy)
    if router_image is not None and len(router_image.split(":")) != 4:
        raise Error(f"azure account {name}: router_image={router_image!r}", hint="write publisher:offer:sku:version")
    clients = Clients(subscription, tenant=tenant, client_id=client_id, client_secret=client_secret, endpoint=endpoint)
    return AzureAccount(name, clients, region, resource_group, router_image, router_size)


class AzureAccount:
    """One subscription and resource group; satisfies `trunkline.clouds.cloud.Account`.

    Every verb may be repeated and may be called from several threads. All raise CloudError when Azure refuses or
    cannot be reached, with Azure's own code, and Error for what cannot be right, before anything is touched.
    """

    cloud = "azure"

    def __init__(
        self,
        name: str,
        clients: Clients,
        region: str,
        resource_group: str,
        router_image: str | None = None,
        router_size: str | None = None,
    ) -> None:
        self.name, self.region, self.resource_group = name, region, resource_group
        self.router_image, self.router_size = router_image, router_size
        self.clients = clients
        self._deployments = Deployments(clients, resource_group, region)
        self._rules, self._routes = Rules(clients, name), Routes(clients)

    def __repr__(self) -> str:
        return f"AzureAccount({self.name!r}, {self.clients.subscription}, {self.resource_group})"

    def stack(
        self,
        template: str | Path,
        *,
        name: str | None = None,
        parameters: Mapping[str, Value] | None = None,
        keys: Mapping[str, str] | None = None,
        timeout: float = 1800.0,
    ) -> Step:
        """A step that deploys an ARM template into the resource group, in incremental mode.

        Its identity is the deployment's name and the step's token; what an earlier attempt began is waited for,
        and nothing is deployed when ARM's own what-if sees no change. A resource that is there already and is not
        this stack's is refused, since undo deletes what the stack made. Routes and lasting rules that trunkline
        added to the stack's route tables and NSGs survive an update; temporary access ends with it.

        Parameters:
            template: Path of an ARM template in JSON; read now.
            name: The deployment's name; by default made of the run's name and the step's path.
            parameters: Fixed values by parameter name, in any cloud's spelling (`VpcCidr` or `vpcCidr`).
            keys: State keys for parameter or output names where the default does not fit.
            timeout: Seconds until a deployment is cancelled and waiting ends in StepTimeout.

        Raises:
            Error: The template, a name in `parameters` or `keys`, or a fixed value is wrong. When the step runs:
                StackFailed with the first cause, StepTimeout naming what was pending.
        """
        if name is not None and _DEPLOYMENT_NAME.fullmatch(name) is None:
            raise Error(f"stack: name={name!r} is no deployment name", hint="up to 64 letters, digits and -_.()")
        if not timeout > 0:
            raise Error(f"stack: timeout={timeout!r} is not a positive number of seconds")
        return Stack(self._deployments, templates.read(template, parameters, keys), name, timeout).step()

    def launch(self, password: Callable[[], str]) -> dict[str, Value]:
        """The parameters by which templates launch a router: its image, its size if one is configured, its password.

        Parameters:
            password: Asked at every deployment for the password of the machine's own user, which Azure insists on.

        Raises:
            CloudError: The account was given no router_image.
        """
        if self.router_image is None:
            raise CloudError(
                f"azure account {self.name}: no router_image is configured",
                code="NoRouterImage",
                hint='give the account router_image = "publisher:offer:sku:version"',
            )
        size: dict[str, Value] = {} if self.router_size is None else {"routerSize": self.router_size}
        return {"routerImage": self.router_image, **size, "routerPassword": password}

    def outputs(self, stack: str) -> dict[str, object] | None:
        """The outputs of the deployment of this name by state key, None unless it has succeeded."""
        record = self._deployments.get(stack)
        if record is None or record.properties.provisioning_state != "Succeeded":
            return None
        return {state_key(name): entry.get("value") for name, entry in (record.properties.outputs or {}).items()}

    def allow(self, group: str, rule: Rule, *, run: str, purpose: str, expires: datetime | None = None) -> None:
        """Permit `rule` in the NSG with the id `group`; with `expires` it is temporary and shows in `exposures`.

        Repeated with another `expires`, it changes when the rule expires.

        Raises:
            Error: The rule is not acceptable, is temporary and from everywhere, or run and purpose are too long
                for Azure's 140 characters of description.
        """
        self._rules.allow(group, rule, run=run, purpose=purpose, expires=expires)

    def revoke(self, group: str, rule: Rule, *, run: str, purpose: str) -> None:
        """Take back what `allow` gave to this run and purpose; nothing happens when it is not there."""
        self._rules.revoke(group, rule, run=run, purpose=purpose)

    def exposures(self) -> list[Exposure]:
        """Every temporary rule of trunkline's in the subscription (all its regions), read from Azure."""
        return self._rules.exposures()

    def close(self, exposure: Exposure) -> None:
        """Remove a rule that `exposures` showed; nothing happens when it is gone."""
        self._rules.close(exposure)

    def route(self, table: str, prefix: str, via: NextHop, *, run: str) -> None:
        """Send `prefix` to `via.address` in the route table with the id `table`.

        Azure's routes carry no tags, so `run` is not written anywhere.

        Raises:
            Error: The prefix leads elsewhere already; names both targets.
        """
        self._routes.route(table, prefix, via)

    def unroute(self, table: str, prefix: str, *, via: NextHop | None = None) -> None:
        """Remove the route, only while it leads to `via` when that is given; nothing happens when it is gone."""
        self._routes.unroute(table, prefix, via)

    def network(self, network: str) -> Network:
        """The virtual network with this id, with its subnets, route tables, rules and interfaces."""
        return read_networks(self.clients, self.name, [network])[0]

    def networks(self, only: Sequence[str] | None = None) -> list[Network]:
        """All virtual networks of the subscription, or those with these ids, in five calls for all of them.

        Raises:
            Error: Something in `only` is no id of a virtual network.
            CloudError: There is no such network, or they cannot be read.
        """
        return read_networks(self.clients, self.name, only)
