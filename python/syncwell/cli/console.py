"""What the command line prints: service lines with a coloured name, and nothing secret."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from syncwell.domain.redaction import redact

_COLOURS = {
    "store": "blue",
    "credentials": "magenta",
    "sync_worker": "green",
    "coalescer": "cyan",
    "scheduler": "yellow",
    "gateway": "bright_blue",
    "up": "bold",
}


class ServiceLines:
    """Writes lines of several processes to stderr, each behind its process's name."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)

    def write(self, name: str, line: str) -> None:
        """Prints one line of `name`."""
        text = Text.assemble((f"{name:<12}", _COLOURS.get(name, "white")), "│ ", redact(line))
        self._console.print(text)
