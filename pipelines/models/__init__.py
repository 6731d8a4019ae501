"""The model families: one module each, found by being here. `base` is their contract."""
