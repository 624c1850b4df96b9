"""The manual, made from the help of the commands themselves.

python -m archiver.commands.manual > archiver.1                     the man page (troff, macros of man(7))
python -m archiver.commands.manual --markdown > docs/commands.md    the same for reading in a repository
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import click

from archiver import errors
from archiver.cli import COMMANDS, group
from archiver.version import __version__

EXIT_CODES = {
    errors.EXIT_OK: "All is archived, or the question is answered.",
    errors.ArchiverError.exit_code: "Something that was not foreseen.",
    errors.UsageError.exit_code: "The command line or a setting is wrong.",
    errors.InputError.exit_code: "Something cannot be read or written, another run holds the folder, or `verify` found faults.",
    errors.NothingFetched.exit_code: "Nothing could be fetched; for `dedup`: no file is a picture.",
    errors.EXIT_SOME_FAILED: "Some links failed, and the rest is archived; for `dedup`: some pictures are damaged.",
    errors.EXIT_DUPLICATES: "Duplicates were found, with --fail-on-duplicates.",
    errors.EXIT_INTERRUPTED: "Interrupted; what was archived by then stays, and the same command goes on from there.",
}
FILES = {
    "archiver.toml": "Settings, read from the working directory unless --config names another file; `archiver config --help` says how.",
    "DIR/decisions.json": "What was decided in `archiver review`; no run ever writes it.",
}
COMPLETION = {
    "bash": 'eval "$(_ARCHIVER_COMPLETE=bash_source archiver)"',
    "zsh": 'eval "$(_ARCHIVER_COMPLETE=zsh_source archiver)"',
    "fish": "_ARCHIVER_COMPLETE=fish_source archiver | source",
}
"""Shell -> the line for its start-up file."""

Record = tuple[str, str]
"""An option as it is written, and what it does."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One command as the manual tells of it."""

    name: str
    """As typed behind `archiver`."""
    usage: str
    paragraphs: tuple[str, ...]
    options: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class Manual:
    """All of it. An option that several commands have in the same words stands in `shared` once."""

    summary: str
    general: tuple[Record, ...]
    commands: tuple[Entry, ...]
    shared: tuple[tuple[tuple[str, ...], tuple[Record, ...]], ...]
    """(names of commands, options that exactly these share)."""

    def shared_by(self, name: str) -> list[str]:
        """The headings under which further options of a command stand."""
        return [heading(names) for names, _ in self.shared if name in names]


def heading(names: Sequence[str]) -> str:
    """
    >>> heading(("archive", "compare", "retry"))
    'Options of archive, compare and retry'
    """
    return f"Options of {', '.join(names[:-1])} and {names[-1]}"


def manual() -> Manual:
    """Read from the commands."""
    top = click.Context(group, info_name="archiver")
    entries = [entry for name in COMMANDS for entry in _entries(name, group.get_command(top, name), top)]
    owners: dict[Record, list[str]] = {}
    for entry in entries:
        for record in entry.options:
            owners.setdefault(record, []).append(entry.name)
    shared: dict[tuple[str, ...], list[Record]] = {}
    for record, names in owners.items():
        if len(names) > 1:
            shared.setdefault(tuple(names), []).append(record)
    own = [
        Entry(entry.name, entry.usage, entry.paragraphs, tuple(record for record in entry.options if len(owners[record]) == 1))
        for entry in entries
    ]
    together = tuple((names, tuple(records)) for names, records in shared.items())
    return Manual(_paragraphs(group)[0], _records(group, top), tuple(own), together)


def _entries(name: str, command: click.Command | None, above: click.Context) -> Iterator[Entry]:
    """A command, and behind it the commands of a group."""
    assert command is not None
    context = click.Context(command, info_name=name.split()[-1], parent=above)
    usage = " ".join((f"archiver {name}", *command.collect_usage_pieces(context)))
    yield Entry(name, usage, _paragraphs(command), _records(command, context))
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            yield from _entries(f"{name} {inner}", command.get_command(context, inner), context)


def _paragraphs(command: click.Command) -> tuple[str, ...]:
    return tuple(" ".join(part.split()) for part in inspect.cleandoc(command.help or "").split("\n\n"))


