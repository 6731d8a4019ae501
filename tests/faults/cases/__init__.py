"""One module a fault of the matrix: FAULT, WHERE, QUICK and FULL (numbers of cases), `cases(site, number, seed)`."""
