"""One module a case: DATA, the reference folder that it needs, and `figures(data, reference, quick)`."""
