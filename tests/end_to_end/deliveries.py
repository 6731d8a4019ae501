"""Small deliveries to energy, written by hand: corrections, repeats, late, older, withdrawn and broken records."""

from __future__ import annotations

CSV = "region_id,interval_start,demand_gw,revision,revised_at,status\n"
FIRST_READINGS = (
    CSV
    + """\
VIC,2014-02-10T00:00:00+10:00,4.5,0,,final
VIC,2014-02-10T00:30:00+10:00,4.6,0,,final
VIC,2014-02-10T01:00:00+10:00,4.7,0,,final
VIC,2014-02-10T01:30:00+10:00,4.8,0,,final
VIC,2014-02-10T00:00:00+10:00,4.5,0,,final
VIC,2014-02-10T02:00:00+10:00,n/a,0,,final
VIC,2014-02-10T02:00:00+10:00
VIC,2014-02-10T02:30:00+10:00,4.9,0,,final
VIC,2014-02-10T02:30:00+10:00,4.95,1,2014-02-10T09:00:00+10:00,final
"""
)
FIRST = {
    "calendar/2013-12-01.csv": """\
region_id,day_starts_at,is_workday,published_at
VIC,2014-02-10T00:00:00+10:00,1,2013-12-01T00:00:00+10:00
VIC,2014-02-11T00:00:00+10:00,1,2013-12-01T00:00:00+10:00
""",
    "meter_readings/2014-02-11.csv": FIRST_READINGS,
    "weather/2014-02-11.jsonl": """\
{"region_id": "VIC", "observed_at": "2014-02-10T00:00:00+10:00", "temp_c": 21.0}
{"region_id": "VIC", "observed_at": "2014-02-10T00:30:00+10:00", "temp_c": 20.5}
{"region_id": "VIC", "observed_at": "2014-02-10T01:00:00+10:00", "temp_c": 20.
{"region_id": "VIC", "observed_at": "2014-02-10T01:30:00+10:00", "temp_c": null}
""",
}
CORRECTED = {
    "meter_readings/2014-02-12.csv": CSV
    + """\
VIC,2014-02-10T00:00:00+10:00,4.5,0,,final
VIC,2014-02-10T00:30:00+10:00,4.66,1,2014-02-11T09:00:00+10:00,final
VIC,2014-02-10T01:00:00+10:00,,1,2014-02-11T09:00:00+10:00,withdrawn
VIC,2014-02-10T02:30:00+10:00,4.9,0,,final
VIC,2014-02-10T03:00:00+10:00,5.0,0,,final
""",
    "meter_readings/2014-02-12-more.csv": "",
    "weather/2014-02-12.jsonl": """\
{"region_id": "VIC", "observed_at": "2014-02-10T00:30:00+10:00", "temp_c": 20.5}
{"region_id": "VIC", "observed_at": "2014-02-10T01:00:00+10:00", "temp_c": 19.5}
{"region_id": "VIC", "observed_at": "2014-02-10T01:00:00+10:00", "temp_c": 19.5}
{"region_id": "VIC", "observed_at": "2014-02-10T00:00:00+10:00", "temp_c": 22.0}
""",
}
RECREATED = {
    "meter_readings/2014-02-13.csv": CSV
    + """\
VIC,2014-02-10T01:00:00+10:00,4.75,2,2014-02-12T09:00:00+10:00,final
VIC,2014-02-10T00:30:00+10:00,4.6,0,,final
VIC,2014-02-09T23:30:00+10:00,4.4,0,,final
VIC,2014-02-10T03:00:00+10:00,5.0,0,,final
VIC,2014-02-10T03:00:00+10:00,5.0,0,,final
VIC,2014-02-10T03:30:00+10:00,25.0,0,,final
VIC,2014-02-10T01:30:00+10:00,,1,2014-02-12T09:00:00+10:00,withdrawn
""",
    "weather/2014-02-13.jsonl": """\
{"region_id": "VIC", "observed_at": "2014-02-10T01:30:00+10:00", "temp_c": 19.0}
""",
}
OLD_AND_ODD = {
    "meter_readings/2014-02-14.csv": """\
region,start,gw,revision,revised_at,status
VIC,2014-02-10T04:00:00+10:00,5.1,0,,final
VIC,2014-02-10T04:30:00+10:00,5.2,0,,final
""",
    "meter_readings/2014-02-11-copy.csv": FIRST_READINGS,
    "weather/2014-02-10.jsonl": """\
{"region_id": "VIC", "observed_at": "2014-02-10T00:00:00+10:00", "temp_c": 18.0}
{"region_id": "VIC", "observed_at": "2014-02-10T00:30:00+10:00", "temp_c": 20.5}
""",
}
DELIVERIES = {"first": FIRST, "corrected": CORRECTED, "recreated": RECREATED, "old and odd": OLD_AND_ODD}


def readings_of(files: dict[str, str]) -> dict[str, str]:
    """What a delivery brings of the meter readings alone."""
    return {name: text for name, text in files.items() if name.startswith("meter_readings/")}
