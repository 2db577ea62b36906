"""What a log line says, and what it must not."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any  # reason: log lines are JSON

from syncwell.domain.errors import ProviderUnavailableError
from syncwell.runtime.logs import describe_exception

PROGRAM = """
import logging, structlog
from syncwell.adapters.grpc.channel import correlation_id
from syncwell.runtime.logs import configure_logs
configure_logs("gateway", level="INFO", log_format="json")
correlation_id.set("4bf92f3577b34da6a3ce929d0e0e4736")
log = structlog.get_logger()
log.info("done", text="Bearer abcdefghijklmnop", mail="robin@mail.example")
log.debug("not shown")
try:
    raise ValueError("heart rate 187 in s3cret-note")
except ValueError:
    log.exception("broke")
logging.getLogger("asyncio").error("Task failed for robin@mail.example", exc_info=KeyError("s3cret-note"))
"""


def lines_of(program: str) -> list[dict[str, Any]]:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)  # noqa: S603 - ours
    assert done.stdout == ""
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_lines_of_a_process() -> None:
    """Lines carry service and id; secrets are masked, libraries' lines taken in, texts of foreign errors left out."""
    done, broke, library = lines_of(PROGRAM)
    assert {line["correlationId"] for line in (done, broke, library)} == {"4bf92f3577b34da6a3ce929d0e0e4736"}
    assert {line["service"] for line in (done, broke, library)} == {"gateway"}
    assert (done["text"], done["mail"]) == ("Bearer ***", "***")
    assert broke["exception"].startswith("ValueError\n")
    assert library["event"] == "library_message"
    assert "s3cret-note" not in json.dumps([done, broke, library])
    assert "robin" not in json.dumps(library)


def test_our_errors_keep_their_texts_and_causes_their_classes() -> None:
    """Our own messages are written to be shown; a foreign cause is named by its class alone."""
    try:
        try:
            raise OSError("token=abc")
        except OSError as exc:
            raise ProviderUnavailableError("the call was lost", provider="strava") from exc
    except ProviderUnavailableError as exc:
        text = describe_exception(exc)
    assert "ProviderUnavailableError: the call was lost" in text
    assert "caused by OSError" in text
    assert "token" not in text
