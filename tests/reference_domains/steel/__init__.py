"""A small steel works in South Korea, 2018: the energy that it uses in a quarter of an hour."""
