"""What things cost, from `prices.toml`.

Invariant: a price is either the vendor's own for that model and region, or it is marked as assumed.
"""

from __future__ import annotations

import difflib
import functools
import importlib.resources
import tomllib
from dataclasses import replace
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from narration.errors import InputError, Problem
from narration.services.protocol import Price


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str
    regions: tuple[str, ...]
    usd: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    credits: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    per_characters: int = Field(default=0, ge=0)
    as_of: str
    source: str
    assumed: bool
    per_tokens: int = Field(default=0, ge=0)
    output_usd: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    per_seconds: int = Field(default=0, ge=0)


class _Credit(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    regions: tuple[str, ...]
    usd: float = Field(gt=0, allow_inf_nan=False)
    as_of: str
    source: str
    assumed: bool


class _Prices(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    currency: Literal["USD"]
    fallback_region: str
    fallback_exact: tuple[str, ...]
    credit: tuple[_Credit, ...]
    price: tuple[_Row, ...]


@functools.cache
def _prices() -> _Prices:
    text = importlib.resources.files(__package__).joinpath("prices.toml").read_text("utf-8")
    return _Prices.model_validate(tomllib.loads(text))


def price_of(model: str, region: str) -> Price:
    """The price of a model in a region, in US dollars.

    The sandbox is priced as the international region is, or where the model is not offered there as its own region, so
    that its proofs show what a book would cost. Any other region without a row is priced likewise, and marked as
    assumed.

    Raises:
        InputError: no price of that model is known, so nothing could be budgeted.
    """
    table = _prices()
    rows = {(name, row.model): row for row in table.price for name in row.regions}
    found = rows.get((region, model))
    if found is not None:
        return _price(found)
    elsewhere = rows.get((table.fallback_region, model)) or next((r for r in table.price if r.model == model), None)
    if elsewhere is None:
        names = sorted({row.model for row in table.price})
        nearest = difflib.get_close_matches(model, names, n=1, cutoff=0.4)
        raise InputError(
            Problem(
                what=f"No price is known for model {model}, so no cost could be planned or capped.",
                where="model of the profile",
                expected="one of " + ", ".join(names),
                hint=f"Did you mean {nearest[0]}?" if nearest else "",
            )
        )
    price = _price(elsewhere)
    return price if region in table.fallback_exact else replace(price, assumed=True)


def cost_usd(price: Price, count: int) -> float:
    """What so many billed characters cost, or so many pieces where the price is per piece."""
    return price.usd * count / (price.per_characters or 1)


def tokens_usd(price: Price, input_tokens: int, output_tokens: int) -> float:
    """What so many tokens cost, by a price for tokens."""
    return (price.usd * input_tokens + price.output_usd * output_tokens) / (price.per_tokens or 1)


def seconds_usd(price: Price, seconds: float) -> float:
    """What so many billed seconds of sound cost, by a price for seconds."""
    return price.usd * seconds / (price.per_seconds or 1)


def credits_usd(count: float, region: str) -> float:
    """What so many credits cost, in US dollars; where a region has no rate of its own, by the first one's."""
    return count * _credit(region).usd


def _credit(region: str) -> _Credit:
    rates = _prices().credit
    return next((rate for rate in rates if region in rate.regions), rates[0])


def _price(row: _Row) -> Price:
    if row.usd is not None:
        return Price(
            usd=row.usd,
            per_characters=row.per_characters,
            as_of=row.as_of,
            source=row.source,
            assumed=row.assumed,
            per_tokens=row.per_tokens,
            output_usd=row.output_usd,
            per_seconds=row.per_seconds,
        )
    rate = _credit(row.regions[0])
    return Price(
        usd=(row.credits or 0.0) * rate.usd,
        per_characters=row.per_characters,
        as_of=min(row.as_of, rate.as_of),
        source=f"{row.source}; a credit at {rate.usd:g} USD: {rate.source}",
        assumed=row.assumed or rate.assumed,
    )
