"""The essay's pipeline, typed out by hand over the callables that the blueprints are made of.

    trunkline lab up
    export TRUNKLINE_CONFIG=...            # the line that it printed
    trunkline up federation --name fednet --account B
    trunkline up examples/essay.py:deploy --name acme --account-a A --account-b B --federation fednet --cidr 10.1.0.0/16

Every step is a callable that takes the state and returns what it adds; what it works with is bound by `partial`.
"""

from functools import partial
from ipaddress import IPv4Network

from trunkline import during, each
from trunkline.blueprints import access, connect_vpc, equipment, peering, routing
from trunkline.blueprints.federation import find_federation
from trunkline.blueprints.pipeline import Pipeline
from trunkline.clouds.cloud import Account
from trunkline.config import Config


def deploy(
    config: Config, run: str, *, account_a: Account, account_b: Account, federation: str, cidr: IPv4Network
) -> Pipeline:
    """Connect a new VPC in Account A, Cloud X, to the federation in Account B, Cloud Y.

    Parameters:
        account_a: The account of the new VPC.
        account_b: The account of the federation.
        federation: The run that built the federation.
        cidr: The VPC's address block, such as 10.1.0.0/16.
    """
    equipment.checked(run)
    vns3, secret = equipment.router_driver(config), equipment.secrets(config).derive
    addresses = equipment.address_pool(config)
    find = partial(find_federation, account_b, federation)
    doors = [(account_a, "router_group_id"), (account_b, "federation_group_id")]
    launch = account_a.launch(partial(secret, f"os-password/{run}"))
    vpc = account_a.stack(
        equipment.template("vpc", account_a), parameters={"NamePrefix": equipment.name_prefix(run), **launch}
    )
    caller_route = account_a.stack(
        equipment.template("caller-route", account_a),
        keys={"RouteTableId": "router_route_table_id", "CallerPrefix": "caller"},
    )
    steps = [
        ("network-config", partial(connect_vpc.network_config, addresses, cidr, find)),
        ("vpc", vpc),
        ("routes", [partial(routing.route_up, account_b), partial(routing.route_down, account_a)]),
        # What only the configuring needs is a scope: the eighth step, its teardown, happens whatever happens before.
        during(
            "configuration",
            open=caller_route,
            close=caller_route.undo,
            steps=[
                # Steps five and seven are a scope too: the API is open for its steps, and closed after them.
                during(
                    "api-access",
                    open=partial(access.open_api, doors, 15),
                    close=partial(access.close_api, doors),
                    steps=[
                        (
                            "routers",
                            [partial(peering.configure_router, vns3), partial(peering.contact_federation, vns3)],
                        ),
                        each(
                            "peers", over="federation", steps=[("tunnel", partial(peering.peer, vns3, secret, False))]
                        ),
                        ("verify", partial(peering.verify, vns3)),
                    ],
                ),
            ],
        ),
    ]
    on_prem = [prefix for site in config.sites.values() for prefix in site.prefixes]
    return Pipeline(steps, {"run": run, "caller": config.caller, "on_prem": on_prem})
