"""The raw files of the toy domain mill, and the conf by which its models are fitted in a test."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta

import numpy as np

PLACE = {"training": {"workers": 1, "engines": {"linear": "single", "xgboost": "auto"}}}
START, DAYS = datetime(2024, 1, 1, tzinfo=UTC), 40


def raw_files() -> dict[str, str]:
    """Forty days of two stations: a daily wave in flow with noise, hourly; the pond's level every two hours."""
    noise = np.random.default_rng(7).normal(0.0, 0.3, (2, 24 * DAYS))
    flows, levels = ["station_id,read_at,flow"], []
    for index, station in enumerate(("a", "b")):
        for hour in range(24 * DAYS):
            at = (START + timedelta(hours=hour)).isoformat()
            wave = 3.0 * math.sin(2 * math.pi * hour / 24)
            flows.append(f"{station},{at},{10.0 * (index + 1) + wave + noise[index, hour]:.4f}")
            if hour % 2 == 0:
                levels.append(
                    json.dumps(
                        {"station_id": station, "seen_at": at, "level_m": round(2 + (wave + noise[index, hour]) / 9, 4)}
                    )
                )
    works = ["day_starts_at,is_open,announced_at"]
    for day in range(DAYS + 2):
        works.append(f"{(START + timedelta(days=day)).isoformat()},{int(day % 7 < 5)},2023-12-01T00:00:00+00:00")
    return {
        "gauges/2024-02-10.csv": "\n".join(flows) + "\n",
        "ponds/2024-02-10.jsonl": "\n".join(levels) + "\n",
        "works/2023-12-01.csv": "\n".join(works) + "\n",
    }
