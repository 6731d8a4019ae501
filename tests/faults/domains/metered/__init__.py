"""Meters and thermometers: a domain whose every table, those of history and quarantine too, two deliveries reach."""
