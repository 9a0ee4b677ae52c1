"""A world with controllers in it, and a bare client that checks every answer."""

import base64
import contextlib
import json
import ssl
import time

import urllib3
import vns3_shapes

from trunkline_lab.addresses import Claim
from trunkline_lab.site import Site
from trunkline_lab.vns3 import Controllers, Workbench, issue_license
from trunkline_lab.world import Machine, Pace, World

QUICK = Pace(resource=0.02, boot=0.0, reboot=0.05, keyset=0.05)


class FakeCloud:
    """A cloud whose rules are a set: what is not in it is closed."""

    endpoint = ""

    def __init__(self, world):
        self.world, self.rules, self._machines = world, set(), {}

    def launch(self, name, private, *, network="vpc-1", account="1", public=True):
        machine = Machine(
            id=f"i-{name}",
            name=name,
            account=account,
            network=network,
            private_address=private,
            public_address=self.world.addresses.take() if public else None,
            default_password=f"i-{name}",
        )
        self._machines[machine.id] = machine
        self.world.changed()
        return machine

    def replace(self, machine):
        self._machines[machine.id] = machine
        self.world.changed()

    def terminate(self, machine):
        del self._machines[machine.id]
        self.world.changed()

    def allow(self, machine, protocol, port, source):
        self.rules.add((machine.id, protocol, port, source))
        self.world.changed()

    def revoke(self, machine, protocol, port, source):
        self.rules.discard((machine.id, protocol, port, source))
        self.world.changed()

    def machines(self):
        return list(self._machines.values())

    def admits(self, machine, protocol, port, source):
        return (machine, protocol, port, source) in self.rules


class Api:
    """A bare HTTP client of one controller that holds every answer against the documented shape."""

    def __init__(self, machine, controller, password=None, token=None):
        self.machine, self.controller, self.password, self.token = machine, controller, password, token
        self.address = machine.public_address
        context = ssl.create_default_context(cadata=controller.certificate.pem)
        self.pool = urllib3.HTTPSConnectionPool(self.address, 8000, ssl_context=context, retries=False, timeout=5)

    def stranger(self, password=None, token=None):
        """Another client of the same controller, with credentials of its own."""
        return Api(self.machine, self.controller, password, token)

    def headers(self):
        """Those that carry its credentials."""
        headers = {} if self.token is None else {"api-token": self.token}
        if self.password is not None:
            headers["Authorization"] = "Basic " + base64.b64encode(f"api:{self.password}".encode()).decode()
        return headers

    def ask(self, method, path, body=None, *, text=None):
        """Status and body; an answer of success must be as documented."""
        headers = self.headers() | {"Content-Type": "application/json" if text is None else "text/plain"}
        sent = text if text is not None else None if body is None else json.dumps(body)
        answer = self.pool.request(method, "/api" + path, body=sent, headers=headers)
        found = json.loads(answer.data)
        if answer.status < 300:
            assert vns3_shapes.wrong_in(method, path.partition("?")[0], answer.status, found) == []
        return answer.status, found

    def get(self, path):
        return self.ok("GET", path)

    def ok(self, method, path, body=None, *, text=None):
        """The `response` of an answer that must be a success."""
        status, found = self.ask(method, path, body, text=text)
        assert status < 300, found
        return found["response"]

    def error(self, method, path, body=None, *, text=None):
        """(status, name, message) of an answer that must be an error."""
        status, found = self.ask(method, path, body, text=text)
        assert status >= 400, found
        assert found["error"].keys() == {"name", "message", "log"}
        return status, found["error"]["name"], found["error"]["message"]

    @contextlib.contextmanager
    def reboots(self):
        """What happens within makes it reboot; wait until it is back."""
        boots = self.controller.boots
        yield
        until(lambda: self.controller.boots > boots and self.reachable())

    def reachable(self):
        try:
            self.ask("GET", "/config")
        except urllib3.exceptions.HTTPError:
            return False
        return True


def until(condition, seconds=10.0):
    """Wait for a condition; its last value."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {condition}"
        time.sleep(0.01)
    return value


def license_router(api):
    """Licensed, rebooted, and up again."""
    api.ok("PUT", "/license", text=issue_license())
    with api.reboots():
        api.ok("PUT", "/license/parameters", {"default": True})


class Rig:
    """A world with controllers, a table for factory-fresh ones, a fake cloud and a datacentre."""

    def __init__(self, pace):
        self.claim = Claim()
        self.world = World(self.claim.addresses, pace)
        self.controllers = Controllers(self.world)
        self.bench, self.cloud = Workbench(self.world), FakeCloud(self.world)
        self.site = Site("datacentre", self.world.addresses.take())
        self.controllers.add_face(self.bench)
        self.controllers.add_face(self.cloud)
        self.controllers.add_site(self.site)

    def close(self):
        self.controllers.stop()
        self.claim.release()

    def controller(self, machine):
        self.controllers.settle()
        return next(c for c in self.controllers.all() if c.id == machine.id)

    def fresh(self):
        """A factory-fresh controller's API."""
        machine = self.bench.put()
        return self.api(machine)

    def api(self, machine):
        api = Api(machine, self.controller(machine), machine.default_password)
        until(api.reachable)
        return api

    def licensed(self):
        """A licensed controller's API."""
        api = self.fresh()
        license_router(api)
        return api

    def launched(self, name, private, **more):
        """A licensed controller in the fake cloud, its API open to us."""
        machine = self.cloud.launch(name, private, **more)
        self.cloud.allow(machine, "tcp", 8000, "127.0.0.1")
        api = self.api(machine)
        license_router(api)
        return api
