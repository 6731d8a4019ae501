"""Each market's columns under one name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pipelines.contracts.records import Fields, Unparsed

OF_MARKET = {
    "NP": ("Price", "Grid load forecast", "Wind power forecast"),
    "PJM": ("Zonal COMED price", "System load forecast", "Zonal COMED load foecast"),
}
"""What stands in the header for the price and the two forecasts, without the blanks before it."""


def hours(records: Iterable[Fields]) -> Iterator[Sequence[Fields] | Unparsed]:
    """The hour with its market, told by the name of the price's column."""
    for record in records:
        told = {name.strip(): text for name, text in record.items()}
        markets = [market for market, (price, *_) in OF_MARKET.items() if price in told]
        if not markets:
            yield Unparsed("no column has the price of a market that is known")
            continue
        price, load, other = (told.get(name) for name in OF_MARKET[markets[0]])
        row = {"market": markets[0], "begins_at": told.get("Date"), "price": price, "load": load, "other": other}
        yield [row]
