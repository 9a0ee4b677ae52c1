"""`trunkline`: the commands, and what becomes of their errors. Only the command that was asked for is loaded."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from trunkline.cli.exits import Exit
from trunkline.cli.options import ConfigOption, DebugOption, JsonOption

app = typer.Typer(
    help="Pipes that build hybrid-cloud networks: what they open they close, what they make they find again.",
    epilog="Start with a lab on this machine: trunkline lab up",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
# A command that reads its words itself: its options follow from the pipeline that is named.
OWN_WORDS = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
AccountOption = Annotated[
    list[str] | None, typer.Option("--account", metavar="ACCOUNT", help="Only this account; may be repeated.")
]


@app.command(context_settings=OWN_WORDS)
def up(context: typer.Context) -> int:
    """Run a pipeline: PIPELINE [--KEY VALUE ...]."""
    from trunkline.cli import running
    from trunkline.cli.command import perform

    return perform("up", context.args, running.up, without=["--format"])


MORE_WORDS = {"allow_extra_args": True, "ignore_unknown_options": True}
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="The run's name, see `trunkline history`.")]


@app.command(context_settings=MORE_WORDS)
def resume(context: typer.Context, run: RunArgument, config: ConfigOption = None) -> int:
    """Go on with a run that failed, was interrupted or died.

    What is done is not done again; what was in flight is looked for, or made again with its old token.

    Examples:

      trunkline resume acme
    """
    from trunkline.cli import journals

    return journals.resume(run, config, context.args)


@app.command(context_settings=MORE_WORDS)
def undo(context: typer.Context, run: RunArgument, config: ConfigOption = None) -> int:
    """Take back what a run did, the newest step first.

    It stops at the first failure and goes on when called again. Exit code 3 when a step has no undo.

    Examples:

      trunkline undo acme
    """
    from trunkline.cli import journals

    return journals.undo(run, config, context.args)


@app.command()
def status(
    run: Annotated[str | None, typer.Argument(metavar="[RUN]", help="One run, step by step; else all.")] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Show how runs stand, by the journal.

    Examples:

      trunkline status acme

      trunkline status --json
    """
    from trunkline.cli import journals

    return journals.status(run, config, as_json=json)


@app.command()
def history(config: ConfigOption = None, json: JsonOption = False) -> int:
    """Show all runs: when, how they ended, how long they took, what was exposed for how long.

    Examples:

      trunkline history
    """
    from trunkline.cli import journals

    return journals.status(None, config, as_json=json)


@app.command(context_settings=OWN_WORDS)
def check(context: typer.Context) -> int:
    """Look at a pipeline's wiring; runs nothing."""
    from trunkline.cli import looking
    from trunkline.cli.command import perform

    return perform("check", context.args, looking.check, without=["--format", "--progress"])


@app.command(context_settings=OWN_WORDS)
def graph(context: typer.Context) -> int:
    """Show a pipeline's steps."""
    from trunkline.cli import looking
    from trunkline.cli.command import perform

    return perform("graph", context.args, looking.graph, without=["--progress"])


@app.command()
def exposures(
    account: AccountOption = None, config: ConfigOption = None, json: JsonOption = False, debug: DebugOption = False
) -> int:
    """Show what stands open now.

    It goes by what the clouds say: temporary rules with their run, purpose and expiry.

    Examples:

      trunkline exposures

      trunkline exposures --account A --json
    """
    from trunkline.cli import access

    return access.exposures(config, account or [], as_json=json, debug=debug)


