"""A domain of the faults: a spring whose flow is learnt and forecast."""
