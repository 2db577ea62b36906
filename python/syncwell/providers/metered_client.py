"""The one road to a provider's HTTP: budgeted, allow-listed, bounded in time and bytes, without retries."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import aiohttp
from yarl import URL

from syncwell.domain.errors import ProviderInvalidAnswerError, ProviderThrottledError, ProviderUnavailableError
from syncwell.domain.jobs import Priority
from syncwell.ports.clock import Clock
from syncwell.providers.allow_list import AllowList, PublicResolver, origin_of
from syncwell.providers.call_budget import CallBudget, CallGrant
from syncwell.providers.call_limits import CallLimits
from syncwell.providers.call_watch import CallWatch
from syncwell.providers.response import ERROR_BODY_BYTES_MAX, Response, read_bounded
from syncwell.providers.retry_after import retry_after_of
from syncwell.providers.settings import ProviderSettings

# A call may take this long in all; shorter where its job's deadline is nearer.
CALL_TIMEOUT = timedelta(seconds=30)
CONNECT_TIMEOUT = timedelta(seconds=5)
# Silence between two reads: a provider that sends one byte a second still meets CALL_TIMEOUT.
READ_TIMEOUT = timedelta(seconds=15)
# Two batches of ten jobs, one call each; more would only queue at the provider.
CONNECTIONS_MAX = 20
# Shorter than the idle time-outs of common servers, so that a pooled connection is rarely dead when it is used.
IDLE_CONNECTION_TIMEOUT = timedelta(seconds=4)
REDIRECTS_MAX = 3
REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})
# An upload's answer, a token, a page of 200 activities: all fit well.
BODY_BYTES_MAX = 8_000_000


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP call. Headers and form may hold secrets and do not print.

    `deadline_ms` is on the client's clock; None leaves only the client's own time-outs.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    params: Mapping[str, str] | None = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    upload: tuple[str, bytes] | None = field(default=None, repr=False)
    priority: Priority = Priority.HIGH
    deadline_ms: int | None = None
    body_bytes_max: int = BODY_BYTES_MAX


class MeteredClient:
    """Calls one provider for all connections of this process. Close it with `aclose`."""

    def __init__(
        self, settings: ProviderSettings, limits: CallLimits, clock: Clock, *, watch: CallWatch | None = None
    ) -> None:
        """Opens nothing: the first call does."""
        self.settings = settings
        self.budget = CallBudget(settings.provider, limits, clock)
        self._clock = clock
        self._watch = watch or CallWatch()
        self._allow_list = AllowList(settings)
        self._http: aiohttp.ClientSession | None = None
        self._first_call = asyncio.Lock()

    async def call(self, call: Call) -> Response:
        """Makes the call and returns its answer, any status but 429 and 5xx.

        Redirects of reads are followed on allowed hosts, each as a call of its own.

        Raises:
            ProviderThrottledError: no budget, or 429.
            ProviderUnavailableError: 5xx (`fields["status"]` says which), time-out, lost connection, deadline passed.
            ProviderInvalidAnswerError: too large, HTML as success, or led to a foreign host.
        """
        url = self._allow_list.check(call.url)
        headers, params = dict(call.headers), call.params
        for _ in range(REDIRECTS_MAX + 1):
            response = await self._call_once(call, url, headers, params)
            if response.status not in REDIRECT_STATUSES:
                return response
            target = self._redirect_target(call, url, response)
            if origin_of(target) != origin_of(url):
                headers.pop("Authorization", None)
            url, params = target, None
        raise self._invalid("the provider redirects in circles")

    async def aclose(self) -> None:
        """Closes every connection; the client opens new ones when it is used again."""
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def _call_once(
        self, call: Call, url: URL, headers: Mapping[str, str], params: Mapping[str, str] | None
    ) -> Response:
        """Makes one call; while nothing is known of what was spent before this process, one at a time."""
        if self.budget.is_blind and self.budget.counts(call.method, url.path):
            async with self._first_call:
                if self.budget.is_blind:
                    return await self._call_metered(call, url, headers, params)
        return await self._call_metered(call, url, headers, params)

    async def _call_metered(
        self, call: Call, url: URL, headers: Mapping[str, str], params: Mapping[str, str] | None
    ) -> Response:
        return await self._watch.around(
            self.settings.provider, call.method, url.path, lambda: self._call_budgeted(call, url, headers, params)
        )

    async def _call_budgeted(
        self, call: Call, url: URL, headers: Mapping[str, str], params: Mapping[str, str] | None
    ) -> Response:
        timeout = self._timeout(call)
        grant = self.budget.take(call.method, url.path, call.priority)
        try:
            async with self._session().request(
                call.method,
                url,
                headers=headers,
                params=params,
                data=body_of(call),
                allow_redirects=False,
                timeout=timeout,
            ) as answer:
                return await self._judged(call, answer, grant)
        except (aiohttp.ClientError, TimeoutError, OSError) as exc:
            # The cause's text may quote the URL with its query; its class says enough.
            raise self._unavailable(f"the call was lost ({type(exc).__name__})") from None
        finally:
            self.budget.finish(grant)

    async def _judged(self, call: Call, answer: aiohttp.ClientResponse, grant: CallGrant) -> Response:
        headers = {name.lower(): value for name, value in answer.headers.items()}
        status = answer.status
        if status == 429:
            wait = self.budget.refused(headers, grant)
            asked = retry_after_of(headers.get("retry-after", ""), now=self._clock.now())
            raise ProviderThrottledError(
                "the provider asked to slow down",
                retry_after=max(wait, asked),
                provider=self.settings.provider,
                status=str(status),
            )
        self.budget.observe(headers, grant)
        if status >= 500:
            raise self._unavailable(f"the provider answered HTTP {status}", status=str(status))
        bytes_max = call.body_bytes_max if status < 300 else min(call.body_bytes_max, ERROR_BODY_BYTES_MAX)
        body = await read_bounded(answer, body_bytes_max=bytes_max, provider=self.settings.provider)
        if status < 300 and body and answer.content_type in ("text/html", "application/xhtml+xml"):
            raise self._invalid("the provider answered a web page in place of data")
        return Response(status=status, headers=headers, body=body)

    def _redirect_target(self, call: Call, url: URL, response: Response) -> URL:
        if call.method != "GET":
            raise self._invalid("the provider redirected a call that is no read")
        try:
            target = url.join(URL(response.headers.get("location", "")))
        except ValueError:
            raise self._invalid("the provider redirected to an address that is no URL") from None
        return self._allow_list.check(target)

    def _timeout(self, call: Call) -> aiohttp.ClientTimeout:
        total = CALL_TIMEOUT.total_seconds()
        if call.deadline_ms is not None:
            total = min(total, (call.deadline_ms - self._clock.now_ms()) / 1000)
        if total <= 0:
            raise self._unavailable("the deadline passed before the call began")
        return aiohttp.ClientTimeout(
            total=total, connect=CONNECT_TIMEOUT.total_seconds(), sock_read=READ_TIMEOUT.total_seconds()
        )

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            resolver = None if self.settings.allows_private_addresses else PublicResolver()
            connector = aiohttp.TCPConnector(
                limit=CONNECTIONS_MAX,
                limit_per_host=CONNECTIONS_MAX,
                resolver=resolver,
                keepalive_timeout=IDLE_CONNECTION_TIMEOUT.total_seconds(),
            )
            self._http = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                headers={"User-Agent": "SyncWell", "Accept-Encoding": "gzip"},
            )
            # aiohttp repeats reads on a dead pooled connection by itself: a call that no budget granted.
            self._http._retry_connection = False
        return self._http

    def _unavailable(self, message: str, **fields: str) -> ProviderUnavailableError:
        return ProviderUnavailableError(message, provider=self.settings.provider, **fields)

    def _invalid(self, message: str) -> ProviderInvalidAnswerError:
        return ProviderInvalidAnswerError(message, provider=self.settings.provider)


def body_of(call: Call) -> aiohttp.FormData | Mapping[str, str] | None:
    """Returns the request body: multipart with a file, a form, or nothing."""
    if call.upload is None:
        return call.form
    name, content = call.upload
    data = aiohttp.FormData()
    for key, value in (call.form or {}).items():
        data.add_field(key, value)
    data.add_field("file", content, filename=name, content_type="application/octet-stream")
    return data
