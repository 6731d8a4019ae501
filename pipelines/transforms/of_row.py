"""What a row says itself: numbers, names as places in a list, texts as hashes, categories as flags, pictures."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.contracts.features import (
    WHOLE_IN_A_DOUBLE,
    Category,
    CategoryCount,
    Hashed,
    Image,
    OfRow,
    Own,
    TargetMean,
)


def of_row(rows: DataFrame, kept: Sequence[str], features: Sequence[OfRow]) -> DataFrame:
    """The columns `kept` and those of the features, each made of the row alone."""
    hashed = {f"_hashed {n}": feature for n, feature in enumerate(features) if isinstance(feature, Hashed)}
    others = [_value(feature).alias(feature.names()[0]) for feature in features if not isinstance(feature, Hashed)]
    # the buckets of a text are first one array, which Spark makes once, not once a column
    found = rows.select(*kept, *others, *[_buckets(feature).alias(name) for name, feature in hashed.items()])
    columns = {
        name: F.col(array)[bucket] for array, feature in hashed.items() for bucket, name in enumerate(feature.names())
    }
    return found.withColumns(columns).drop(*hashed)


def category_flags(feature: CategoryCount) -> dict[str, Column]:
    """1.0 where a fact has the value, else null; by the flags' names."""
    value = F.col(feature.column).cast("string")
    return {
        flag: F.when(value == listed, F.lit(1.0)) for flag, listed in zip(feature.flags(), feature.among, strict=True)
    }


def _value(feature: Own | Category | TargetMean | Image) -> Column:
    value = F.col(feature.column)
    match feature:
        case Image():
            return value
        case Own():
            return value.cast("double")
        case Category():
            among = F.array(*[F.lit(listed) for listed in feature.among])
            return F.coalesce(F.array_position(among, value.cast("string")), F.lit(0)).cast("double")
        case TargetMean():
            code = F.xxhash64(value.cast("string")).bitwiseAND(F.lit(WHOLE_IN_A_DOUBLE))
            return F.when(value.isNotNull(), code.cast("double"))


def _buckets(feature: Hashed) -> Column:
    """array<double> of `buckets`: the sum of the signs of the words that fall into each; null for no text."""
    text = F.col(feature.column).cast("string")
    words = F.split(text, "[ \\t\\r\\n]+") if feature.by == "words" else F.array(text)
    hashes = F.transform(F.filter(words, lambda word: word != ""), lambda word: F.xxhash64(word))
    empty = F.array_repeat(F.lit(0.0), feature.buckets)

    def added(buckets: Column, h: Column) -> Column:
        sign, place = F.when(h < 0, -1.0).otherwise(1.0), F.pmod(h, F.lit(feature.buckets))
        return F.transform(buckets, lambda so_far, bucket: so_far + F.when(bucket == place, sign).otherwise(0.0))

    return F.when(text.isNotNull(), F.aggregate(hashes, empty, added))
