"""What ends a run, each with its exit code. Expected failures of single targets are values (`Missed`, `Unreadable`).

    ArchiverError                 1   something we did not foresee
    +-- UsageError                2   the command line or a setting is wrong
    +-- InputError                3   a document or archive cannot be read
    +-- OutputError               3   a folder or file cannot be written
    |   +-- Locked                3   another run holds the folder
    +-- NothingFetched            4   not one target could be fetched
        +-- NoPictures            4   a post links no pictures; among several posts that is no failure

Not errors, but exit codes too: 0 all archived, 8 some links failed or pictures are damaged, 9 duplicates found with --fail-on-duplicates,
130 interrupted.
"""

from __future__ import annotations

EXIT_OK = 0
EXIT_SOME_FAILED = 8
EXIT_DUPLICATES = 9
EXIT_INTERRUPTED = 130


class ArchiverError(Exception):
    """Ends a run with one clear sentence."""

    exit_code = 1


class UsageError(ArchiverError):
    exit_code = 2


class InputError(ArchiverError):
    exit_code = 3


class OutputError(ArchiverError):
    exit_code = 3


class Locked(OutputError):
    """Another run is at work in the folder."""


class NothingFetched(ArchiverError):
    exit_code = 4


class NoPictures(NothingFetched):
    """A post has nothing to fetch."""
