"""The one place where the SDK is called: timeouts, pinned certificates, errors without secrets."""

import json
import socket
import subprocess
import sys
import threading
import time
import traceback

import pytest

from trunkline._core.context import Here, current
from trunkline._core.errors import Error, StepTimeout
from trunkline.routers.router import CertificateChanged, RouterError

CONFIG = ("GET", "/api/config")


@pytest.fixture
def silent():
    """A server that accepts connections and never says a word; its port."""
    listening = socket.create_server(("127.0.0.1", 0))
    held = []

    def accept():
        while True:
            try:
                held.append(listening.accept())
            except OSError:
                return

    threading.Thread(target=accept, daemon=True).start()
    yield listening.getsockname()[1]
    listening.close()
    for connection, _ in held:
        connection.close()


@pytest.fixture
def nobody():
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


def test_a_router_that_never_answers_ends_at_the_deadline_and_is_named(driver, router, nobody):
    start = time.monotonic()
    with pytest.raises(StepTimeout, match=r"acme/vpc \(127\.0\.0\.1, port \d+\).*refused") as late:
        driver(port=nobody).contact(router, timeout=0.5)
    assert 0.4 < time.monotonic() - start < 3
    assert "tcp/8000" in late.value.hint


def test_a_router_that_accepts_and_never_answers_ends_at_the_deadline(driver, router, silent):
    start = time.monotonic()
    with pytest.raises(StepTimeout, match="timed out"):
        driver(port=silent).contact(router, timeout=0.6)
    assert 0.5 < time.monotonic() - start < 3


def test_a_router_that_hangs_after_the_handshake_ends_at_the_deadline(driver, router, impostor):
    hung = impostor()
    release = threading.Event()
    hung.answers[CONFIG] = lambda: (release.wait(20), (200, "{}"))[1]
    start = time.monotonic()
    try:
        with pytest.raises(StepTimeout, match="did not answer in time"):
            driver(port=hung.port).contact(router, timeout=0.7)
        assert time.monotonic() - start < 3
    finally:
        release.set()


def test_the_steps_own_deadline_counts_too(driver, router, silent):
    notes = []
    mark = current.set(Here("run", "vpc/contact", time.monotonic() + 0.5, notes.append))
    try:
        with pytest.raises(StepTimeout):
            driver(port=silent).contact(router)
    finally:
        current.reset(mark)
    assert any("acme/vpc" in note for note in notes)


def test_a_request_goes_out_once(driver, router, impostor):
    """The SDK's transport repeats what was refused or broken; a write that was done must not be done again."""
    server = impostor()
    vns3 = driver(port=server.port, patience=0.5)
    vns3.contact(router)
    server.answers["GET", "/api/access/tokens"] = (200, '{"response": []}')
    server.answers["POST", "/api/access/token"] = (500, '{"error": {"name": "x", "message": "no room"}}')
    with pytest.raises(RouterError, match="no room"):
        vns3.token(router, "trunkline", 60)
    assert [r[:2] for r in server.requests].count(("POST", "/api/access/token")) == 1


@pytest.mark.parametrize("status", [502, 503])
def test_a_gateways_answer_is_a_router_that_is_not_there_yet(driver, router, impostor, status):
    server, answers = impostor(), iter([(status, "<html>bad gateway</html>")] * 3)
    good = (200, '{"response": {"vns3_version": "6.0.0"}}')
    server.answers[CONFIG] = lambda: next(answers, good)
    driver(port=server.port).contact(router)
    assert len(server.requests) >= 4


def test_a_changed_certificate_is_refused_and_nothing_is_sent(driver, router, impostor):
    known = {}
    first = impostor()
    driver(known, port=first.port).contact(router)
    first.close()
    second = impostor(port=first.port)
    with pytest.raises(CertificateChanged, match="another certificate") as refused:
        driver(known, port=second.port).contact(router)
    assert "forget" in refused.value.hint
    assert second.requests == []


def test_a_changed_certificate_is_refused_in_the_middle_of_a_life(driver, router, impostor):
    first = impostor()
    vns3 = driver(port=first.port)
    vns3.contact(router)
    first.close()
    second = impostor(port=first.port)
    with pytest.raises(CertificateChanged):
        vns3.tunnels(router)
    assert second.requests == []


