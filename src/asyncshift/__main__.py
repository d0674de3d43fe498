"""The command `asyncshift` (and `python -m asyncshift`).

`--version` is answered before Typer, Rich or LibCST are imported: shells and editors ask for it
often, and an import of LibCST alone costs fifteen interpreter starts.

A command is one short process.  The collector would walk millions of facts again and again and find
nothing, and taking them apart at the end, object by object, takes longer than reading a file.
"""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn


def main() -> int:
    """Run the command line and return its exit status."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from asyncshift import __version__

        print(f"asyncshift {__version__}")
        return 0
    from asyncshift.cli import run

    return run(sys.argv[1:])


def program() -> NoReturn:
    """The process: `main` without the collector, and an end without taking anything apart."""
    gc.disable()
    status = main()
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # `asyncshift diff | head`: whoever reads has seen enough
        pass
    except OSError as error:
        print(f"error: the output could not be written: {error.strerror}", file=sys.stderr)
        status = status or 2
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    program()
