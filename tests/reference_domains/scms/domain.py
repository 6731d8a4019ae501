"""The declaration of the deliveries: two exports of one system, alike in all but their punctuation and two dates.

In the comma export, 4,860 dates of two columns were turned from `12/1/06` (month, day, year) into `2012-01-06` by
something that read year, month, day; only days after the 12th stayed as they were. `'20'MM-dd-yy` reads them back: the
tab export has the untouched text, and by it no vendor gets an order after the delivery was due for the dates turned.
"""

from __future__ import annotations

from pipelines.contracts.domain import Domain
from pipelines.contracts.expectations import quarantine
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table

NUMBER = r"[0-9]+(\.[0-9]+)?"
DAY = r"[0-9]{1,4}[/-][0-9]{1,2}[/-][0-9]{1,2}"
NO_DAY = "Pre-PQ Process|Date Not Captured|N/A - From RDC"
SENT, DONE = ("M/d/yy", "'20'MM-dd-yy"), "d-MMM-yy"
ELSEWHERE = r"See (DN|ASN)-[0-9]+ \(ID#:[0-9]+\)"


def _sent(name: str, field: str) -> tuple[Column, Column]:
    """A day, and the words that stand in its place."""
    return (
        Column(f"{name}_on", "date", field=field, pattern=SENT, null_text=NO_DAY, nullable=True),
        Column(f"{name}_note", "string", field=field, null_text=DAY, nullable=True, doc="why there is no day"),
    )


def _measured(name: str, note: str, type: str, unit: str, field: str, elsewhere: str) -> tuple[Column, Column]:
    """A number, and the words that stand in its place."""
    return (
        Column(name, type, field=field, unit=unit, null_text=f"{ELSEWHERE}|{elsewhere}", nullable=True),
        Column(note, "string", field=field, null_text=NUMBER, nullable=True, doc="why there is no number"),
    )


COLUMNS = (
    Column("line_id", "string", field="ID"),
    Column("project_code", "string", field="Project Code"),
    Column("quote_number", "string", field="PQ #", doc="'Pre-PQ Process' where there was no quote"),
    Column("order_number", "string", field="PO / SO #"),
    Column("notice_number", "string", field="ASN/DN #"),
    Column("country", "string", field="Country"),
    Column("managed_by", "string", field="Managed By"),
    Column("fulfilled_via", "string", field="Fulfill Via"),
    Column("vendor_terms", "string", field="Vendor INCO Term", doc="'N/A - From RDC' where it came from stock"),
    Column("shipment_mode", "string", field="Shipment Mode", null_text="N/A", nullable=True),
    *_sent("quote_sent", "PQ First Sent to Client Date"),
    *_sent("order_sent", "PO Sent to Vendor Date"),
    Column("scheduled_on", "date", field="Scheduled Delivery Date", pattern=DONE),
    Column("delivered_on", "date", field="Delivered to Client Date", pattern=DONE),
    Column("recorded_on", "date", field="Delivery Recorded Date", pattern=DONE),
    Column("product_group", "string", field="Product Group"),
    Column("sub_classification", "string", field="Sub Classification"),
    Column("vendor", "string", field="Vendor"),
    Column("item", "string", field="Item Description"),
    Column("molecule", "string", field="Molecule/Test Type"),
    Column("brand", "string", field="Brand"),
    Column("dosage", "string", field="Dosage", null_text="N/A", nullable=True),
    Column("dosage_form", "string", field="Dosage Form"),
    Column("units_per_pack", "int", field="Unit of Measure (Per Pack)"),
    Column("packs", "int", field="Line Item Quantity"),
    Column("line_value_usd", "decimal(12,2)", field="Line Item Value", unit="USD"),
    Column("pack_price_usd", "decimal(12,2)", field="Pack Price", unit="USD"),
    Column("unit_price_usd", "decimal(12,2)", field="Unit Price", unit="USD"),
    Column("manufacturing_site", "string", field="Manufacturing Site"),
    Column("is_first_line", "boolean", field="First Line Designation", doc="a medicine of first choice"),
    *_measured("weight_kg", "weight_note", "int", "kg", "Weight (Kilograms)", "Weight Captured Separately"),
    *_measured(
        "freight_usd",
        "freight_note",
        "decimal(12,2)",
        "USD",
        "Freight Cost (USD)",
        "Freight Included in Commodity Cost|Invoiced Separately",
    ),
    Column("insurance_usd", "decimal(12,2)", field="Line Item Insurance (USD)", unit="USD", nullable=True),
)


def _lines(name: str, source: str) -> Table:
    return Table(
        name,
        source=source,
        key=("line_id",),
        event_time="delivered_on",
        available_at="cast(date_add(recorded_on, 1) as timestamp)",
        columns=COLUMNS,
        expect=(
            quarantine("weight_is_given_or_explained", "weight_kg is not null or weight_note is not null"),
            quarantine("freight_is_given_or_explained", "freight_usd is not null or freight_note is not null"),
            quarantine("something_is_delivered", "packs > 0 and units_per_pack > 0"),
        ),
        doc="One row a line of a delivery.",
    )


DOMAIN = Domain(
    name="scms",
    owner="supply-chain",
    question="Which deliveries of medicines will be late?",
    sources=(
        Source("comma", format="csv", doc="UTF-8 with a byte order mark"),
        Source("tab", format="csv", delimiter="\t", doc="lines end with a carriage return alone"),
    ),
    tables=(_lines("lines_by_comma", "comma"), _lines("lines_by_tab", "tab")),
)
