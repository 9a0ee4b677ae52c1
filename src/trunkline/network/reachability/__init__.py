"""Reachability: from A to B through clouds, routers and tunnels, by analysis alone.

    trace(federation, "10.1.1.10", "datacentre")      one connection, there and back, hop by hop
    matrix(federation)                                all networks and sites

prefixes (next door) and atlas index, rules and routing judge, walk goes, trace and matrix ask.
"""

from trunkline.network.reachability.endpoints import End, UnknownEnd, find
from trunkline.network.reachability.matrix import Matrix, Pair, matrix
from trunkline.network.reachability.packet import Hop, Packet, Path
from trunkline.network.reachability.trace import Reachability, Trace, trace

__all__ = [
    "End",
    "Hop",
    "Matrix",
    "Packet",
    "Pair",
    "Path",
    "Reachability",
    "Trace",
    "UnknownEnd",
    "find",
    "matrix",
    "trace",
]
