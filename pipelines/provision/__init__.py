"""From a fresh clone to a working environment, with the standard library alone.

`python3 -m pipelines.provision` runs before anything is installed. Each step is keyed by what it depends on, so the
second set-up does nothing, and one that was interrupted goes on where it stopped.
"""
