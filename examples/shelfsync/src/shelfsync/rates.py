"""Exchange rates: a public service, so no session and no token."""

from __future__ import annotations

from decimal import Decimal

import requests

from .errors import ShopUnavailable


def load_rates(base_url: str, target: str) -> dict[str, Decimal]:
    """How many `target` one unit of each currency buys."""
    try:
        response = requests.get(f"{base_url}/rates", params={"to": target}, timeout=5)
        response.raise_for_status()
    except requests.RequestException as error:
        raise ShopUnavailable(f"no rates for {target}") from error
    rates = {currency: Decimal(rate) for currency, rate in response.json().items()}
    return {**rates, target: Decimal(1)}
