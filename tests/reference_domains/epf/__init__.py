"""Day-ahead electricity prices of two markets, each with two forecasts that are published before."""
