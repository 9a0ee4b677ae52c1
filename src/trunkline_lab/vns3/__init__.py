"""VNS3 controllers on loopback addresses, true to the official SDK `cohesivenet`.

from trunkline_lab.vns3 import Controllers, Workbench, issue_license
from trunkline_lab.world import FAST, PublicAddresses, World

world = World(PublicAddresses("127.77.1"), FAST)
controllers, bench = Controllers(world), Workbench(world)
controllers.add_face(bench)
machine = bench.put()          # .public_address (TLS on port 8000), .default_password
controllers.settle()
...
controllers.stop()
"""

from .controller import Call, Controller, LoggedCall, Reply
from .controllers import Controllers
from .license import issue as issue_license
from .refusals import ConnectionDropped, Refusal
from .workbench import Workbench

__all__ = [
    "Call",
    "ConnectionDropped",
    "Controller",
    "Controllers",
    "LoggedCall",
    "Refusal",
    "Reply",
    "Workbench",
    "issue_license",
]
