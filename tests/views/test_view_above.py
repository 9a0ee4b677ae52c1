"""What is printed while a tree is drawn is kept in lines, and nothing of it is lost."""

import sys

from trunkline.views.above import Above


def test_lines_are_taken_whole_and_the_rest_at_the_end(capsys):
    above = Above()
    above.begin(stdout=True)
    try:
        print("one")
        print()
        print("two, to err", file=sys.stderr)
        sys.stdout.write("half")
        assert above.taken() == ["one", "", "two, to err"]
        assert above.taken() == []
    finally:
        above.end()
    assert above.taken() == ["half"]
    print("after")
    assert capsys.readouterr().out == "after\n"


def test_stdout_that_is_no_terminal_is_left_alone(capsys):
    above = Above()
    above.begin(stdout=False)
    print("a result")
    above.end()
    assert above.taken() == []
    assert capsys.readouterr().out == "a result\n"
