"""A federation for Graphviz, for shapes that want another layout."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby

from trunkline.views.topology.picture import Picture, title

LOOKS = {"up": "color=forestgreen", "half": "color=darkorange, style=dashed", "down": "color=red, style=dashed"}


def dot(read: Picture) -> Iterator[str]:
    """The lines of an undirected graph: accounts and networks are clusters, routers and sites nodes, tunnels edges."""
    yield "graph federation {"
    yield "  rankdir=LR; node [shape=box];"
    networks = sorted((*read.hubs, *read.spokes), key=lambda each: (each.cloud, each.account))
    for place, ((cloud, account), group) in enumerate(groupby(networks, key=lambda each: (each.cloud, each.account))):
        yield f"  subgraph cluster_{place} {{ label={_quoted(f'{cloud} {account}')};"
        for network in group:
            exposed = " color=red;" if read.exposed.get(network.id) else ""
            label = "\n".join([title(network), *network.cidrs])
            yield f"    subgraph {_quoted(f'cluster_{network.id}')} {{ label={_quoted(label)};{exposed}"
            routers = read.routers.get(network.id, ())
            yield from (f"      {_quoted(router.id)} [label={_quoted(router.name)}];" for router in routers)
            if not routers:
                yield f"      {_quoted(network.id)} [shape=point];"
            yield "    }"
        yield "  }"
    for end in read.outside:
        yield f"  {_quoted(end.id)} [label={_quoted(end.name)}, shape={'house' if end.kind == 'site' else 'box'}];"
    for link in read.links:
        yield f"  {_quoted(link.one.id)} -- {_quoted(link.other.id)} [{LOOKS[link.state]}];"
    yield "}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
