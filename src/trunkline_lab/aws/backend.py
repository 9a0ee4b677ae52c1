"""moto as the lab runs it: state of its own, public addresses of the lab's, known images only.

moto's backends belong to the process, so one process holds one lab's AWS.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from moto import settings
from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.ec2.models import ec2_backends, elastic_ip_addresses, elastic_network_interfaces
from moto.ec2.models.amis import Ami
from moto.ec2.models.network_acls import NetworkAclBackend
from moto.ec2.models.route_tables import Route
from moto.ec2.models.security_groups import SecurityGroupBackend
from moto.ec2.models.vpc_peering_connections import VPCPeeringConnectionBackend
from moto.ec2.models.vpcs import VPCBackend
from moto.iam.models import get_account_id_from, iam_backends
from moto.iam.policy_validation import BaseIAMPolicyValidator
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.test import run_wsgi_app

from trunkline_lab.aws import defaults
from trunkline_lab.aws.calls import Answer, Call, Refused
from trunkline_lab.aws.reach import route_state
from trunkline_lab.world import PublicAddresses

_in_use = threading.Lock()
# Methods of moto's, and what makes of each one that leaves nothing out.
_DEFAULTS = (
    (SecurityGroupBackend, "create_security_group", defaults.security_group),
    (NetworkAclBackend, "create_network_acl", defaults.network_acl),
    (VPCBackend, "create_vpc", defaults.vpc),
    (VPCBackend, "create_default_vpc", defaults.default_vpc),
    (VPCPeeringConnectionBackend, "create_vpc_peering_connection", defaults.peering),
    (VPCBackend, "delete_vpc", defaults.without_vpc),
)


class Backend:
    """moto's services behind one lock: a call sees the whole state, and nothing changes under it.

    Parameters:
        addresses: Where elastic and automatic public addresses come from.
        images: Names of the AMIs that exist in every account and region, by id.
    """

    def __init__(self, addresses: PublicAddresses, images: Mapping[str, str]) -> None:
        self.lock = threading.RLock()
        self._addresses, self._images = addresses, images
        self._leased: set[str] = set()
        self._replaced: list[tuple[Any, str, Any]] = []
        self._environment: str | None = None
        self._application = DomainDispatcherApplication(create_backend_app)

    def start(self) -> None:
        """Take moto over, with fresh state. Raises RuntimeError when another lab of this process has it."""
        if not _in_use.acquire(blocking=False):
            raise RuntimeError("this process already runs a lab's AWS: stop it first, or start a second process")
        # The environment's word is read each time a backend is made: 900 stock images cost 0.1 s and 5 MB a region.
        self._environment = os.environ.get("MOTO_EC2_LOAD_DEFAULT_AMIS")
        os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"
        self._replace(elastic_ip_addresses, "random_ip", self._lease)
        self._replace(elastic_network_interfaces, "random_public_ip", self._lease)
        self._replace(settings, "ENABLE_AMI_VALIDATION", True)
        # A policy's version is optional and may be the older one (IAM User Guide, "Policy element: Version").
        self._replace(BaseIAMPolicyValidator, "_validate_version", BaseIAMPolicyValidator._validate_version_syntax)
        self._replace(Route, "state", property(route_state))
        for owner, name, way in _DEFAULTS:
            self._replace(owner, name, way(getattr(owner, name)))
        self._reset()

    def stop(self) -> None:
        """Give moto back as it was, without state."""
        with self.lock:
            self._reset()
            for owner, name, original in reversed(self._replaced):
                setattr(owner, name, original)
            self._replaced.clear()
            os.environ.pop("MOTO_EC2_LOAD_DEFAULT_AMIS", None)
            if self._environment is not None:
                os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = self._environment
            for address in self._leased:
                self._addresses.give_back(address)
            self._leased.clear()
        _in_use.release()

    def warm(self) -> None:
        """Make moto's EC2 application now: it takes 0.4 s, which the first call would wait for."""
        self._application.get_application({"HTTP_AUTHORIZATION": "x Credential=x/x/us-east-1/ec2/aws4_request"})

    def answer(self, call: Call) -> Answer:
        """What moto says to a call. The caller holds the lock."""
        if call.service == "ec2":
            self.ec2(call.account, call.region)
        body, status, headers = run_wsgi_app(self._application, call.replay(), buffered=True)
        return Answer(int(status.split()[0]), tuple(headers.items()), b"".join(body))

    def ec2(self, account: str, region: str) -> Any:
        """moto's EC2 of one account and region, with the lab's images in it. Raises Refused for no such region."""
        try:
            found = ec2_backends[account][region]
        except KeyError:
            raise Refused("InvalidEndpoint", f"There is no region {region}: check the client's region_name.") from None
        for image, name in self._images.items():
            if image not in found.amis:
                found.amis[image] = Ami(found, image, name=name, owner_id=account, public=True)
        return found

    def every_ec2(self) -> Iterator[tuple[str, str, Any]]:
        """Account, region and EC2 of all that were used so far."""
        for account, regions in list(ec2_backends.items()):
            for region, found in list(regions.items()):
                yield account, region, found

    @staticmethod
    def account_of(access_key: str) -> str:
        """The account of an access key, moto's default one for keys that it did not give out."""
        return str(get_account_id_from(access_key))

    def credentials(self, account: str) -> tuple[str, str]:
        """An access key and its secret that belong to `account`."""
        with self.lock:
            iam = iam_backends[account]["aws"]
            # A user of its own for each pair: a user may have two keys.
            user = iam.create_user("us-east-1", f"lab-{uuid.uuid4().hex[:12]}").name
            key = iam.create_access_key(user)
        return str(key.access_key_id), str(key.secret_access_key)

    def return_addresses(self) -> None:
        """Give back the leased public addresses that nothing holds any more. The caller holds the lock."""
        held = set()
        for _, _, ec2 in self.every_ec2():
            held |= {address.public_ip for address in ec2.addresses}
            held |= {interface.public_ip for interface in ec2.enis.values()}
        for address in self._leased - held:
            self._leased.discard(address)
            self._addresses.give_back(address)

    def _lease(self) -> str:
        try:
            address = self._addresses.take()
        except RuntimeError as error:
            raise Refused(
                "AddressLimitExceeded", f"The maximum number of addresses has been reached: {error}"
            ) from None
        self._leased.add(address)
        return address

    def _replace(self, owner: Any, name: str, value: Any) -> None:
        self._replaced.append((owner, name, getattr(owner, name)))
        setattr(owner, name, value)

    @staticmethod
    def _reset() -> None:
        BackendDict.reset()
        reset_model_data()
