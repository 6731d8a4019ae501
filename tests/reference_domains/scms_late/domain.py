"""The declaration of the lines as a question: asked the day before a line is due, from what was known by then.

The source does not say when a line was written down; it is taken as known that day. Whether others were late is known
from the day after their delivery was recorded.
"""

from __future__ import annotations

from datetime import timedelta

from pipelines.contracts.calendar import Calendar
from pipelines.contracts.domain import Domain
from pipelines.contracts.expectations import quarantine
from pipelines.contracts.features import Category, FeatureView, Own, Rolling, TargetMean
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table
from pipelines.contracts.tasks import ByTime, Classify, Events, Promote, Span, utc
from tests.reference_domains.scms.domain import COLUMNS, DONE

DAY = timedelta(days=1)
QUARTER_H, YEAR_H = 24.0 * 91, 24.0 * 365
SCHEDULED_AT = Column("scheduled_at", "timestamp", field="Scheduled Delivery Date", pattern=DONE)
_TURNS_OUT = ("delivered_on", "recorded_on", "scheduled_on")
WHOSE = ("vendor", "country", "project_code", "manufacturing_site")
NAMES = (*WHOSE, "item", "molecule", "brand", "dosage_form")

LINES = Table(
    "lines",
    source="lines",
    key=("line_id",),
    event_time="scheduled_at",
    available_at="scheduled_at - interval 1 day",
    columns=(SCHEDULED_AT, *[column for column in COLUMNS if column.name not in _TURNS_OUT]),
    computed=(
        Column("quote_lead_d", "double", unit="d", doc="from the quote to the day it is due"),
        Column("order_lead_d", "double", unit="d", doc="from the order to the day it is due"),
        Column("quote_kind", "string", doc="why there is no day of the quote, or 'given'"),
        Column("order_kind", "string", doc="why there is no day of the order, or 'given'"),
        Column("weight_kind", "string", doc="why there is no weight, or 'given' or 'elsewhere'"),
        Column("freight_kind", "string", doc="why there is no freight, or 'given' or 'elsewhere'"),
        Column("first_line", "double", doc="1 for a medicine of first choice"),
        *[Column(f"{of}_code", "double", doc=f"a number for the {of}") for of in NAMES],
    ),
    expect=(quarantine("something_is_delivered", "packs > 0 and units_per_pack > 0"),),
    doc="A line of a delivery, as it is scheduled.",
)
OUTCOMES = Table(
    "outcomes",
    source="lines",
    key=("line_id",),
    event_time="scheduled_at",  # not when it came: a line that came early would know its own outcome
    available_at="greatest(cast(date_add(recorded_on, 1) as timestamp), scheduled_at)",
    columns=(
        SCHEDULED_AT,
        *[column for column in COLUMNS if column.name in ("line_id", "recorded_on", *WHOSE)],
        Column("is_late", "double", doc="1 if it came after the scheduled day"),
    ),
    computed=tuple(Column(f"late_of_{of}", "double", doc="is_late, for the shares of this column") for of in WHOSE),
    expect=(quarantine("late_is_a_flag", "is_late in (0, 1)"),),
    doc="Whether a line came late.",
)
PLACES = {
    "managed_by": ("PMO - US", "South Africa Field Office"),
    "fulfilled_via": ("From RDC", "Direct Drop"),
    "vendor_terms": ("N/A - From RDC", "EXW", "DDP", "FCA", "CIP", "DDU", "DAP", "CIF"),
    "shipment_mode": ("Air", "Truck", "Air Charter", "Ocean"),
    "product_group": ("ARV", "HRDT", "ANTM", "ACT", "MRDT"),
    "sub_classification": ("Adult", "Pediatric", "HIV test", "HIV test - Ancillary", "Malaria", "ACT"),
    "quote_kind": ("given", "Pre-PQ Process", "Date Not Captured"),
    "order_kind": ("given", "N/A - From RDC", "Date Not Captured"),
    "weight_kind": ("given", "elsewhere", "Weight Captured Separately"),
    "freight_kind": ("given", "elsewhere", "Freight Included in Commodity Cost", "Invoiced Separately"),
}
NUMBERS = (
    *("quote_lead_d", "order_lead_d", "units_per_pack", "packs", "line_value_usd", "pack_price_usd", "unit_price_usd"),
    *("weight_kg", "freight_usd", "insurance_usd", "first_line"),
)
VIEWS = (
    FeatureView(
        "line",
        table="lines",
        entity="line_id",
        features=(
            *[Own(name) for name in NUMBERS],
            *[Category(name, among) for name, among in PLACES.items()],
            *[TargetMean(name, smoothing=20.0) for name in NAMES],
        ),
        doc="the line as it is scheduled",
    ),
    FeatureView(
        "codes",
        table="lines",
        entity="line_id",
        features=tuple(Own(f"{name}_code") for name in NAMES),
        doc="the line's names as numbers, which the reference configuration has",
    ),
    FeatureView("day", table="", features=(Calendar(("weekday", "year_cos", "year_sin")),), doc="the day before"),
    *[
        FeatureView(
            f"{of}_before",
            table="outcomes",
            entity=of,
            features=tuple(
                Rolling(f"late_of_{of}", op, hours=hours) for hours in (QUARTER_H, YEAR_H) for op in ("mean", "count")
            ),
            doc="how often such lines were late, of those that were due and are known to have come",
        )
        for of in WHOSE
    ],
)
DOMAIN = Domain(
    name="scms_late",
    owner="supply-chain",
    question="Which lines will be late?",
    sources=(Source("lines", format="csv", delimiter="\t", doc="lines end with a carriage return alone"),),
    tables=(LINES, OUTCOMES),
    views=VIEWS,
    tasks=(
        Classify(
            column="is_late",
            table="outcomes",
            spine=Events("lines", entity="line_id", lead=DAY),
            label_known_after=timedelta(days=90),
            views=tuple(view.name for view in VIEWS),
            families=("constant", "logistic", "random_forest", "xgboost"),
            split=ByTime(
                train=Span(utc("2006-01-01"), utc("2011-07-01")),
                validate=Span(utc("2011-10-01"), utc("2012-04-01")),
                calibrate=Span(utc("2012-07-01"), utc("2013-04-01")),
                test=Span(utc("2013-07-01"), utc("2016-01-01")),
                gap=timedelta(days=90),
            ),
            promote=Promote(metric="log_loss", must_beat="constant", by=0.05),
            decide="expedite",
            doc="Whether a line will be late.",
        ),
    ),
)