def test_a_forgotten_router_may_show_another_certificate(driver, router, impostor):
    first = impostor()
    vns3 = driver(port=first.port)
    vns3.contact(router)
    first.close()
    second = impostor(port=first.port)
    vns3.forget(router)
    vns3.contact(router)
    assert second.requests


def test_a_machine_in_its_place_is_a_new_acquaintance(driver, router, impostor):
    known = {}
    first = impostor()
    driver(known, port=first.port).contact(router)
    first.close()
    second = impostor(port=first.port)
    driver(known, port=second.port).contact(router | {"instance": "i-0new"})
    assert len(known) == 2


def test_what_was_never_contacted_is_not_talked_to(driver, router, impostor):
    server = impostor()
    with pytest.raises(RouterError, match="never contacted"):
        driver(port=server.port).tunnels(router)
    assert server.requests == []


def test_an_address_that_is_no_router(driver, router, impostor):
    server = impostor()
    server.answers[CONFIG] = (200, "<html>welcome</html>")
    with pytest.raises(RouterError, match="not an answer of a VNS3 API"):
        driver(port=server.port).contact(router)


def test_errors_carry_the_apis_own_words_and_no_secret(driver, router, impostor):
    server = impostor()
    vns3 = driver(port=server.port)
    vns3.contact(router)
    psk = "Very-Secret-Psk-1"
    server.answers["GET", "/api/ipsec"] = (200, '{"response": {"remote_endpoints": {}}}')
    echo = {"error": {"name": "APIArgumentError", "message": f"secret {psk} is too short", "log": psk}}
    server.answers["POST", "/api/ipsec/endpoints"] = (400, json.dumps(echo))
    other = {"name": "hub/1", "address": "192.0.2.7"}
    ends = {"local_tunnel_address": "169.254.7.1/30", "remote_tunnel_address": "169.254.7.2/30"}
    with pytest.raises(RouterError, match=r"acme/vpc \(127\.0\.0\.1\): secret \*\*\* is too short") as refused:
        vns3.endpoint(router, other, secret=psk, **ends)
    shown = "".join(traceback.format_exception(refused.value)) + repr(refused.value) + repr(vars(refused.value))
    assert psk not in shown
    assert refused.value.status == 400


def test_a_router_that_knows_neither_password_says_what_to_check(driver, router, impostor):
    server = impostor()
    refused = (401, '{"error": {"name": "UnauthorizedError", "message": "Unauthorized."}}')
    server.answers[CONFIG] = server.answers["PUT", "/api/api_password"] = refused
    with pytest.raises(RouterError, match="Unauthorized") as wrong:
        driver(port=server.port).contact(router)
    assert "changed by hand" in wrong.value.hint
    assert wrong.value.status == 401


def test_a_router_that_keeps_its_factory_password_is_not_trusted(driver, router, impostor):
    server = impostor()
    answers = iter([(401, '{"error": {"name": "U", "message": "Unauthorized."}}')])
    server.answers[CONFIG] = lambda: next(answers, (200, '{"response": {"vns3_version": "6.0.0"}}'))
    with pytest.raises(RouterError, match="still accepts its factory password"):
        driver(port=server.port).contact(router)


@pytest.mark.parametrize("missing", ["address", "default_password"])
def test_a_missing_key_is_named(driver, router, missing):
    del router[missing]
    with pytest.raises(Error, match=f"'{missing}' is missing"):
        driver().contact(router)


@pytest.mark.parametrize("version", ["5.2.1-20230101", "4.11.3", "", "unknown"])
def test_a_router_that_is_too_old_is_told_so(driver, router, impostor, version):
    server = impostor()
    server.answers[CONFIG] = (200, json.dumps({"response": {"vns3_version": version}}))
    with pytest.raises(RouterError, match="runs VNS3") as refused:
        driver(port=server.port).contact(router)
    assert "6.0" in refused.value.hint


def test_the_sdk_is_imported_at_the_first_request_only():
    """And nothing else that is slow: `trunkline --help` imports this."""
    slow = "cohesivenet", "urllib3", "paramiko"
    code = f"import sys, trunkline.routers.vns3; print([name for name in {slow!r} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
