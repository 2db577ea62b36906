"""Uploads a file and polls until the end, as an application does."""

from __future__ import annotations

from typing import Any

import aiohttp

from tests.unit.sandbox.driver import Answer, Driver

POLLS_MAX = 10


async def post_upload(driver: Driver, content: bytes, data_type: str = "tcx", **fields: str) -> Answer:
    """Posts a file under the name `ride.<data_type>`."""
    form = aiohttp.FormData()
    form.add_field("file", content, filename=f"ride.{data_type}", content_type="application/octet-stream")
    for name, value in {"data_type": data_type, **fields}.items():
        form.add_field(name, value)
    return await driver.call("POST", "/api/v3/uploads", data=form)


async def upload(driver: Driver, content: bytes, data_type: str = "tcx", **fields: str) -> Any:  # Any: see Answer.json
    """Returns the last poll of an upload."""
    posted = (await post_upload(driver, content, data_type, **fields)).json
    for _ in range(POLLS_MAX):
        polled = (await driver.get(f"/api/v3/uploads/{posted['id']}")).json
        if polled["status"] != "Your activity is still being processed.":
            return polled
    raise AssertionError("the upload never ended")
