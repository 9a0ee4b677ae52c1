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
    from trunkline.cli import telling

    return telling.status(run, config, as_json=json)


@app.command()
def history(
    run: Annotated[str | None, typer.Argument(metavar="[RUN]", help="What was done to one run; else all.")] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Show who did what, when and from where, how long it took, and what was exposed for how long.

    Examples:

      trunkline history

      trunkline history acme
    """
    from trunkline.cli import telling

    return telling.story(run, config, as_json=json)


@app.command()
def report(
    run: RunArgument,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="By default RUN.html; - is stdout.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="The network: a file of `trunkline network --json`."),
    ] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Write what a run did, and the network that it left, as one page.

    The page asks nobody for anything: it can be attached to a ticket. Problems come first. The accounts of the
    configuration are read; what cannot be read is shown as the run recorded it.

    Examples:

      trunkline report acme

      trunkline report acme -o ticket-4711.html
    """
    from trunkline.cli import reporting

    return reporting.report(run, config, output, file, as_json=json)


@app.command(context_settings=OWN_WORDS)
def check(context: typer.Context) -> int:
    """Look at a pipeline's wiring; runs nothing."""
    from trunkline.cli import looking
    from trunkline.cli.command import perform

    return perform("check", context.args, looking.check, without=["--format", "--progress", "--on-failure", "--web"])


@app.command(context_settings=OWN_WORDS)
def graph(context: typer.Context) -> int:
    """Show a pipeline's steps; or with --topology the network."""
    if "--topology" in context.args:
        from trunkline.cli import topology

        return topology.graph(context.args)
    from trunkline.cli import looking
    from trunkline.cli.command import perform

    return perform("graph", context.args, looking.graph, without=["--progress", "--on-failure", "--web"])


@app.command()
def exposures(
    account: AccountOption = None, config: ConfigOption = None, json: JsonOption = False, debug: DebugOption = False
) -> int:
    """Show what stands open now, since when, until when, and whose it is.

    It goes by what the clouds say: temporary rules with their run, purpose and expiry. Beside it stands what the
    journal of this machine knows, and where the two differ; without a journal the clouds alone are told.

    Examples:

      trunkline exposures

      trunkline exposures --account A --json
    """
    from trunkline.cli import exposures as exposed

    return exposed.exposures(config, account or [], as_json=json, debug=debug)


@app.command()
def sweep(
    run: Annotated[
        str | None, typer.Option("--run", metavar="RUN", help="All of this run's, expired or not; not others'.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be closed; exit code 2 when there is any.")
    ] = False,
    watch: Annotated[
        float | None, typer.Option("--watch", metavar="SECONDS", help="Sweep again and again, until SIGTERM.")
    ] = None,
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

      trunkline sweep --watch 60 --json
    """
    if watch is not None:
        if dry_run or not watch > 0:
            reason = "stands against --dry-run" if dry_run else f"{watch:g}: give seconds, more than 0"
            raise typer.BadParameter(reason, param_hint="--watch")
        from trunkline.cli import watch as service

        return service.watch(config, account or [], every=watch, run=run, as_json=json)
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


secrets_app = typer.Typer(
    help="Rotate what is generated: routers' passwords and tunnels' secrets.",
    rich_markup_mode=None,
    no_args_is_help=True,
)
app.add_typer(secrets_app, name="secrets")


@secrets_app.command(context_settings=MORE_WORDS)
def rotate(
    context: typer.Context,
    run: Annotated[str | None, typer.Option("--run", metavar="RUN", help="Only what this run built.")] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """New passwords on the routers and new secrets in the tunnels; the old ones are refused afterwards.

    Tunnels are changed one after the other. What was interrupted goes on when this is called again. More options are
    those of `trunkline up`: --router-timeout, --access-minutes, --progress, --debug.

    Examples:

      trunkline secrets rotate

      trunkline secrets rotate --run acme
    """
    from trunkline.cli import secrets

    return secrets.rotate(run, config, context.args, as_json=json)


@secrets_app.command(context_settings=MORE_WORDS)
def rekey(context: typer.Context, config: ConfigOption = None, json: JsonOption = False) -> int:
    """A new master key; every secret that follows from it is rotated, and then the old key is removed.

    Goes on where it stopped when called again. Exit code 3 while something still needs the old key.

    Examples:

      trunkline secrets rekey
    """
    from trunkline.cli import secrets

    return secrets.rekey(config, context.args, as_json=json)


@secrets_app.command("status")
def secrets_status(config: ConfigOption = None, json: JsonOption = False) -> int:
    """Where the master key stands, and which rotation is under way. Shows no secret.

    Examples:

      trunkline secrets status
    """
    from trunkline.cli import secrets

    return secrets.status(config, as_json=json)


@secrets_app.command()
def show(
    reference: Annotated[str, typer.Argument(metavar="REFERENCE", help="Such as generated:site/datacentre.")],
    config: ConfigOption = None,
) -> int:
    """Print one secret on stdout: to give a generated one to whoever needs it.

    Examples:

      trunkline secrets show generated:site/datacentre
    """
    from trunkline.cli import secrets

    return secrets.show(reference, config)


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
    if argv is None and args[:1] != ["lab"]:  # a process of its own, and one that will hold secrets
        from trunkline.cli.unreadable import unreadable

        unreadable()
    try:
        code = app(args or ["--help"], prog_name="trunkline", standalone_mode=False) or 0
        if code == Exit.INTERRUPTED and not isinstance(code, Exit):  # typer's own answer to Ctrl-C, which says nothing
            say.error("interrupted")
        return int(code)
    except BaseException as raised:
        from trunkline.cli.failures import failed

        return failed(raised, debug="--debug" in args)
