"""Asking a host to reach another: ping, a connection, HTTP, iperf3; and listening on a wire."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import re
import secrets
import socket
import subprocess
import time
from collections.abc import Sequence
from typing import Any

from .hosts import IPERF
from .inside import enter, inside

_IP_TRANSPARENT = 19  # <linux/in.h>
_DISCARD = 9
_COUNTS = re.compile(r"(\d+) packets transmitted, (\d+) received")
_TIMES = re.compile(r"= [\d.]+/([\d.]+)/")


def ping(namespace: str, address: str, *, count: int = 3, wait: float = 1.0) -> dict[str, Any]:
    """Echo requests: "sent", "received", and "milliseconds" of the mean answer (None without one)."""
    words = ["ping", "-n", "-q", "-c", str(count), "-i", "0.2", "-W", str(wait), address]
    done = subprocess.run([*enter(namespace), *words], capture_output=True, text=True, check=False)
    counts, times = _COUNTS.search(done.stdout), _TIMES.search(done.stdout)
    if counts is None:
        return {"sent": count, "received": 0, "milliseconds": None, "why": done.stderr.strip()}
    return {
        "sent": int(counts[1]),
        "received": int(counts[2]),
        "milliseconds": float(times[1]) if times else None,
    }


def connect(asked: Sequence[tuple[str, str, str, int]], *, wait: float = 1.5) -> list[dict[str, str]]:
    """Whether each (namespace, "tcp" or "udp", address, port) answers, all asked at once.

    Returns:
        For each the "answer": "open", "refused", "unreachable" (something on the way said so) or "silent"; and "host":
        the name that a test host gives as its own, "" without one.
    """

    async def ask_all() -> list[dict[str, str]]:
        return list(await asyncio.gather(*(_ask(*one, wait) for one in asked)))

    return asyncio.run(ask_all())


async def _ask(namespace: str, protocol: str, address: str, port: int, wait: float) -> dict[str, str]:
    kind, question = (socket.SOCK_STREAM, b"GET / HTTP/1.0\r\n\r\n") if protocol == "tcp" else (socket.SOCK_DGRAM, b"?")
    loop = asyncio.get_running_loop()
    with inside(namespace, lambda: socket.socket(socket.AF_INET, kind)) as one:
        one.setblocking(False)
        answer = "silent"
        try:
            async with asyncio.timeout(wait):
                await loop.sock_connect(one, (address, port))
                answer = "open" if protocol == "tcp" else answer
                await loop.sock_sendall(one, question)
                said = b""
                while (part := await loop.sock_recv(one, 65536)) and protocol == "tcp":
                    said += part
                return {"answer": "open", "host": _host(said or part)}
        except TimeoutError:
            pass
        except ConnectionRefusedError:
            answer = "refused"
        except OSError:
            answer = "unreachable"
    return {"answer": answer, "host": ""}


def _host(said: bytes) -> str:
    """The name in a test host's answer."""
    with contextlib.suppress(ValueError):
        answer = json.loads(said.rpartition(b"\r\n\r\n")[2])
        return str(answer.get("host", "")) if isinstance(answer, dict) else ""
    return ""


def forge(namespace: str, source: str, target: str, address: str, *, wait: float = 0.7) -> bool:
    """Whether a datagram that claims to be from `source` gets to the namespace `target`, at `address` there."""
    token = secrets.token_bytes(16)
    listening = inside(target, lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP))
    sending = inside(namespace, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    with listening, sending:
        sending.setsockopt(socket.SOL_IP, _IP_TRANSPARENT, 1)  # any address may be bound
        sending.bind((source, 0))
        sending.sendto(token, (address, _DISCARD))
        deadline = time.monotonic() + wait
        while (left := deadline - time.monotonic()) > 0:
            listening.settimeout(left)
            with contextlib.suppress(TimeoutError):
                if token in listening.recv(2048):
                    return True
    return False


def curl(namespace: str, address: str, port: int, *, wait: float = 3.0) -> dict[str, Any]:
    """An HTTP request: "status", "body" and "seconds"; "why" in place of them when none came."""
    began = time.monotonic()
    connection = http.client.HTTPConnection(address, port, timeout=wait)
    try:
        connection.sock = inside(namespace, lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        connection.sock.settimeout(wait)
        connection.sock.connect((address, port))
        connection.request("GET", "/")
        answer = connection.getresponse()
        body = answer.read().decode()
    except OSError as error:
        return {"why": f"{address} port {port}: {error}"}
    finally:
        connection.close()
    return {"status": answer.status, "body": body, "seconds": round(time.monotonic() - began, 4)}


def iperf(namespace: str, server: str, address: str, *, seconds: float = 2.0) -> dict[str, Any]:
    """A TCP transfer to the host in namespace `server`: "megabits_per_second" and "bytes" as received; or "why"."""
    listening = [*enter(server), "iperf3", "--server", "--one-off", "--port", str(IPERF)]
    with subprocess.Popen(listening, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as end:
        try:
            return _transfer(namespace, address, seconds)
        finally:
            end.kill()


def _transfer(namespace: str, address: str, seconds: float) -> dict[str, Any]:
    words = ["iperf3", "--client", address, "--port", str(IPERF), "--time", str(max(1, round(seconds))), "--json"]
    words += ["--connect-timeout", "3000"]
    for _ in range(20):  # until the server listens
        done = subprocess.run(
            [*enter(namespace), *words], capture_output=True, text=True, check=False, timeout=seconds + 30
        )
        answer = json.loads(done.stdout or "{}")
        if "refused" not in str(answer.get("error", "")).lower():
            break
        time.sleep(0.05)
    received = answer.get("end", {}).get("sum_received")
    if received is None:
        return {"why": str(answer.get("error") or done.stderr.strip() or "iperf3 said nothing")}
    return {
        "megabits_per_second": round(received["bits_per_second"] / 1e6, 1),
        "bytes": received["bytes"],
        "seconds": round(received["seconds"], 2),
    }
