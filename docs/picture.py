"""Draw docs/demo.svg: what `prober demo` prints in a terminal, as a picture that loads nothing from elsewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

MAIL_LINES = 12


def main() -> None:
    """Run the demo and write the picture."""
    command = [sys.executable, "-m", "prober", "--color", "always", "demo"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603
    console = Console(record=True, width=120, file=StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.from_ansi(f"$ prober demo\n{shortened(printed)}"))
    svg = console.export_svg(title="prober demo", unique_id="demo")
    Path(__file__).with_name("demo.svg").write_text(re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL))


def shortened(printed: str) -> str:
    """Return the output with each mail cut to its beginning."""
    lines: list[str] = []
    in_mail = 0
    for line in printed.splitlines():
        in_mail = in_mail + 1 if line.startswith("  | ") or line == "  |" else 0
        if in_mail <= MAIL_LINES:
            lines.append(line)
        elif in_mail == MAIL_LINES + 1:
            lines.append("  | ...")
    return "\n".join(lines)


main()
