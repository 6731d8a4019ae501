"""How good the models are, measured on reference data against published figures and goals."""
