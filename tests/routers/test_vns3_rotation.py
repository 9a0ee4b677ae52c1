"""A password's next generation on the lab's controllers: put in force, the old one refused, half-way states tried."""

import pytest

from trunkline._core.secret import revealed
from trunkline.durable.secrets import Secrets
from trunkline.routers.router import RouterError, password_label
from trunkline.routers.vns3 import Vns3, setup
from trunkline_lab.vns3.license import issue


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A master key and generations of its own, and drivers that know them."""
    monkeypatch.delenv("TRUNKLINE_MASTER_KEY", raising=False)
    secrets, known = Secrets(tmp_path), {}

    def make(older=secrets.older):
        return Vns3(issue, lambda: "t", secrets.derive, known, older=older, timeout=20.0, patience=20.0)

    return secrets, make


def test_the_next_generation_replaces_the_one_before(house, table, writes):
    secrets, make = house
    router, controller = table.put()
    vns3 = make()
    vns3.contact(router)
    first, label = controller.settings.password, password_label(router)
    secrets.generations.advance(label, "t")
    vns3.contact(router)  # with a session that had the first one
    assert controller.settings.password == revealed(secrets.derive(label)) != first
    secrets.generations.settle(label)
    count = len(controller.calls)
    make().contact(router)
    assert len(controller.calls) == count + 1  # nothing but a look
    assert writes(controller) == ["PUT /api_password"] * 2


def test_killed_after_the_router_took_it_the_old_one_is_still_seen_refused(house, table):
    secrets, make = house
    router, controller = table.put()
    make().contact(router)
    label = password_label(router)
    secrets.generations.advance(label, "t")
    controller.settings.password = revealed(secrets.derive(label))  # put, and nobody was told
    count = len(controller.calls)
    make().contact(router)
    assert [call.status for call in list(controller.calls)[count:]] == [200, 401]


def test_a_router_that_goes_on_accepting_the_old_password_is_told(house, table, monkeypatch):
    secrets, make = house
    router, controller = table.put()
    make().contact(router)
    secrets.generations.advance(password_label(router), "t")
    controller.settings.password = revealed(secrets.derive(password_label(router)))
    monkeypatch.setattr(setup, "_call_as", lambda *_: {"vns3_version": "6.0"})  # lets everyone in
    with pytest.raises(RouterError, match="still accepts its password before the rotation"):
        make().contact(router)


def test_without_the_older_passwords_a_rotation_is_locked_out(house, table):
    """The fault that `older` is there for: whoever tries the new one and the factory's only, stays outside."""
    secrets, make = house
    router, _ = table.put()
    make().contact(router)
    secrets.generations.advance(password_label(router), "t")
    with pytest.raises(RouterError) as refused:
        make(older=lambda label: ()).contact(router)
    assert refused.value.status == 401
    make().contact(router)


def test_a_driver_whose_password_another_process_rotated_asks_again(house, table):
    secrets, make = house
    router, controller = table.put()
    vns3, other = make(), make()
    vns3.contact(router)
    vns3.license(router)
    assert vns3.tunnels(router) == []
    label = password_label(router)
    secrets.generations.advance(label, "t")
    other.contact(router)
    secrets.generations.settle(label)
    assert vns3.tunnels(router) == []
    assert controller.settings.password == revealed(secrets.derive(label))


def test_a_new_master_key_is_put_in_force_by_the_next_contact(house, table):
    secrets, make = house
    router, controller = table.put()
    make().contact(router)
    first = controller.settings.password
    secrets.key.change()
    make().contact(router)
    assert controller.settings.password == revealed(secrets.derive(password_label(router))) != first
    secrets.key.forget_old()
    make().contact(router)
