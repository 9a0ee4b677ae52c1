"""A keyring in a JSON file, for tests: what a desktop's keyring does, without a desktop."""

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.compat import properties
from keyring.errors import KeyringLocked, PasswordDeleteError


class MemoryKeyring(KeyringBackend):
    @properties.classproperty
    def priority(cls):
        if "TEST_KEYRING" not in os.environ:  # the library looks at every back end that was imported
            raise RuntimeError("for tests only")
        return 5

    def __init__(self):
        super().__init__()
        self.path = Path(os.environ["TEST_KEYRING"])

    def _all(self):
        if os.environ.get("TEST_KEYRING_LOCKED"):
            raise KeyringLocked("locked")
        return json.loads(self.path.read_text()) if self.path.exists() else {}

    def get_password(self, service, username):
        return self._all().get(f"{service}/{username}")

    def set_password(self, service, username, password):
        self.path.write_text(json.dumps({**self._all(), f"{service}/{username}": password}))

    def delete_password(self, service, username):
        known = self._all()
        if known.pop(f"{service}/{username}", None) is None:
            raise PasswordDeleteError("not there")
        self.path.write_text(json.dumps(known))
