"""Hourly loads and oil temperature of a transformer, a benchmark of long-horizon forecasting."""
