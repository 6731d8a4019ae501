"""HOW. One module a stage, pure: what comes in are DataFrames and declarations, what goes out is a value."""