@app.command()
def sweep(
    run: Annotated[
        str | None, typer.Option("--run", metavar="RUN", help="All of this run's, expired or not; not others'.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be closed; exit code 2 when there is any.")
    ] = False,
    account: AccountOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> int:
    """Close temporary access.

    Closes what has expired, or with --run all that one run left open.

    It goes by what the clouds say; no file of the run is needed, so any machine with the accounts can do it. On the
    machine that has a dead run's journal it also closes, at once, what that run owes.

    Examples:

      trunkline sweep --dry-run

      trunkline sweep --run connect-vpc-1f0c2a9b
    """
    from trunkline.cli import access, journals

    if not dry_run:
        journals.pay_dead(config, run)
    return access.sweep(config, account or [], run=run, dry_run=dry_run, as_json=json, debug=debug)


FileOption = Annotated[
    Path | None,
    typer.Option("--from", metavar="FILE", help="A federation as JSON (network --json) instead of the clouds."),
]
OpenOption = Annotated[
    bool, typer.Option("--open", help="Open the routers' API to your address while they are read, and close it.")
]
ProtocolOption = Annotated[Literal["tcp", "udp", "icmp"], typer.Option("--proto", help="The protocol.")]
PortOption = Annotated[int, typer.Option("--port", metavar="PORT", help="The destination's port.")]


@app.command()
def trace(
    source: Annotated[str, typer.Argument(metavar="A", help="An address, host, subnet, network, router or site.")],
    destination: Annotated[str, typer.Argument(metavar="B", help="The other end.")],
    proto: ProtocolOption = "tcp",
    port: PortOption = 443,
    file: FileOption = None,
    open: OpenOption = False,
    account: AccountOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Show the way from A to B and back, or the first thing that stops it.

    It sends nothing: it reads the clouds and routers, and says what they would do. Exit code 2 when B is not reached.

    Examples:

      trunkline trace 10.1.1.10 datacentre

      trunkline trace web db --port 5432 --from federation.json
    """
    from trunkline.cli import reach as looking

    where = looking.Source(config, account or [], file, open)
    return looking.trace(where, source, destination, protocol=proto, port=port, as_json=json)


@app.command()
def reach(
    proto: ProtocolOption = "tcp",
    port: PortOption = 443,
    file: FileOption = None,
    open: OpenOption = False,
    account: AccountOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Show which networks and sites reach which.

    Exit code 2 when there are some that do not.

    Examples:

      trunkline reach

      trunkline reach --proto icmp --json
    """
    from trunkline.cli import reach as looking

    where = looking.Source(config, account or [], file, open)
    return looking.reach(where, protocol=proto, port=port, as_json=json)


@app.command()
def network(
    file: FileOption = None,
    open: OpenOption = False,
    account: AccountOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Show the networks, routers and sites; with --json all that was read.

    Examples:

      trunkline network

      trunkline network --json > federation.json
    """
    from trunkline.cli import reach as looking

    return looking.network(looking.Source(config, account or [], file, open), as_json=json)


@app.command()
def doctor(config: ConfigOption = None, json: JsonOption = False, debug: DebugOption = False) -> int:
    """Look whether all is there that a run needs.

    Python, the packages, the configuration, the accounts (each is asked), and the lab.

    Examples:

      trunkline doctor

      trunkline doctor --config lab.toml --json
    """
    from trunkline.cli import doctor as examination

    return examination.doctor(config, as_json=json, debug=debug)


@app.command(context_settings=OWN_WORDS)
def lab(context: typer.Context) -> int:
    """The lab on this machine: up, status, down."""
    import importlib

    # By name, and not by an import statement: the library stands without the lab.
    cli = importlib.import_module("trunkline_lab.cli")
    return int(cli.main([word for word in context.args if word != "--debug"]))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters:
        argv: The words after "trunkline"; by default the process's own.

    Returns:
        The exit code, see `Exit`.
    """
    from trunkline.cli import say

    say.ready()
    args = list(sys.argv[1:] if argv is None else argv)
    try:
        code = app(args or ["--help"], prog_name="trunkline", standalone_mode=False) or 0
        if code == Exit.INTERRUPTED and not isinstance(code, Exit):  # typer's own answer to Ctrl-C, which says nothing
            say.error("interrupted")
        return int(code)
    except BaseException as raised:
        return _failed(raised, debug="--debug" in args)


def _failed(raised: BaseException, *, debug: bool) -> int:
    """Say what went wrong, and answer the exit code for it."""
    from trunkline.cli import say

    if isinstance(raised, SystemExit):
        return raised.code if isinstance(raised.code, int) else Exit.FAILED
    if isinstance(raised, (KeyboardInterrupt, typer.Abort)):
        say.error("interrupted")
        return Exit.INTERRUPTED
    if isinstance(raised, typer.TyperException):
        context = getattr(raised, "ctx", None)
        say.error(_said(raised), f"see {context.command_path if context else 'trunkline'} --help")
        return Exit.USAGE
    from trunkline._core.errors import Misuse
    from trunkline.cli.pipelines import Refused, UnknownPipeline
    from trunkline.config import ConfigError
    from trunkline.durable.errors import LeaseHeld
    from trunkline.network.reachability.endpoints import UnknownEnd
    from trunkline.views.choose import UnknownProgress

    say.failure(raised, debug=debug)
    if isinstance(raised, LeaseHeld):
        return Exit.HELD
    if isinstance(raised, (ConfigError, Misuse, Refused, UnknownEnd, UnknownPipeline, UnknownProgress)):
        return Exit.USAGE
    return Exit.FAILED


def _said(wrong: typer.TyperException) -> str:
    """What is wrong with an option: typer's words, and the value, which they leave out for numbers."""
    text = wrong.format_message().replace("Value error, ", "")
    errors = getattr(wrong.__cause__, "errors", None)  # pydantic's, which typer reads values with
    if errors is None:
        return text
    value, (head, colon, rest) = repr(errors()[0]["input"]), text.partition(": ")
    return text if value in rest else f"{head}{colon}{value}: {rest[:1].lower()}{rest[1:]}"
