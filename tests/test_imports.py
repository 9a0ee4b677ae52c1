"""No module imports another that imports it, by any way round, not even for its types."""

import grimp
import networkx
import pytest


def circles(edges):
    """The sets of modules that import one another."""
    return [sorted(each) for each in networkx.strongly_connected_components(networkx.DiGraph(edges)) if len(each) > 1]


@pytest.mark.parametrize("package", ["trunkline", "trunkline_lab"])
def test_there_is_no_import_circle(package):
    graph = grimp.build_graph(package, cache_dir=None)
    edges = [(one, other) for one in graph.modules for other in graph.find_modules_directly_imported_by(one)]
    assert len(edges) > 100
    assert circles(edges) == []


def test_a_circle_would_be_seen():
    assert circles([("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")]) == [["a", "b", "c"]]
