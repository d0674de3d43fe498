"""The command `asyncshift` (and `python -m asyncshift`).

`--version` is answered before Typer, Rich or LibCST are imported: shells and editors ask for it
often, and an import of LibCST alone costs fifteen interpreter starts.
"""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line and return its exit status."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from asyncshift import __version__

        print(f"asyncshift {__version__}")
        return 0
    from asyncshift.cli import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
