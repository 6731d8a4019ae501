"""The protocol's model holds, and every one of its rules is needed."""

from __future__ import annotations

import pytest
from ledger_protocol import RULES, violation


def test_no_history_breaks_what_readers_see() -> None:
    assert [found for seed in range(2000) if (found := violation(seed))] == []


@pytest.mark.parametrize("rule", RULES)
def test_without_any_one_rule_some_history_breaks_it(rule: str) -> None:
    assert any(violation(seed, without=rule) for seed in range(20_000))
