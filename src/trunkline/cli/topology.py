"""`trunkline graph --topology`: the federation as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from trunkline.cli import federations, say
from trunkline.cli.exits import Exit
from trunkline.cli.files import write
from trunkline.cli.home import configured, journal_file, open_journal
from trunkline.cli.options import ConfigOption, DebugOption
from trunkline.views.topology import Exposed, Picture, dot, picture
from trunkline.views.topology.picture import title
from trunkline.views.topology.svg import topology

FileOption = Annotated[
    Path | None,
    typer.Option("--from", metavar="FILE", help="A file of `trunkline network --json`; no account is asked."),
]
OutOption = Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write there, not to stdout.")]
FormatOption = Annotated[Literal["svg", "dot", "json"], typer.Option("--format", help="SVG, Graphviz, or JSON.")]


def graph(args: Sequence[str]) -> int:
    """Read the options that follow `graph --topology`, and draw."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command()(_command)
    words = [word for word in args if word != "--topology"]
    code: int = app(words, prog_name="trunkline graph --topology", standalone_mode=False) or Exit.DONE
    return code


def _command(
    file: FileOption = None,
    format: FormatOption = "svg",
    output: OutOption = None,
    config: ConfigOption = None,
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    debug: DebugOption = False,
) -> int:
    """Draw the federation: accounts, networks, routers, tunnels, routes, and what is exposed.

    It is read from the accounts of the configuration; without one it is what the runs of the journal recorded. A
    router whose API is shut is shown as it was last seen. With --from nobody is asked.

    Examples:

      trunkline graph --topology -o federation.svg

      trunkline graph --topology --from federation.json --format dot | dot -Tsvg
    """
    if file is not None:
        seen = federations.from_file(file)
    else:
        known = configured(config)
        if known is not None and not journal_file(known).exists():
            seen = federations.of_runs(None, known)
        else:
            with closing(open_journal(config)) as store:
                seen = federations.of_runs(store, known)
    read = picture(seen.federation, seen.exposures or ())
    if json or format == "json":
        text = say.as_json(plain(read, seen.source, seen.exposures))
    else:
        text = topology(seen.federation, seen.exposures or ()) if format == "svg" else "\n".join(dot(read))
    if output is None:
        say.out(text)
    else:
        write(output, text)
        say.line(f"{output}: {read.summary}")
    return Exit.DONE


def plain(read: Picture, source: str, exposures: Sequence[Exposed] | None) -> dict[str, Any]:
    """What the picture says, as plain values."""
    return {
        "version": "1.0",
        "source": source,
        "summary": read.summary,
        "hubs": [network.id for network in read.hubs],
        "networks": [
            {"id": each.id, "name": title(each), "cloud": each.cloud, "account": each.account, "cidrs": each.cidrs}
            for each in (*read.hubs, *read.spokes)
        ],
        "tunnels": [
            {"one": link.one.name, "other": link.other.name, "state": link.state, "reason": link.reason}
            for link in read.links
        ],
        "exposures": None
        if exposures is None
        else [{"account": each.account, "group": each.group, "text": each.text} for each in exposures],
        "problems": [{"kind": each.kind, "text": each.text, "networks": each.networks} for each in read.problems],
    }
