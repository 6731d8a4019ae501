"""Raw orders made up by a seed: clean rows, rows that say more about a key, and rows that must be set apart."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

COLUMNS = ("order_id", "ordered_at", "revised_at", "customer_id", "region", "quantity", "price_usd", "note")
DIRTY, REPEATED = 0.01, 0.01
_FIRST = np.datetime64("2024-01-01T00:00:00", "s")
_DAYS = 90
_REGIONS = np.array(["north", "east", "south", "west", "islands"])
_NOTES = np.array(["", "gift", "leave it at the door", '"fragile, glass"', "ring twice"])


@dataclass(frozen=True)
class Orders:
    """Raw orders in columns of text, in the order in which they are written."""

    columns: dict[str, np.ndarray]
    damaged: np.ndarray  # rows to which one field too many is written

    def write(self, folder: Path, name: str, files: int) -> None:
        """Write them as so many CSV files `<name>-<n>.csv`, each with a header."""
        folder.mkdir(parents=True, exist_ok=True)
        end = np.where(self.damaged, ",torn", "")
        frame = pl.DataFrame({column: self.columns[column] for column in COLUMNS} | {"end": end})
        lines = frame.select(
            pl.concat_str([pl.col(column).cast(pl.String) for column in COLUMNS], separator=",") + pl.col("end")
        ).to_series()
        for number, part in enumerate(np.array_split(np.arange(len(lines)), files)):
            text = "\n".join([",".join(COLUMNS), *lines[int(part[0]) : int(part[-1]) + 1].to_list()])
            (folder / f"{name}-{number}.csv").write_text(text + "\n")


def orders(first: int, count: int, seed: int, *, dirty: float = DIRTY, repeated: float = REPEATED) -> Orders:
    """`count` rows about the keys from `first` on, in the order in which the orders were made, as a shop writes them.

    repeated: so many of them are said again near the end, revised. dirty: so many are to be set apart: text where a
    number must be, an empty key, a quantity of 5,000, a field too many.
    """
    draw = np.random.default_rng(seed)
    again = round(count * repeated)
    keys = first + np.arange(count - again)
    keys = np.concatenate([keys, draw.choice(keys, again, replace=False)]) if again else keys
    ordered_at = ordered_at_of(keys, first, count)
    revised_at = ordered_at + np.where(np.arange(count) < count - again, 0, 86_400).astype("timedelta64[s]")
    return _rows(keys, ordered_at, revised_at, draw, dirty)


def revisions(keys: np.ndarray, first: int, count: int, seed: int) -> Orders:
    """A newer statement about each of these keys, all clean; first, count: of the orders that they belong to."""
    ordered_at = ordered_at_of(keys, first, count)
    revised_at = ordered_at + np.timedelta64(200 * 86_400, "s")
    return _rows(keys, ordered_at, revised_at, np.random.default_rng(seed), 0.0)


def ordered_at_of(keys: np.ndarray, first: int, count: int) -> np.ndarray:
    """When these orders were made: one after the other in 90 days."""
    return _FIRST + ((keys - first) * (_DAYS * 86_400) // count).astype("timedelta64[s]")


def _rows(
    keys: np.ndarray, ordered_at: np.ndarray, revised_at: np.ndarray, draw: np.random.Generator, dirty: float
) -> Orders:
    count = len(keys)
    columns = {
        "order_id": keys.astype(str).astype(object),
        "ordered_at": _text(ordered_at),
        "revised_at": _text(revised_at),
        "customer_id": np.char.add("c", draw.integers(1, 100_000, count).astype(str)).astype(object),
        "region": draw.choice(_REGIONS, count),
        "quantity": draw.integers(1, 1001, count).astype(str).astype(object),
        "price_usd": (draw.integers(0, 100_000, count) / 100).astype(str).astype(object),
        "note": draw.choice(_NOTES, count),
    }
    kind = np.where(draw.random(count) < dirty, draw.integers(0, 4, count), -1)
    columns["price_usd"][kind == 0] = "n/a"
    columns["order_id"][kind == 1] = ""
    columns["quantity"][kind == 2] = "5000"
    return Orders(columns, kind == 3)


def _text(instants: np.ndarray) -> np.ndarray:
    return np.char.replace(np.datetime_as_string(instants, unit="s"), "T", " ").astype(object)
