"""trace, reach and network, on a federation in a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_tools import Command
from small_federation import job, network, vpc

from trunkline.network import serial


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "federation.json"
    path.write_text(serial.dumps(job()))
    return str(path)


def test_a_trace_that_gets_through(trunkline: Command, file: str) -> None:
    answer = trunkline("trace", "acme-web", "datacentre", "--from", file)
    assert answer.code == 0
    lines = answer.out.splitlines()
    assert lines[0] == "10.1.1.10 -> 10.0.0.10 tcp/443: reachable"
    assert "  Account A, route table rtb-app-acme: 10.0.0.0/16 -> eni-router-acme" in lines


def test_a_trace_that_does_not(trunkline: Command, tmp_path: Path) -> None:
    tables = tuple(table for table in vpc().route_tables if "router" in table.id)
    path = tmp_path / "cut.json"
    path.write_text(serial.dumps(network(job(), "vpc-acme", route_tables=tables)))
    answer = trunkline("trace", "acme-web", "datacentre", "--port", "22", "--from", str(path))
    assert answer.code == 2
    assert answer.out.startswith("10.1.1.10 -> 10.0.0.10 tcp/22: stopped in Account A, subnet subnet-app1-acme")


def test_a_trace_as_json(trunkline: Command, file: str) -> None:
    answer = trunkline("trace", "acme-web", "datacentre", "--proto", "icmp", "--json", "--from", file)
    document = json.loads(answer.out)
    assert document["version"] == "1.0"
    assert document["reachable"] is True
    assert document["there"]["hops"][0] == {
        "kind": "group",
        "where": "Account A, group sg-app-acme",
        "id": "sg-app-acme",
        "what": "lets icmp out, by 0.0.0.0/0",
        "account": "A",
        "network": "vpc-acme",
    }
    assert document["back"]["stopped"] is None


def test_the_matrix(trunkline: Command, file: str) -> None:
    answer = trunkline("reach", "--from", file)
    assert answer.code == 2
    assert answer.out.splitlines()[:4] == [
        "from \\ to     1    2   3",
        "1 A/acme-vpc  -    no  yes",
        "2 B/hubs      no   -   no",
        "3 datacentre  yes  no  -",
    ]
    assert "reachable: 2 of 6 pairs" in answer.out
    document = json.loads(trunkline("reach", "--json", "--from", file).out)
    assert [pair["reachable"] for pair in document["pairs"]].count(True) == 2


def test_all_that_was_read_is_written_and_read_again(trunkline: Command, file: str, tmp_path: Path) -> None:
    again = tmp_path / "again.json"
    again.write_text(trunkline("network", "--json", "--from", file).out)
    assert serial.loads(again.read_text()) == job()
    assert "acme-router  router  198.51.100.10  2 of 2 tunnels up" in trunkline("network", "--from", str(again)).out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("trace", "nobody", "datacentre"), 64, "nobody: nothing in the federation has this name"),
        (("trace", "acme-web", "datacentre", "--proto", "gre"), 64, "'gre' is not one of 'tcp', 'udp', 'icmp'"),
        (("trace", "acme-web", "datacentre", "--port", "70000"), 1, "port=70000 is no port"),
        (("trace", "acme-web", "datacentre", "--open"), 1, "--open and --from"),
        (("reach", "--account", "A"), 1, "--account and --from"),
    ],
)
def test_what_makes_no_sense(trunkline: Command, file: str, words: tuple[str, ...], code: int, said: str) -> None:
    answer = trunkline(*words, "--from", file)
    assert (answer.code, answer.out) == (code, "")
    assert said in answer.err


def test_a_file_that_is_no_federation_is_named(trunkline: Command, tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text('{"networks": [{"id": "x"}]}')
    answer = trunkline("reach", "--from", str(bad))
    assert answer.code == 1
    assert "bad.json: not a federation:\n  networks[0].name: is missing" in answer.err
    assert trunkline("reach", "--from", str(tmp_path / "none.json")).code == 1