def _records(command: click.Command, context: click.Context) -> tuple[Record, ...]:
    records = (option.get_help_record(context) for option in command.params if isinstance(option, click.Option))
    return tuple((name, " ".join(words.split())) for name, words in filter(None, records))


# --- troff ------------------------------------------------------------------------------------------------------------


def troff(told: Manual) -> str:
    """The man page: macros of man(7), ASCII only."""
    lines = [f'.TH ARCHIVER 1 "" "archiver {_escaped(__version__)}" "User Commands"']
    lines += [".SH NAME", f"archiver \\- {_escaped(told.summary[:1].lower() + told.summary[1:].rstrip('.'))}"]
    lines += [".SH SYNOPSIS", ".B archiver", _escaped("[--config FILE] COMMAND [OPTIONS] ...")]
    lines += [".SH OPTIONS", *_troff_options(told.general)]
    lines.append(".SH COMMANDS")
    for entry in told.commands:
        lines += [f".SS {_escaped(entry.name)}", ".B", _escaped(entry.usage)]
        lines += [line for text in entry.paragraphs for line in (".PP", _escaped(text))]
        lines += _troff_options(entry.options)
        if further := told.shared_by(entry.name):
            lines += [".PP", _escaped(_further(further))]
    lines.append(".SH SHARED OPTIONS")
    for names, records in told.shared:
        lines += [f".SS {_escaped(heading(names))}", *_troff_options(records)]
    lines += [".SH EXIT STATUS", *_troff_options([(str(code), words) for code, words in EXIT_CODES.items()])]
    lines += [".SH FILES", *_troff_options(list(FILES.items()))]
    lines += [".SH SHELL COMPLETION", *_troff_options(list(COMPLETION.items()))]
    return "\n".join(lines) + "\n"


def _troff_options(records: Sequence[Record]) -> list[str]:
    return [line for name, words in records for line in (".TP", f"\\fB{_escaped(name)}\\fR", _escaped(words))]


def _escaped(text: str) -> str:
    """Text that means itself in troff: no escapes, no line that begins like a request, hyphens that can be copied.

    >>> _escaped(".x --a \\\\ \\u00e9")
    '\\\\&.x \\\\-\\\\-a \\\\e \\\\[u00E9]'
    """
    plain = text.replace("\\", "\\e").replace("-", "\\-")
    plain = re.sub(r"[^\x00-\x7f]", lambda found: f"\\[u{ord(found[0]):04X}]", plain)
    return f"\\&{plain}" if plain[:1] in (".", "'") else plain


def _further(headings: Sequence[str]) -> str:
    return f"Further: {'; '.join(headings)}."


# --- Markdown ---------------------------------------------------------------------------------------------------------


def markdown(told: Manual) -> str:
    """The same as one Markdown document."""
    parts = ["# Commands", told.summary, "Made from the help of the program: `python -m archiver.commands.manual --markdown`."]
    parts.append(_markdown_options(told.general))
    for entry in told.commands:
        parts += [f"## archiver {entry.name}", f"    {entry.usage}", *entry.paragraphs, _markdown_options(entry.options)]
        further = [f"[{words}](#{words.lower().replace(',', '').replace(' ', '-')})" for words in told.shared_by(entry.name)]
        parts.append(_further(further) if further else "")
    parts.append("## Shared options")
    for names, records in told.shared:
        parts += [f"### {heading(names)}", _markdown_options(records)]
    parts += ["## Exit codes", "\n".join(f"- {code}: {words}" for code, words in EXIT_CODES.items())]
    parts += ["## Files", "\n".join(f"- `{name}`: {words}" for name, words in FILES.items())]
    lines = "\n".join(f"    {line}" for line in COMPLETION.values())
    parts += ["## Shell completion", f"One of these lines in the start-up file of the shell ({', '.join(COMPLETION)}):", lines]
    return "\n\n".join(part for part in parts if part) + "\n"


def _markdown_options(records: Sequence[Record]) -> str:
    return "\n".join(f"- `{name}`: {words}" for name, words in records)


@click.command()
@click.option("--markdown", "as_markdown", is_flag=True, help="Markdown instead of a man page.")
def command(as_markdown: bool) -> None:
    """Print the manual."""
    click.echo((markdown if as_markdown else troff)(manual()), nl=False)


if __name__ == "__main__":
    command()
