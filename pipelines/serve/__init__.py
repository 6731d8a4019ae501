"""Scoring for others: what MLflow, REST and streams load to predict with a registered model."""
