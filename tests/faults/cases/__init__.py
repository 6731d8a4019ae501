"""One module a fault of the matrix: FAULT, WHERE, QUICK and FULL (how much of it), `cases(place, number, seed)`."""
