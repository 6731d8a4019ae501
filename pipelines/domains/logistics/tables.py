"""What is held of logistics: legs as planned and as they turned out, weather, airports, planes, carriers."""

from pipelines.contracts.expectations import quarantine, warn
from pipelines.contracts.tables import Column, Table

SCHEDULE = Table(
    "schedule",
    source="legs",
    key=("leg_id",),
    event_time="scheduled_departure_at",
    available_at="scheduled_departure_at - interval 30 days",
    columns=(
        Column("leg_id", "string", doc="scheduled departure, carrier, flight number and origin"),
        Column("scheduled_departure_at", "timestamp"),
        Column("carrier_id", "string", field="carrier"),
        Column(
            "plane_id",
            "string",
            field="tailnum",
            nullable=True,
            doc="the plane that flew, taken as planned; only cancelled legs have none, so that it is missing tells the "
            "outcome and is no feature",
        ),
        Column("origin_id", "string", field="origin"),
        Column("destination_id", "string", field="dest"),
        Column("distance_mi", "double", field="distance", unit="mi"),
        Column(
            "departure_hour", "int", field="sched_dep_time", convert="int(value / 100)", doc="by the origin's clock"
        ),
        Column("arrival_hour", "int", field="sched_arr_time", convert="int(value / 100)", doc="by the destination's"),
    ),
    expect=(
        quarantine("carrier_is_a_code", "carrier_id rlike '^[A-Z0-9]{2}$'"),
        quarantine("origin_is_served", "origin_id in ('EWR', 'JFK', 'LGA')"),
        quarantine("destination_is_a_code", "destination_id rlike '^[A-Z]{3}$'"),
        quarantine("leg_goes_elsewhere", "origin_id <> destination_id"),
        quarantine("distance_is_flyable", "distance_mi between 10 and 6000"),
        quarantine("hours_are_of_a_day", "departure_hour between 0 and 23 and arrival_hour between 0 and 23"),
    ),
    doc="Legs as planned. The source does not say when a plan was made: 30 days ahead is an assumption.",
)

# What has to be added to departure and time in the air until the arrival is surely known: taxiing on both sides. Of the
# 319,809 legs that arrived where the local time is known, 99.57 % had arrived after 105 minutes (95 % after 58).
ARRIVALS = Table(
    "arrivals",
    source="legs",
    key=("leg_id",),
    event_time="scheduled_departure_at",
    available_at=(
        "coalesce("
        "scheduled_departure_at + (departure_delay_min + air_time_min + 105) * interval 1 minute, "
        "scheduled_departure_at + interval 24 hours)"
    ),
    columns=(
        Column("leg_id", "string"),
        Column("scheduled_departure_at", "timestamp"),
        Column("carrier_id", "string", field="carrier"),
        Column("origin_id", "string", field="origin"),
        Column("destination_id", "string", field="dest"),
        Column(
            "delay_min",
            "double",
            field="arr_delay",
            unit="min",
            nullable=True,
            doc="of the arrival; none: it did not arrive there",
        ),
        Column("departure_delay_min", "double", field="dep_delay", unit="min", nullable=True),
        Column("air_time_min", "double", field="air_time", unit="min", nullable=True),
        Column(
            "is_late",
            "double",
            field="arr_delay",
            convert="double(value >= 30)",
            nullable=True,
            doc="1 if it arrived 30 minutes late or more, 0 if not; null if it did not arrive",
        ),
        Column(
            "is_cancelled",
            "double",
            field="dep_delay",
            convert="double(value is null)",
            doc="1 if it never departed; a leg that departed and has no arrival was diverted",
        ),
    ),
    expect=(
        quarantine("delay_is_plausible", "delay_min between -120 and 2880"),
        quarantine("departure_delay_is_plausible", "departure_delay_min between -60 and 2880"),
        quarantine("air_time_is_plausible", "air_time_min between 10 and 1200"),
        quarantine("what_arrived_has_departed", "delay_min is null or departure_delay_min is not null"),
        quarantine("what_arrived_has_flown", "(delay_min is null) = (air_time_min is null)"),
    ),
    doc="Legs as they turned out, cancelled and diverted ones included. An arrival counts as known 105 minutes after "
    "departure and time in the air, in UTC (99.57 % had arrived by then); that there is none, 24 hours after schedule.",
)

