"""The declaration of logistics: which legs will be late, judged two hours before they are to depart."""

from datetime import timedelta

from pipelines.contracts.calendar import Calendar
from pipelines.contracts.domain import Domain
from pipelines.contracts.features import AsOf, Category, FeatureView, Own, Rolling
from pipelines.contracts.sources import Source
from pipelines.contracts.tasks import ByTime, Classify, Estimate, Events, Promote, Span, utc
from pipelines.domains.logistics.tables import AIRPORTS, ARRIVALS, CARRIERS, PLANES, SCHEDULE, WEATHER

FOUR_WEEKS_H = 672.0
EVER = float("inf")
HOURS = tuple(str(hour) for hour in range(24))
CARRIER_IDS = ("9E", "AA", "AS", "B6", "DL", "EV", "F9", "FL", "HA", "MQ", "OO", "UA", "US", "VX", "WN", "YV")

VIEWS = (
    FeatureView(
        "plan",
        table="schedule",
        entity="leg_id",
        features=(
            Own("distance_mi"),
            Category("departure_hour", among=HOURS),
            Own("arrival_hour"),
            Category("carrier_id", among=CARRIER_IDS),
            Category("origin_id", among=("EWR", "JFK", "LGA")),
        ),
        doc="the leg as it is planned",
    ),
    FeatureView(
        "day",
        table="",
        features=(Calendar(("weekday", "year_cos", "year_sin"), time_zone="America/New_York"),),
        doc="the calendar when the question is asked",
    ),
    FeatureView(
        "plane",
        table="planes",
        entity="plane_id",
        features=(AsOf("seats", ttl_hours=EVER), AsOf("built_in_year", ttl_hours=EVER)),
        doc="the plane that is to fly, if the register has it",
    ),
    FeatureView(
        "route",
        table="arrivals",
        entity=("origin_id", "destination_id"),
        features=(Rolling("is_late", "mean", hours=FOUR_WEEKS_H), Rolling("is_late", "count", hours=FOUR_WEEKS_H)),
        doc="how often the route's legs of the last four weeks were late, of those that are known to have arrived",
    ),
    FeatureView(
        "weather_at_origin",
        table="weather",
        entity="origin_id",
        features=tuple(
            AsOf(column, ttl_hours=6)
            for column in (
                "temp_c",
                "dew_point_c",
                "humidity_pct",
                "wind_speed_kmh",
                "gust_speed_kmh",
                "precip_mm",
                "pressure_hpa",
                "visib_km",
            )
        ),
        doc="the latest observation",
    ),
)

LEGS = Events("schedule", entity="leg_id", lead=timedelta(hours=2))
# the longest delay of the year, a day, and the longest flight
KNOWN_AFTER = timedelta(hours=40)
SPLIT = ByTime(
    train=Span(utc("2013-01-15"), utc("2013-08-01")),
    validate=Span(utc("2013-08-03"), utc("2013-08-25")),
    calibrate=Span(utc("2013-08-27"), utc("2013-09-29")),
    test=Span(utc("2013-10-01"), utc("2014-01-01")),
    gap=KNOWN_AFTER,
)

IS_LATE = Classify(
    column="is_late",
    table="arrivals",
    spine=LEGS,
    label_known_after=KNOWN_AFTER,
    views=tuple(view.name for view in VIEWS),
    families=("constant", "logistic", "xgboost", "mlp"),
    split=SPLIT,
    promote=Promote(metric="log_loss", must_beat="constant", by=0.02),
    decide="protect",
    doc="Whether a leg will arrive 30 minutes late or more; legs that never arrive have no answer.",
)

DELAY = Estimate(
    column="delay_min",
    table="arrivals",
    unit="min",
    spine=LEGS,
    label_known_after=KNOWN_AFTER,
    quantiles=(0.1, 0.5, 0.75, 0.9),
    views=IS_LATE.views,
    families=("constant", "linear", "xgboost"),
    split=SPLIT,
    promote=Promote(metric="pinball", must_beat="constant", by=0.01),
    decide="plan_buffer",
    doc="How many minutes late a leg will arrive; negative is early.",
)

DOMAIN = Domain(
    name="logistics",
    owner="flight-operations",
    question="Which legs will arrive 30 minutes late or more, and where should spare time be put before they depart?",
    sources=(
        Source("legs", format="csv", doc="a file a month, one row a scheduled leg; NA is an empty field"),
        Source("weather", format="jsonl", doc="a file a month, one observation an hour and origin; °F, mph, inches"),
        Source("airports", format="csv", doc="the register as it was before the year"),
        Source("planes", format="csv", doc="the register as it was before the year"),
        Source("carriers", format="csv", doc="the list as it was before the year"),
    ),
    tables=(SCHEDULE, ARRIVALS, WEATHER, AIRPORTS, PLANES, CARRIERS),
    views=VIEWS,
    tasks=(IS_LATE, DELAY),
)
