"""Hourly load and temperatures of a forecasting competition, delivered month by month."""
