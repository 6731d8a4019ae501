"""Credit card accounts of a bank in Taiwan, 2005: which of them are not paid in the next month."""
