"""Many tunnels: what a look at them costs, when it is taken, and what is remembered from one to the next."""

import threading
from dataclasses import dataclass, field

import pytest

from trunkline_lab.tunnels import Offer
from trunkline_lab.vns3 import links
from trunkline_lab.vns3.doors import Doors
from trunkline_lab.vns3.links import Links


@dataclass
class Gate:
    """A gateway that tells how often it was asked."""

    address: str
    ends: list[Offer] = field(default_factory=list)
    running: bool = True
    asked: int = 0

    @property
    def id(self):
        return self.address

    name = id

    def admits(self, protocol, port, source):
        return True

    def offers(self):
        self.asked += 1
        return self.ends

    def face(self, other, secret="s"):
        own = frozenset({self.address})
        self.ends.append(Offer(self.id, len(self.ends), self.address, other.address, own, frozenset(), secret, 2))


def star(spokes):
    """A hub with a tunnel to each of its spokes."""
    hub, around = Gate("hub"), [Gate(f"spoke-{n}") for n in range(spokes)]
    for each in around:
        hub.face(each)
        each.face(hub)
    return [hub, *around]


@pytest.mark.parametrize("spokes", [10, 80])
def test_a_look_compares_each_end_with_its_own_other_end_alone(spokes, monkeypatch):
    compared, real = [], links.disagreement
    monkeypatch.setattr(links, "disagreement", lambda *ends: compared.append(ends) or real(*ends))
    gates = star(spokes)
    looking = Links(lambda: gates, 0.0)
    looking.observe()
    assert len(compared) == 2 * spokes
    assert [gate.asked for gate in gates] == [1] * len(gates)
    assert all(report.connected for report in looking.tunnels(gates[0]).values())


def test_it_says_whether_another_look_is_worth_while():
    gates = star(1)
    assert Links(lambda: gates, 60.0).observe() is True
    assert Links(lambda: gates, 0.0).observe() is False


def test_who_turned_away_and_comes_back_negotiates_anew():
    hub, spoke = gates = star(1)
    looking = Links(lambda: gates, 60.0)
    looking.observe()
    begun, ends = dict(looking._agreed), list(spoke.ends)
    spoke.ends.clear()
    spoke.face(Gate("elsewhere"))
    looking.observe()
    (report,) = looking.tunnels(hub).values()
    assert report.reason == "spoke-0 is configured for another peer"
    spoke.ends[:] = ends
    looking.observe()
    assert looking._agreed.keys() == begun.keys()
    assert looking._agreed != begun


class Cloud:
    def __init__(self):
        self.open, self.asked, self.go = True, 0, threading.Event()
        self.go.set()

    def admits(self, machine, protocol, port, source):
        self.asked += 1
        found = self.open
        assert self.go.wait(10)
        return found


def test_a_cloud_is_asked_once_until_it_changes():
    doors, cloud = Doors(), Cloud()
    question = (cloud, "m", "udp", 500, "192.0.2.1")
    assert [doors.admits(*question) for _ in range(3)] == [True] * 3
    assert cloud.asked == 1
    cloud.open = False
    doors.forget()
    assert doors.admits(*question) is False
    assert doors.admits(None, "m", "udp", 500, "192.0.2.1") is False


def test_an_answer_from_before_a_change_is_not_kept():
    """It was being worked out when the cloud changed."""
    doors, cloud = Doors(), Cloud()
    question = (cloud, "m", "udp", 500, "192.0.2.1")
    cloud.go.clear()
    asking = threading.Thread(target=doors.admits, args=question)
    asking.start()
    while not cloud.asked:
        pass
    cloud.open = False
    doors.forget()
    cloud.go.set()
    asking.join()
    assert doors.admits(*question) is False


def test_a_cloud_that_cannot_say_lets_nothing_in_and_is_asked_again():
    class Broken(Cloud):
        def admits(self, *question):
            super().admits(*question)
            raise RuntimeError("no")

    doors, cloud = Doors(), Broken()
    for _ in range(2):
        assert doors.admits(cloud, "m", "udp", 500, "192.0.2.1") is False
    assert cloud.asked == 2
