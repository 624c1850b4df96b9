"""The small web of the fixtures, and settings that lead the ordinary client to it."""

from __future__ import annotations

from pathlib import Path

from archiver.model import FetchSettings
from archiver.pipeline.settings import Settings
from fixtures.web.serve import SmallWeb

POST = Path(__file__).resolve().parents[1] / "fixtures" / "posts" / "chair-exercises.md"


def settings_for(web: SmallWeb) -> Settings:
    told = web.describe()
    fetch = FetchSettings(
        connect_to=tuple(told["connect_to"]),
        ca_file=told["ca_file"],
        allow_addresses=("127.0.0.0/8",),
        backoff_base_s=0.05,
        retry_after_cap_s=0.2,
        total_timeout_s=20.0,
    )
    return Settings(fetch=fetch, operator="the tests")
