"""No code logs a message of a protocol or a token: read from the sources, since one forgotten line is enough."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("python/syncwell", "services")
GENERATED = ROOT / "python" / "syncwell" / "api"

LOG_METHODS = frozenset({"debug", "info", "warning", "error", "exception", "critical", "log", "note"})
LOGGERS = frozenset({"log", "logger", "_log", "span"})
# Types whose values hold what must not be shown; a class made by protoc is recognised by its module's alias.
SECRET_TYPES = frozenset({"AccessToken", "TokenGrant", "GrantRow", "Callback", "Call", "Response", "RecordPayload"})
MESSAGE_TYPES = frozenset({"CanonicalWorkout", "CanonicalSleepSession", "Point", "PointSegment", "Lap"})
MESSAGE_MODULES = ("pb", "_pb2")
# Names that such values go by, also where no annotation says so.
SECRET_NAMES = frozenset(
    {
        "token", "access_token", "refresh_token", "grant", "fresh", "request", "response", "payload", "workout", "body",
        "headers", "authorization", "secret", "client_secret", "code_verifier", "title", "notes", "content", "metadata",
    }
)  # fmt: skip


def sources() -> list[Path]:
    found = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    return [path for path in found if GENERATED not in path.parents]


def log_calls(tree: ast.AST) -> Iterator[tuple[ast.Call, dict[str, str]]]:
    """Yields each call of a logger with the annotations of the function around it."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        arguments = [*function.args.args, *function.args.kwonlyargs, *function.args.posonlyargs]
        types = {each.arg: ast.unparse(each.annotation) for each in arguments if each.annotation is not None}
        for node in ast.walk(function):
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                types[node.target.id] = ast.unparse(node.annotation)
            if isinstance(node, ast.Call) and _is_log_call(node):
                yield node, types


def _is_log_call(node: ast.Call) -> bool:
    called = node.func
    if not isinstance(called, ast.Attribute) or called.attr not in LOG_METHODS:
        return False
    owner = called.value
    if isinstance(owner, ast.Call):
        return ast.unparse(owner.func).endswith("get_logger")
    return isinstance(owner, ast.Name) and owner.id in LOGGERS


def offences(source: str) -> list[str]:
    """Returns the expressions in log calls of `source` that hand over a message or a secret."""
    return [
        f"line {call.lineno}: {ast.unparse(value)}"
        for call, types in log_calls(ast.parse(source))
        for value in [*call.args, *(keyword.value for keyword in call.keywords)]
        if _is_secret(value, types)
    ]


def _is_secret(value: ast.expr, types: dict[str, str]) -> bool:
    """Follows what is printed: the value itself, a text that embeds it, `str(...)`, `repr(...)` of it."""
    match value:
        case ast.Name(id=name):
            return name in SECRET_NAMES or _is_made_of(types.get(name, ""))
        case ast.Attribute(attr=attribute, value=owner):
            return attribute in SECRET_NAMES or (attribute == "value" and _is_secret(owner, types))
        case ast.Call(func=ast.Name(id="len" | "type" | "bool" | "sum")):
            return False
        case ast.Call(func=called) if _is_made_of(ast.unparse(called)):
            return True
        case _:
            return any(_is_secret(part, types) for part in _parts_of(value))


def _parts_of(value: ast.expr) -> Sequence[ast.expr]:  # noqa: PLR0911 - a case each
    match value:
        case ast.JoinedStr(values=parts):
            return [part.value for part in parts if isinstance(part, ast.FormattedValue)]
        case ast.Call(args=args, keywords=keywords):
            return [*args, *(keyword.value for keyword in keywords)]
        case ast.BinOp(left=left, right=right):
            return [left, right]
        case ast.Starred(value=inner):
            return [inner]
        case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
            return parts
        case ast.Dict(values=parts):
            return parts
        case _:
            return []


def _is_made_of(annotation: str) -> bool:
    last = annotation.partition("|")[0].strip().strip('"')
    module, _, name = last.rpartition(".")
    is_message = module.endswith(MESSAGE_MODULES) or name in MESSAGE_TYPES
    return is_message or name in SECRET_TYPES


@pytest.mark.parametrize(
    "line",
    [
        'log.info("x", t=AccessToken("a", 1, 2))',
        'log.debug("x", what=thing)',
        'log.info(f"got {grant}")',
        'log.warning("x", body=str(response))',
        'log.info("x", token=token.value)',
        'log.error("x", m=pb.GetJobRequest())',
        'structlog.get_logger().info("x", workout=workout)',
        "span.note(title=record.title)",
        'log.info("x " + payload)',
    ],
)
def test_the_rule_finds_what_is_planted(line: str) -> None:
    """Each way of handing a message or a token to a log is seen."""
    source = f"async def f(self, thing: pb.SubmitJobRequest, log, record, token):\n    {line}\n"
    assert offences(source), line


@pytest.mark.parametrize(
    "line",
    [
        'log.info("x", job_id=job.job_id)',
        'log.info("x", size=len(payload))',
        'log.info("x", generation=token.generation)',
        'log.warning("x", reason=exc.code)',
    ],
)
def test_the_rule_lets_ids_counts_and_codes_pass(line: str) -> None:
    """What logs are for is allowed."""
    assert not offences(f"def f(self, job, payload, token, exc):\n    {line}\n"), line


def test_log_calls_are_seen_in_the_sources() -> None:
    """The rule looks at the log calls that are there."""
    count = sum(1 for path in sources() for _ in log_calls(ast.parse(path.read_text("utf-8"))))
    assert count >= 20


def test_no_code_logs_a_message_or_a_token() -> None:
    """No log call and no span in the sources is handed one."""
    found = {str(path.relative_to(ROOT)): lines for path in sources() if (lines := offences(path.read_text("utf-8")))}
    assert found == {}
