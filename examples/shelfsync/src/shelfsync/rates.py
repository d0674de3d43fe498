"""Exchange rates: a public service, so no session and no token."""

from __future__ import annotations

from decimal import Decimal

import requests

from .errors import ShopUnavailable


def exchange_rate(base_url: str, source: str, target: str) -> Decimal:
    """How many `target` one `source` buys."""
    if source == target:
        return Decimal(1)
    try:
        response = requests.get(
            f"{base_url}/rates", params={"from": source, "to": target}, timeout=5
        )
        response.raise_for_status()
    except requests.RequestException as error:
        raise ShopUnavailable(f"no rate {source}/{target}") from error
    return Decimal(response.json()["rate"])
