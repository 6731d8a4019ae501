"""Records of any kind: one table in four formats, whose columns have every type that text can fail to be."""
