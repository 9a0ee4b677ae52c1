"""Test hosts: real machines in the clouds' faces, made as their users would make them, and hosts of the datacentre."""

from __future__ import annotations

import ipaddress
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from trunkline.network.model import Network, Subnet

from .aws import AwsFace
from .aws.face import LINUX_IMAGE
from .azure import AzureFace
from .packets.plan import HostPlan
from .site import Site

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

_FIRST = 10  # of the addresses that hosts get, to leave room for a cloud's own and for routers
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_NIC, _MACHINE = "2024-05-01", "2024-07-01"  # API versions


class HostError(ValueError):
    """The host cannot be: the message names the field, its value, and the remedy."""


class Hosts:
    """Places hosts.

    Parameters:
        aws, azure: The clouds.
        site: The datacentre, which has one host of its own name from the start.
    """

    def __init__(self, aws: AwsFace, azure: AzureFace, site: Site) -> None:
        self._aws, self._azure, self._site = aws, azure, site
        self.at_site: list[HostPlan] = []
        self._put(site.name)

    def add(self, name: str, where: str, group: str | None = None) -> dict[str, str]:
        """Make a host.

        Parameters:
            name: What to call it.
            where: A subnet: its id, or its name where that is unique; or the datacentre's name.
            group: The security group's id; the cloud's own default when None.

        Returns:
            Its "name", "address", and the "id" of its machine ("" in the datacentre).

        Raises:
            HostError: The name or the place is not acceptable, or the cloud refuses.
        """
        if not _NAME.fullmatch(name):
            raise HostError(f"name = {name!r}: use a letter, then letters, digits and hyphens, at most 40")
        networks = [*self._aws.networks(), *self._azure.networks()]
        if name in {i.name for n in networks for i in n.interfaces} | {host.name for host in self.at_site}:
            raise HostError(f"name = {name!r}: there is a machine of this name already")
        if where == self._site.name:
            return self._put(name)
        network, subnet = self._subnet(where, networks)
        address = _free(subnet, (i.private_address for i in network.interfaces))
        make = self._on_aws if network.cloud == "aws" else self._on_azure
        return {"name": name, "address": address, "id": make(name, network, subnet, address, group)}

    def remove(self, name: str) -> None:
        """Remove a host that `add` made, or any machine of this name. Raises HostError when there is none."""
        at_site = next((host for host in self.at_site if host.name == name and name != self._site.name), None)
        if at_site is not None:
            self.at_site.remove(at_site)
            return
        networks = [*self._aws.networks(), *self._azure.networks()]
        found = [(n, i) for n in networks for i in n.interfaces if i.name == name and i.instance]
        if not found:
            raise HostError(f"host = {name!r}: there is no machine of this name")
        for network, interface in found:
            if network.cloud == "aws":
                zone = next(subnet.zone for subnet in network.subnets if subnet.id == interface.subnet)
                self._ec2(network.account, zone).terminate_instances(InstanceIds=[str(interface.instance)])
            else:
                self._azure_call("DELETE", str(interface.instance), _MACHINE)
                self._azure_call("DELETE", interface.id, _NIC)

    def _put(self, name: str) -> dict[str, str]:
        prefix = Subnet("", "", self._site.prefixes[0])
        address = _free(prefix, (host.address for host in self.at_site))
        self.at_site.append(HostPlan(name, site=self._site.name, address=address))
        return {"name": name, "address": address, "id": ""}

    def _subnet(self, where: str, networks: Iterable[Network]) -> tuple[Network, Subnet]:
        every = [(network, subnet) for network in networks for subnet in network.subnets]
        found = [each for each in every if where.lower() in (each[1].id.lower(), each[1].name.lower())]
        if len(found) != 1:
            names = ", ".join([s.name or s.id for n, s in every if n.name] + [self._site.name])
            why = "several subnets have this name: give the id" if found else f"there are {names}"
            raise HostError(f"in = {where!r} is no subnet of this lab: {why}")
        return found[0]

    def _on_aws(self, name: str, network: Network, subnet: Subnet, address: str, group: str | None) -> str:
        from botocore.exceptions import ClientError

        bound: Any = {"SecurityGroupIds": [group]} if group else {}
        try:
            made = self._ec2(network.account, subnet.zone).run_instances(
                ImageId=LINUX_IMAGE,
                MinCount=1,
                MaxCount=1,
                SubnetId=subnet.id,
                PrivateIpAddress=address,
                TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": name}]}],
                **bound,
            )
        except ClientError as error:
            raise HostError(f"AWS refuses the host {name}: {error}") from error
        return str(made["Instances"][0]["InstanceId"])

    def _ec2(self, account: str, zone: str) -> EC2Client:
        from .aws.inside import Clients

        return Clients(self._aws.gateway).ec2(account, zone[:-1])

    def _on_azure(self, name: str, network: Network, subnet: Subnet, address: str, group: str | None) -> str:
        base = network.id.partition("/providers/")[0]
        nic = f"{base}/providers/Microsoft.Network/networkInterfaces/{name}-nic"
        machine = f"{base}/providers/Microsoft.Compute/virtualMachines/{name}"
        found = self._azure.store.find(network.id)
        location = found.document["location"] if found else ""
        configuration = {
            "name": "primary",
            "properties": {
                "subnet": {"id": subnet.id},
                "privateIPAllocationMethod": "Static",
                "privateIPAddress": address,
            },
        }
        bound = {"networkSecurityGroup": {"id": group}} if group else {}
        self._azure_call(
            "PUT", nic, _NIC, {"location": location, "properties": {"ipConfigurations": [configuration], **bound}}
        )
        self._azure_call("PUT", machine, _MACHINE, {"location": location, "properties": _linux(name, nic)})
        return machine

    def _azure_call(self, method: str, id_: str, version: str, body: object = None) -> None:
        """A request as any client sends it, done when its operation is."""
        headers = {"Authorization": "Bearer lab", "Content-Type": "application/json"}
        data = json.dumps(body).encode() if body is not None else None
        url: str | None = f"{self._azure.endpoint}{id_}?api-version={version}"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            while url is not None:
                request = urllib.request.Request(url, method=method, data=data, headers=headers)
                with opener.open(request, timeout=10) as answer:
                    method, data = "GET", None
                    url = answer.headers.get("Location") if answer.status == 202 else None
                time.sleep(0.02 if url else 0)
        except urllib.error.HTTPError as error:
            raise HostError(f"Azure refuses {id_.rpartition('/')[2]}: {error.read().decode()}") from error


def _linux(name: str, nic: str) -> dict[str, object]:
    image = {"publisher": "Debian", "offer": "debian-12", "sku": "12", "version": "latest"}
    return {
        "hardwareProfile": {"vmSize": "Standard_B1s"},
        "storageProfile": {"imageReference": image, "osDisk": {"createOption": "FromImage"}},
        "osProfile": {"computerName": name, "adminUsername": "lab", "adminPassword": "Lab-host-0nly"},
        "networkProfile": {"networkInterfaces": [{"id": nic}]},
    }


def _free(subnet: Subnet, taken: Iterable[str]) -> str:
    """The lowest free address from the tenth on; from the fourth where the subnet is small."""
    block, used = ipaddress.IPv4Network(subnet.cidr), set(taken)
    first = _FIRST if block.num_addresses > 2 * _FIRST else 4
    for number in range(first, block.num_addresses - 1):
        if (address := str(block[number])) not in used:
            return address
    raise HostError(f"in = {subnet.name or subnet.id!r}: {subnet.cidr} has no free address")
