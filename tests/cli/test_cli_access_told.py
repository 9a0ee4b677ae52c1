"""What a run tells of the access that it opened and closed."""

from trunkline._core.events import ScopeClosed, ScopeOpened
from trunkline.cli.running import Ledger


def test_a_scope_that_an_earlier_process_left_open_is_told_too():
    told = Ledger()
    told.on(ScopeClosed("r", "api-access", 100.0, 2.0, None))
    assert str(told.scopes["api-access"]) == "api-access (left open by an earlier process): closed after 2.0 s"
    told.on(ScopeOpened("r", "api-access", 101.0))
    told.on(ScopeClosed("r", "api-access", 104.0, 3.0, None))
    assert str(told.scopes["api-access"]) == "api-access: closed after 3.0 s"
