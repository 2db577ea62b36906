"""Provider icons under names that hold their hash, so that callers may keep them for ever."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from importlib.resources import files

from syncwell.domain.errors import NotFoundError, SetupError

PATH = "/v1/provider-icons/"
ICON_BYTES_MAX = 64 * 1024


class Icons:
    """The pictures of the installed providers."""

    def __init__(self, pictures: dict[str, bytes]) -> None:
        """Takes an SVG for each provider id."""
        self._name_by_provider = {
            provider: f"{provider}.{hashlib.blake2b(picture, digest_size=8).hexdigest()}.svg"
            for provider, picture in pictures.items()
        }
        self._picture_by_name = {self._name_by_provider[provider]: picture for provider, picture in pictures.items()}

    @staticmethod
    def load(providers: Iterable[str]) -> Icons:
        """Reads the icons that come with the library.

        Raises:
            SetupError: a provider has no icon; the installation is not whole.
        """
        folder = files("syncwell.providers") / "icons"
        pictures = {}
        for provider in providers:
            try:
                pictures[provider] = (folder / f"{provider}.svg").read_bytes()
            except OSError as exc:
                raise SetupError(f"the icon of {provider} is missing; install SyncWell anew") from exc
        return Icons(pictures)

    def url_of(self, provider: str) -> str:
        """Returns the path of a provider's icon; empty where the provider is no longer installed."""
        name = self._name_by_provider.get(provider)
        return "" if name is None else PATH + name

    def picture(self, name: str) -> bytes:
        """Returns the SVG under `name`.

        Raises:
            NotFoundError: there is none.
        """
        if name not in self._picture_by_name:
            raise NotFoundError("there is no such icon")
        return self._picture_by_name[name]
