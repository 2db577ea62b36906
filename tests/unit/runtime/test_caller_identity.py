"""Who is calling, as a service sees it."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import Mock

import grpc
import pytest

from syncwell.adapters.grpc.channel import AUTHORIZATION_KEY, CALLER_KEY
from syncwell.domain.errors import NotAuthenticatedError, PermissionDeniedError, SetupError
from syncwell.runtime.caller_identity import CallerVerifier, load_identity


def context(name: str, proof: str) -> grpc.aio.ServicerContext[Any, Any]:  # Any: of any method
    """Returns a call that carries nothing but its caller's name and proof."""
    call = Mock(spec=grpc.aio.ServicerContext)
    call.invocation_metadata.return_value = ((CALLER_KEY, name), (AUTHORIZATION_KEY, proof))
    return call


def test_proven_caller_is_named(tmp_path: Path) -> None:
    """A caller with its own key is who it says it is."""
    name, key = load_identity(tmp_path, "gateway")

    assert CallerVerifier(tmp_path).require(context(name, f"Bearer {key}"), "gateway", "scheduler") == "gateway"


@pytest.mark.parametrize("proof", ["", "Bearer ", "Bearer wrong", "wrong", "Bearer ü"])
def test_wrong_proof_is_refused(tmp_path: Path, proof: str) -> None:
    """Neither a missing nor a wrong key proves anything."""
    load_identity(tmp_path, "gateway")

    with pytest.raises(NotAuthenticatedError):
        CallerVerifier(tmp_path).require(context("gateway", proof), "gateway")


def test_key_of_another_service_proves_nothing(tmp_path: Path) -> None:
    """One service cannot pass for another."""
    _, key = load_identity(tmp_path, "sync_worker")

    with pytest.raises(NotAuthenticatedError):
        CallerVerifier(tmp_path).require(context("gateway", f"Bearer {key}"), "gateway")


def test_proven_caller_may_be_the_wrong_one(tmp_path: Path) -> None:
    """A service that is not on the list is refused, and no key is made for it."""
    name, key = load_identity(tmp_path, "sync_worker")

    with pytest.raises(PermissionDeniedError):
        CallerVerifier(tmp_path).require(context(name, f"Bearer {key}"), "gateway")
    with pytest.raises(PermissionDeniedError):
        CallerVerifier(tmp_path).require(context("made_up", "Bearer x"), "gateway")
    assert [path.name for path in tmp_path.iterdir()] == ["caller-sync_worker.key"]


@pytest.mark.parametrize("name", ["", "../gateway", "a b"])
def test_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    """What is no service's name reaches no path."""
    with pytest.raises(NotAuthenticatedError):
        CallerVerifier(tmp_path).require(context(name, "Bearer x"), name)


def test_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """A key file with wide permissions stops the set-up and says how to mend it."""
    load_identity(tmp_path, "gateway")
    path = tmp_path / "caller-gateway.key"
    path.chmod(0o644)

    with pytest.raises(SetupError, match="chmod 600"):
        load_identity(tmp_path, "gateway")
