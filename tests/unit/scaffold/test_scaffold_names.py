"""Headers become names in snake_case, the unit last, and none is given twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.contracts.names import checked_name
from pipelines.scaffold.names import instant_named, named, snake


@pytest.mark.parametrize(
    ("field", "name", "unit"),
    [
        ("Temp [K]", "temp_k", "K"),
        ("Rotational speed [rpm]", "rotational_speed_rpm", "rpm"),
        ("Temperature (°C)", "temperature_c", "°C"),
        ("Humidity (%)", "humidity_pct", "%"),
        ("Flow [m³/s]", "flow_m3s", "m³/s"),
        ("PJME_MW", "pjme_mw", "MW"),
        ("Price [€]", "price_eur", "EUR"),
        ("toolWear", "tool_wear", ""),
        ("Amount (net)", "amount_net", ""),
        ("Machine_failure", "machine_failure", ""),
        ("2nd try", "column_2nd_try", ""),
        ("Größe", "groe", ""),
        ("available_at", "available_at_told", ""),
        ("???", "column", ""),
    ],
)
def test_a_field_becomes_a_name_and_a_unit(field, name, unit):
    assert named(field) == (name, unit)


def test_two_fields_of_one_name_get_two_names():
    assert named("Temp (K)", ["temp_k"])[0] == "temp_k_2"


@pytest.mark.parametrize(
    ("name", "end", "instant"),
    [
        ("datetime", "at", "measured_at"),
        ("order_date", "at", "order_at"),
        ("created_at", "at", "created_at"),
        ("ship_date", "on", "ship_on"),
        ("known_at", "at", "known_told_at"),
    ],
)
def test_an_instant_is_named_so_that_it_is_known_as_one(name, end, instant):
    assert instant_named(name, end) == instant


@given(st.text(max_size=30))
def test_any_header_becomes_a_name_that_a_declaration_takes(field):
    assert checked_name(snake(field), "column")
    assert checked_name(named(field)[0], "column")
