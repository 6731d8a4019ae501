from __future__ import annotations

import json
from datetime import timedelta

from pipelines.contracts.tasks import utc
from pipelines.domains import domain as domain_named
from pipelines.domains import policy
from pipelines.stages.act import messages
from tests.toy_domains.mill.decide import GRIND
from tests.toy_domains.mill.domain import DOMAIN

TASK = DOMAIN.tasks[0]


def decision(day: int, station: str, step: int, grind_m3s: float) -> dict:
    cut_at = utc(f"2024-02-{day:02}")
    return {
        "decision_id": f"{day}{station}{step}",
        "station_id": station,
        "cut_at": cut_at,
        "step": step,
        "target_at": cut_at + timedelta(hours=step - 1),
        "grind_m3s": grind_m3s,
        "model": "mill-flow_m3s",
        "model_version": 3,
        "task": "flow_m3s",
        "run_id": "r",
    }


DECISIONS = [decision(5, "a", 2, 1.23456), decision(4, "b", 1, 3.0), decision(5, "a", 1, 2.0), decision(4, "a", 1, 4.0)]


def test_there_is_one_message_a_cut_off_with_a_line_a_decision_in_order():
    made = messages(DOMAIN, TASK, GRIND, DECISIONS)
    assert [message.key for message in made] == ["mill/flow_m3s/2024-02-04T0000Z", "mill/flow_m3s/2024-02-05T0000Z"]
    lines = [json.loads(line) for message in made for line in message.text.splitlines()]
    assert [(line["station_id"], line["target_at"], line["grind_m3s"]) for line in lines] == [
        ("a", "2024-02-04T00:00:00Z", 4.0),
        ("b", "2024-02-04T00:00:00Z", 3.0),
        ("a", "2024-02-05T00:00:00Z", 2.0),
        ("a", "2024-02-05T01:00:00Z", 1.235),
    ]
    assert lines[0]["decision_id"] == "4a1"
    assert lines[0]["model"] == "mill-flow_m3s/3"


def test_messages_do_not_depend_on_the_order_of_the_rows():
    assert messages(DOMAIN, TASK, GRIND, DECISIONS[::-1]) == messages(DOMAIN, TASK, GRIND, DECISIONS)


def test_no_decision_is_no_message():
    assert messages(DOMAIN, TASK, GRIND, []) == []


def test_of_a_picking_only_those_that_were_picked_leave_in_one_message_a_day_and_attempt():
    finance = domain_named("finance")
    task = finance.task("is_fraud")
    at = {"P1": "10:15", "P2": "10:15:07", "P3": "10:15:07.5", "P4": "10:15:07", "P5": "10:16"}
    decisions = [
        {
            "decision_id": payment,
            "payment_id": payment,
            "cut_at": utc(f"2018-09-02 {moment}"),
            "step": 1,
            "target_at": utc(f"2018-09-02 {moment}"),
            "is_held": payment != "P5",
            "model": "finance-is_fraud",
            "model_version": 1,
            "_attempt": 8 if payment == "P3" else 7,
        }
        for payment, moment in at.items()
    ]
    made = messages(finance, task, policy(finance, "hold"), decisions)
    assert [message.key for message in made] == [
        "finance/is_fraud/2018-09-02/00000007",
        "finance/is_fraud/2018-09-02/00000008",
    ]
    lines = [[json.loads(line) for line in message.text.splitlines()] for message in made]
    assert [[line["payment_id"] for line in of] for of in lines] == [["P1", "P2", "P4"], ["P3"]]
    assert all(line["is_held"] is True for of in lines for line in of)
