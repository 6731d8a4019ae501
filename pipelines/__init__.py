"""Headrace: raw records come in at the top, decisions come out at the wheel."""

__version__ = "0.1.0"