WEATHER = Table(
    "weather",
    source="weather",
    key=("origin_id", "observed_at"),
    event_time="observed_at",
    available_at="observed_at + interval 10 minutes",
    columns=(
        Column("origin_id", "string", field="origin"),
        Column("observed_at", "timestamp"),
        Column("temp_c", "double", field="temp", convert="(value - 32) / 1.8", unit="°C", nullable=True),
        Column("dew_point_c", "double", field="dewp", convert="(value - 32) / 1.8", unit="°C", nullable=True),
        Column("humidity_pct", "double", field="humid", unit="%", nullable=True),
        Column("wind_direction_deg", "double", field="wind_dir", unit="°", nullable=True, doc="where it comes from"),
        Column("wind_speed_kmh", "double", field="wind_speed", convert="value * 1.609344", unit="km/h", nullable=True),
        Column("gust_speed_kmh", "double", field="wind_gust", convert="value * 1.609344", unit="km/h", nullable=True),
        Column("precip_mm", "double", field="precip", convert="value * 25.4", unit="mm", doc="in the hour"),
        Column("pressure_hpa", "double", field="pressure", unit="hPa", nullable=True, doc="at sea level"),
        Column("visib_km", "double", field="visib", convert="value * 1.609344", unit="km"),
    ),
    expect=(
        quarantine("origin_is_served", "origin_id in ('EWR', 'JFK', 'LGA')"),
        quarantine("temperature_is_terrestrial", "temp_c between -60 and 60"),
        quarantine("humidity_is_a_share", "humidity_pct between 0 and 100"),
        quarantine("wind_has_a_direction", "wind_direction_deg between 0 and 360"),
        quarantine("wind_is_terrestrial", "wind_speed_kmh between 0 and 410"),  # the record: 408 km/h, Barrow Island
        quarantine("gusts_are_terrestrial", "gust_speed_kmh between 0 and 410"),
        quarantine("rain_is_terrestrial", "precip_mm between 0 and 310"),
        quarantine("pressure_is_terrestrial", "pressure_hpa between 870 and 1085"),
        warn("hour_is_whole", "unix_timestamp(observed_at) % 3600 = 0"),
    ),
    doc="Hourly weather at the origins. Said in the hour's name; that it is told ten minutes later is an assumption.",
)

AIRPORTS = Table(
    "airports",
    source="airports",
    key=("airport_id",),
    columns=(
        Column("airport_id", "string", field="faa", doc="the FAA's code"),
        Column("name", "string"),
        Column("latitude_deg", "double", field="lat", unit="°"),
        Column("longitude_deg", "double", field="lon", unit="°"),
        Column("altitude_ft", "double", field="alt", unit="ft"),
        Column("time_zone", "string", field="tzone", nullable=True, doc="IANA name; three small airfields have none"),
    ),
    expect=(
        quarantine("place_is_on_earth", "latitude_deg between -90 and 90 and longitude_deg between -180 and 180"),
        quarantine("altitude_is_landable", "altitude_ft between -1500 and 15000"),
    ),
    doc="Airports of the United States. Four that are flown to (7,602 legs, Caribbean) are not among them.",
)

PLANES = Table(
    "planes",
    source="planes",
    key=("plane_id",),
    columns=(
        Column("plane_id", "string", field="tailnum"),
        Column("built_in_year", "int", field="year", nullable=True),
        Column("manufacturer", "string"),
        Column("model", "string"),
        Column("engines", "int", doc="how many"),
        Column("engine_type", "string", field="engine"),
        Column("seats", "int"),
    ),
    expect=(
        quarantine("plane_is_of_the_age_of_flight", "built_in_year between 1903 and 2013"),
        quarantine("plane_has_engines", "engines between 1 and 8"),
        quarantine("plane_has_seats", "seats between 1 and 900"),
    ),
    doc="Registered planes. 52,606 legs have no record here: no tail number, or one that the register lacks.",
)

CARRIERS = Table(
    "carriers",
    source="carriers",
    key=("carrier_id",),
    columns=(Column("carrier_id", "string", field="carrier"), Column("name", "string")),
    expect=(quarantine("carrier_is_a_code", "carrier_id rlike '^[A-Z0-9]{2}$'"),),
    doc="Carriers by their code of two characters.",
)
