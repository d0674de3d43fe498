"""The command line.  One thin file for each command; this one catches what they raise.

Exit status: 0 done or nothing to do; 1 there are changes (`diff --exit-code`); 2 the call or the
input was wrong; 3 an internal error, with what to report.
"""

from __future__ import annotations

import errno
import platform
import sys
import traceback
from collections.abc import Sequence

import typer

from asyncshift import __version__
from asyncshift.cli.app import build
from asyncshift.errors import InputError
from asyncshift.inert import printable

__all__ = ["run"]

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
INTERRUPTED = 130
"""What shells give a command that Ctrl-C ended."""


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status; the only place where errors become text."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        build()(list(arguments), prog_name="asyncshift")
    except SystemExit as done:
        return _status(done)
    except InputError as error:
        lines = map(printable, f"error: {error}".split("\n"))
        print("\n".join(lines), file=sys.stderr)
        return 2
    except OSError as error:
        if error.errno not in _NO_ROOM:
            return _bug()
        print(f"error: the output could not be written: {error.strerror}", file=sys.stderr)
        return 2
    except Exception:  # noqa: BLE001 - the one boundary: a bug must end in a message and status 3
        return _bug()
    return 0


def _status(done: SystemExit) -> int:
    """Typer ends Ctrl-C and a closed pipe with 1 on some versions; here 1 means "changes"."""
    match done.__context__:
        case BrokenPipeError():  # `asyncshift diff | head`: whoever reads has seen enough
            return 0
        case typer.Abort() | KeyboardInterrupt():
            return INTERRUPTED
    return done.code if isinstance(done.code, int) else 0


def _bug() -> int:
    traceback.print_exc()
    print(
        "\ninternal error: this is a bug in asyncshift, nothing of it is your code's fault.\n"
        "Please report the lines above together with the file they were working on and: "
        f"asyncshift {__version__}, Python {platform.python_version()}, {platform.platform()}",
        file=sys.stderr,
    )
    return 3
