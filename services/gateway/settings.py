"""What the gateway can be told."""

from __future__ import annotations

from pydantic import Field

from syncwell.runtime.provider_settings import ProviderFileSettings

FIREBASE_KEYS = "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com"


class Settings(ProviderFileSettings):
    """Settings of the gateway. An identity provider is accepted when its project or issuer is set."""

    gateway_host: str = "127.0.0.1"
    gateway_port: int = Field(default=8080, ge=0, le=65_535)  # 0: any free one, told in the log
    app_url: str = ""  # where the callback page leads back to, such as myapp://connected; empty: no link
    public_url: str = ""  # how browsers reach the gateway; empty: http://host:port
    firebase_project: str = ""  # also the audience; its issuer is https://securetoken.google.com/<project>
    firebase_keys_url: str = FIREBASE_KEYS
    cognito_issuer: str = ""  # https://cognito-idp.<region>.amazonaws.com/<pool>
    cognito_client_id: str = ""  # the audience of its id tokens
    request_seconds: float = Field(default=10.0, gt=0, le=25)  # shorter than the lease of a running request (30 s)
    connections_max: int = Field(default=2_000, ge=1)  # sockets at once; beyond it the server answers 503 itself
    backlog: int = Field(default=2_048, ge=1)  # a burst of callers waits here instead of being refused
