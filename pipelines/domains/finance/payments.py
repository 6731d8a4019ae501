"""A simulator of card payments and their frauds: nothing it makes is a real payment.

The method is that of the simulator in Le Borgne, Siblini, Lebichot, Bontempi: Reproducible Machine Learning for Credit
Card Fraud Detection - Practical Handbook (Université Libre de Bruxelles, 2022), chapter 3, written anew and changed
where noted. Customers and terminals lie on a plane of 100 × 100. A customer has a mean amount, a rate of payments a day
and pays at the terminals within reach of home. Three patterns make a payment a fraud:

1. its amount is above 220 USD: a check that any model must pass;
2. its terminal was compromised: some new ones every day, every payment there for 28 days;
3. its card was compromised: some new ones every day, a third of the payments for 14 days, at 5 times the amount.

Changed: everything is drawn from (seed, day), so that any day can be made by itself and a day is all that is held; what
was compromised before the first day is drawn too, so that fraud is as frequent on the first day as on the last; with
scale the plane becomes denser and people go less far, so that a customer's terminals stay as many.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

FIRST_DAY = date(2018, 4, 1)
DAYS = 183
PLANE = 100.0
CUSTOMERS, TERMINALS, REACH = 840, 1680, 5.0  # at scale 1
PAYMENTS_A_DAY = 4.0  # of the busiest customer; evenly spread below
MEAN_AMOUNTS_USD = (5.0, 100.0)
LIMIT_CENTS = 22_000
TERMINALS_A_DAY, TERMINAL_DAYS = 0.34, 28  # newly compromised, at scale 1; how long
CARDS_A_DAY, CARD_DAYS, CARD_SHARE, CARD_FACTOR = 0.5, 14, 1 / 3, 5

Integers = NDArray[np.int64]
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Day:
    """The payments of one day, in order of time; arrays of one length. second: of the day, UTC."""

    on: date
    second: Integers
    customer: Integers
    terminal: Integers
    amount_cents: Integers
    pattern: Integers
    """0: no fraud; else the pattern above that made it one."""


@dataclass(frozen=True)
class _World:
    """Who there is: payments a day and mean amount in USD of each customer, and where the customer pays: customer c at
    `terminals[first[c] : first[c + 1]]`."""

    rates: Numbers
    mean_amounts: Numbers
    first: Integers
    terminals: Integers
    terminal_count: int


def simulate(scale: float, seed: int) -> Iterator[Day]:
    """183 days of payments, one by one: about 300,000 payments at scale 1, in proportion at others; the same for the
    same scale and seed. Held at a time are the customers with their terminals and one day."""
    world = _world(scale, seed)
    for n in range(DAYS):
        yield _day(world, scale, seed, n)


def _world(scale: float, seed: int) -> _World:
    draw = np.random.default_rng((seed, 0))
    customers, terminals = max(1, round(CUSTOMERS * scale)), max(1, round(TERMINALS * scale))
    reach = REACH / max(1.0, scale) ** 0.5
    homes, places = draw.uniform(0, PLANE, (customers, 2)), draw.uniform(0, PLANE, (terminals, 2))
    places = places[np.argsort(places[:, 0])]  # west to east, so that only a strip has to be searched
    strips = np.searchsorted(places[:, 0], np.stack([homes[:, 0] - reach, homes[:, 0] + reach]))
    within = []
    for home, west, east in zip(homes, *strips, strict=True):
        strip = places[west:east]
        found = west + np.flatnonzero(((strip - home) ** 2).sum(axis=1) <= reach**2)
        # who has none within reach goes to the nearest
        within.append(found if found.size else np.array([((places - home) ** 2).sum(axis=1).argmin()]))
    return _World(
        rates=draw.uniform(0, PAYMENTS_A_DAY, customers),
        mean_amounts=draw.uniform(*MEAN_AMOUNTS_USD, customers),
        first=np.cumsum([0, *map(len, within)]),
        terminals=np.concatenate(within),
        terminal_count=terminals,
    )


def _day(world: _World, scale: float, seed: int, n: int) -> Day:
    draw = np.random.default_rng((seed, 1, n))
    customer = np.repeat(np.arange(len(world.rates)), draw.poisson(world.rates))
    count = len(customer)
    second = draw.normal(43_200, 20_000, count).astype(np.int64) % 86_400  # most around noon
    order = np.argsort(second, kind="stable")
    reached = world.first[customer + 1] - world.first[customer]
    terminal = world.terminals[world.first[customer] + (draw.random(count) * reached).astype(np.int64)]
    mean = world.mean_amounts[customer]
    amount = draw.normal(mean, mean / 2)
    amount = np.where(amount < 0, draw.uniform(0, 2 * mean), amount)
    cents = np.maximum(1, np.round(amount * 100)).astype(np.int64)
    pattern = np.where(cents > LIMIT_CENTS, 1, 0)
    terminals = _compromised(seed, 2, n, TERMINAL_DAYS, TERMINALS_A_DAY * scale, world.terminal_count)
    pattern = np.where((pattern == 0) & np.isin(terminal, terminals), 2, pattern)
    cards = _compromised(seed, 3, n, CARD_DAYS, CARDS_A_DAY * scale, len(world.rates))
    is_stolen = np.isin(customer, cards) & (draw.random(count) < CARD_SHARE)
    cents = np.where(is_stolen, cents * CARD_FACTOR, cents)
    pattern = np.where(is_stolen, 3, pattern)
    return Day(
        FIRST_DAY + timedelta(days=n), second[order], customer[order], terminal[order], cents[order], pattern[order]
    )


def _compromised(seed: int, kind: int, n: int, lasts: int, a_day: float, among: int) -> Integers:
    """What is compromised on day n: all that was drawn on it or on the days before that still last."""
    drawn = []
    for day in range(n - lasts + 1, n + 1):
        draw = np.random.default_rng((seed, kind, day + lasts))  # seeds are not negative; days before the first are
        drawn.append(draw.integers(among, size=draw.poisson(a_day)))
    return np.unique(np.concatenate(drawn))
