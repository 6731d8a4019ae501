"""Flights: which legs will arrive late, as far as can be known before they depart."""
