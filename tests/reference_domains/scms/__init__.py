"""Deliveries of medicines, as the supply chain system of a health programme wrote them down, twice."""
