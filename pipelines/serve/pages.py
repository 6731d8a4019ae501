"""What a notebook shows: figures as pictures, tables as people read them, words; and pages made of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from html import escape
from io import BytesIO
from numbers import Number
from typing import Any

import pandas as pd
from IPython.display import HTML, Image, Markdown, display
from matplotlib.figure import Figure

LONGEST_TEXT = 120


def show(figure: Figure) -> None:
    """Put the figure on the page as a picture."""
    picture = BytesIO()
    figure.savefig(picture, format="png", dpi=150)
    display(Image(picture.getvalue(), format="png", width=int(100 * figure.get_figwidth())))


def say(text: str) -> None:
    """Put Markdown on the page."""
    display(Markdown(text))


def show_table(rows: Iterable[Mapping[str, Any]], *, marked: Callable[[Mapping[str, Any]], bool] | None = None) -> None:
    """Put a table on the page, a mapping a line, with the keys of the first as its head; lines that are `marked` stand
    out."""
    lines = list(rows)
    if not lines:
        return
    head = "".join(f'<th class="{_kind(value)}">{escape(name)}</th>' for name, value in lines[0].items())
    body = "".join(
        f"<tr{' class=marked' if marked and marked(line) else ''}>{''.join(map(_cell, line.values()))}</tr>"
        for line in lines
    )
    display(HTML(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"))


def _cell(value: Any) -> str:
    return f'<td class="{_kind(value)}">{escape(readable(value))}</td>'


def _kind(value: Any) -> str:
    """How a cell is set: numbers to the right, and neither they nor instants over two lines."""
    if isinstance(value, bool | str):
        return "text"
    return "number" if isinstance(value, Number) else "instant" if isinstance(value, date) else "text"


def readable(value: Any) -> str:
    """A value as a person reads it: "" for none, thousands apart, four digits that count, instants in UTC."""
    if value is None or (not isinstance(value, list | str) and pd.isna(value)):
        return ""
    if isinstance(value, list):
        return readable(", ".join(readable(one) for one in value))
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d}" if value.time() == datetime.min.time() else f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, bool | str | date):
        text = str(value)
        return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…"
    if float(value).is_integer() or abs(value) >= 10_000:
        return f"{value:,.0f}"
    return f"{value:,.4g}"
