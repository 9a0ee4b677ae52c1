"""`trunkline` that kills itself with SIGKILL at one call: KILL_AT is "advance:2", "contact:1", "endpoint:1", ...

advance, contact and endpoint (a tunnel's end): right after their effect; settle: right before it.
"""

import os
import signal
import sys

from trunkline.cli.main import main
from trunkline.durable.generations import Generations
from trunkline.routers.vns3 import Vns3

NAME, NUMBER = os.environ["KILL_AT"].split(":")
OWNERS = {"advance": Generations, "settle": Generations, "contact": Vns3, "endpoint": Vns3}
left = int(NUMBER)
real = getattr(OWNERS[NAME], NAME)


def dying(*args, **more):
    global left
    left -= 1
    if NAME == "settle" and left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    given = real(*args, **more)
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return given


setattr(OWNERS[NAME], NAME, dying)
sys.exit(main(sys.argv[1:]))
