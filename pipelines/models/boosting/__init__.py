"""What training boosted trees is made of; XGBoost is imported here and not by the families' own modules."""
