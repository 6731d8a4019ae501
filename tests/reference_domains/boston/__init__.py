"""Boston's census tracts of 1970: what homes are worth there."""
