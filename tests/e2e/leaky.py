"""Pipelines that leak, each in its own way: what the sweep for planted secrets must catch."""

import base64
import logging
import os

from trunkline import here
from trunkline.clouds.cloud import CloudError

SECRET = os.environ["PLANTED"]


def notes():
    def leak(state):
        here().note(f"uses the key {SECRET}")

    return [("leak", leak)]


def refused():
    def leak(state):
        parameters = {"routerPassword": SECRET}
        raise CloudError(f"deploy: InvalidTemplate: {parameters}", code="InvalidTemplate")

    return [("leak", leak)]


def logs():
    def leak(state):
        token = base64.b64encode(f"api:{SECRET}".encode()).decode()
        logging.getLogger("urllib3").debug("send: Authorization: Basic %s", token)

    return [("leak", leak)]


def returns():
    return [("leak", lambda state: {"opaque": SECRET.encode().hex()})]


def nothing():
    return [("fine", lambda state: {"length": len(SECRET)})]
