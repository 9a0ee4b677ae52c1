"""Both programs of the essay, typed as its prose describes them."""

import asyncio
from functools import partial

from trunkline import apipe, pipe


class Cloud:
    """A client with permissions in one account; knows what was asked of it."""

    def __init__(self, account):
        self.account, self.asked = account, []


def fetch_network_config(client, state):
    client.asked.append("config")
    state["network"] = {"cidr": "10.1.0.0/16", "subnets": ["10.1.0.0/24", "10.1.1.0/24"]}
    return state


def create_stack(client, template, state):
    client.asked.append(template)
    assert state["network"]["cidr"] == "10.1.0.0/16"
    state[template.removesuffix(".yaml")] = f"{client.account}/{template}"
    return state


def test_the_first_program_steps_take_the_state_enrich_it_and_return_it():
    account_a, account_b = Cloud("A"), Cloud("B")
    data = {"run": "acme", "tags": ["x"]}
    steps = [
        ("fetch-network-config", partial(fetch_network_config, account_a)),
        ("create-vpc", partial(create_stack, account_a, "vpc.yaml")),
        ("create-fednet-routing", partial(create_stack, account_b, "up.yaml")),
        ("create-vpc-routing", partial(create_stack, account_a, "down.yaml")),
        ("open-api-access", partial(create_stack, account_a, "access.yaml")),
        ("connect-vpc", partial(create_stack, account_b, "peering.yaml")),
        ("remove-api-access", lambda state: {"access": None}),
        ("teardown", lambda state: None),
    ]
    result = pipe(data, steps)
    assert result == {
        "run": "acme",
        "tags": ["x"],
        "network": {"cidr": "10.1.0.0/16", "subnets": ["10.1.0.0/24", "10.1.1.0/24"]},
        "vpc": "A/vpc.yaml",
        "up": "B/up.yaml",
        "down": "A/down.yaml",
        "access": None,
        "peering": "B/peering.yaml",
    }
    assert account_a.asked == ["config", "vpc.yaml", "down.yaml", "access.yaml"]
    assert data == {"run": "acme", "tags": ["x"]}


async def create_async(client, template, key, state):
    client.asked.append(("begin", template))
    await asyncio.sleep(0.01)
    client.asked.append(("end", template))
    return {"outputs": {key: f"{client.account}/{template} in {state['cidr']}"}, "events": "left behind"}


async def config_async(client, state):
    return {"outputs": {"cidr": "10.1.0.0/16"}}


def second_program(client):
    return [
        ("fetch-network-config", partial(config_async, client)),
        ("create-vpc", partial(create_async, client, "vpc.yaml", "vpc")),
        (
            "create-routing-and-open-access",
            [
                ("up", partial(create_async, client, "up.yaml", "up")),
                ("down", partial(create_async, client, "down.yaml", "down")),
                ("access", partial(create_async, client, "access.yaml", "access")),
            ],
        ),
        ("connect-vpc", partial(create_async, client, "peering.yaml", "peering")),
    ]


def test_the_second_program_runs_lists_of_async_functions_side_by_side_and_passes_outputs_along():
    client = Cloud("A")
    result = asyncio.run(apipe({"name": "acme"}, second_program(client)))
    assert result == {
        "name": "acme",
        "cidr": "10.1.0.0/16",
        "vpc": "A/vpc.yaml in 10.1.0.0/16",
        "up": "A/up.yaml in 10.1.0.0/16",
        "down": "A/down.yaml in 10.1.0.0/16",
        "access": "A/access.yaml in 10.1.0.0/16",
        "peering": "A/peering.yaml in 10.1.0.0/16",
    }
    beside = client.asked[2:8]
    assert [word for word, _ in beside] == ["begin"] * 3 + ["end"] * 3
    assert pipe({"name": "acme"}, second_program(Cloud("A"))) == result
