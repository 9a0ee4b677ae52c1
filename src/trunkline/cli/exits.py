"""The exit codes, one meaning each."""

from enum import IntEnum


class Exit(IntEnum):
    """What the command line answers to the shell."""

    DONE = 0  # done, or nothing to do
    FAILED = 1
    CHANGES = 2  # a preview (sweep --dry-run) shows that something would change
    UNREACHED = 2  # trace and reach looked, and something does not get through
    NEEDS_HANDS = 3  # something is left open, or cannot be told to be closed
    HELD = 4  # another process has the run
    USAGE = 64  # an option, a pipeline or the configuration is wrong; nothing was touched
    INTERRUPTED = 130  # Ctrl-C, after a clean stop
