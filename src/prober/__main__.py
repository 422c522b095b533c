"""Where the program begins, as ``prober`` and as ``python -m prober``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit; Ctrl-C ends it without a traceback even while it is being loaded."""
    try:
        from prober.cli.main import main as run  # noqa: PLC0415 - what takes long to load is loaded in here

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
