"""`syncwell demo`: the whole story on one machine, judged by the sandboxes' own books."""

from syncwell.cli.demo.story import run_demo

__all__ = ["run_demo"]
