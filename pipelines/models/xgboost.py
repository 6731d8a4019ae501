"""Gradient-boosted trees for quantiles, probabilities and orders."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.contracts.fits import FitPlan, FitResult, Recorder
from pipelines.contracts.model_references import START_FROM
from pipelines.contracts.tasks import Classify, Estimate, Forecast, ParamValue, Rank
from pipelines.models.base import IS_VALIDATION, WARM_START, Param, RowsFamily, Scorer, Signature
from pipelines.models.class_weights import CLASS_WEIGHT, WEIGHT, class_weights, counts_of, is_weighted, with_weights
from pipelines.models.encodings import encoded
from pipelines.models.exportable import RowsExportable
from pipelines.models.labels import check_in_spark, labelled
from pipelines.models.losses import LOSS, check_loss, is_mean
from pipelines.models.query_groups import QUERY, Numbers, in_queries
from pipelines.models.rows import LABEL, Values, matrix
from pipelines.models.warm_starts import must_be_alike

if TYPE_CHECKING:
    import xgboost
    from pyspark.sql import DataFrame

    from pipelines.models.boosting.course import Course

_FEATURES = "features"
_SIGNATURE = "headrace_signature"
_CURVES = {"quantile": "pinball", "rmse": "rmse", "logloss": "logloss", "mlogloss": "logloss", "ndcg": "ndcg"}
"""What XGBoost's metrics are called in learning curves."""
_LENGTHS = (4.0, 8.0)
_OF_THE_COURSE = ("rounds", "patience", "segment", LOSS.name, START_FROM, CLASS_WEIGHT.name)
"""Parameters that XGBoost itself does not know."""


class XGBoost(RowsFamily):
    """Trees boosted on the pinball loss of all quantiles at once, or on the log loss where probabilities are asked for
    (Chen and Guestrin 2016; objectives reg:quantileerror, binary:logistic and multi:softprob); or on the squared error
    (reg:squarederror), where it is that error that counts; or by LambdaMART on the NDCG of a query's rows, where an
    order is asked for (rank:ndcg; Burges 2010). Stops when the validate span no longer gains; the model ends
    at its best round.

    A fit that begins from a registered model adds rounds to its trees, which stay as they are; curves and the best
    round count the new ones.

    No weight for a rare label by default (scale_pos_weight stays 1): what it gains in order it takes from the
    probability. A class_weight counts on both spans, so the weighted loss is what stops the boosting.
    """

    name = "xgboost"
    engines = ("xgboost_spark", "single")
    tasks = (Forecast, Estimate, Classify, Rank)
    tells_classes = True
    exports = ("ubj",)
    params = (
        Param("rounds", int, 400, None, "most rounds of boosting"),
        Param("patience", int, 30, None, "rounds without a gain on the validate span before stopping"),
        Param("segment", int, 50, None, "rounds from one seed and checkpoint to the next"),
        Param("learning_rate", float, 0.05, (0.03, 0.05, 0.08, 0.15), "part of each tree that is added"),
        Param("max_depth", int, 5, (4, 5, 6, 8), "depth of a tree"),
        Param("min_child_weight", float, 8.0, (1.0, 8.0, 32.0), "least weight of a leaf"),
        Param("subsample", float, 0.8, (0.6, 0.8, 1.0), "part of the rows that each tree sees"),
        Param("colsample_bytree", float, 0.5, (0.5, 0.8, 1.0), "part of the features that each tree sees"),
        Param("reg_lambda", float, 1.0, (0.1, 1.0, 10.0), "L2 penalty on leaf values"),
        LOSS,
        CLASS_WEIGHT,
        WARM_START,
    )

    def settled(self, given: Mapping[str, ParamValue]) -> dict[str, ParamValue]:
        params = super().settled(given)
        check_loss(self.name, params)
        return params

    def rungs(self, params: Mapping[str, ParamValue]) -> tuple[int, ...]:
        """Where rounds times learning rate come to 4 and 8: by small steps boosting goes one way, and that product is
        its length (Friedman 2001). After as many rounds, a slow learner would look worse than it ends.

        Of 40 fits of a forecast the losses at 1, 2, 4 and 8 had a rank correlation of .02, .33, .64 and .95 with the
        least ones; they ended between 7 and 16.
        """
        rate = float(self.settled(params)["learning_rate"])
        return tuple(math.ceil(length / rate) - 1 for length in _LENGTHS)

    def fit(self, train: pa.Table, validate: pa.Table, plan: FitPlan, recorder: Recorder) -> FitResult:
        import xgboost

        names = list(plan.frame.features)
        found = [_learnt_from(examples, plan, span) for span, examples in (("train", train), ("validate", validate))]
        params, weights = self.settled(plan.params), np.ones(1)
        if is_weighted(params, plan):
            weights = class_weights(params, plan, counts_of(found[0][1], plan))
        spans = [
            xgboost.DMatrix(
                values,
                labels,
                weight=weights[labels.astype(np.int64)] if len(weights) > 1 else None,
                feature_names=names,
                qid=query,
            )
            for values, labels, query in found
        ]
        course = self._course(plan, recorder)
        booster = course.booster
        if not booster or course.rounds_left:
            booster = xgboost.train(
                course.params | {"nthread": 1, "verbosity": 0},
                spans[0],
                num_boost_round=course.rounds_left,
                evals=list(zip(spans, ("train", "validate"), strict=True)),
                xgb_model=booster,
                callbacks=[course],
                verbose_eval=False,
            )
        return self._sealed(course, booster, plan)

    def fit_rows(self, rows: DataFrame, plan: FitPlan, recorder: Recorder) -> FitResult:
        from pyspark.sql import functions as F
        from xgboost.spark import SparkXGBRanker, SparkXGBRegressor

        logging.getLogger("XGBoost-PySpark").setLevel(logging.WARNING)  # else it tells of every fit at length
        # of one machine's GPUs it can only say that it has not looked at them
        is_local = str(rows.sparkSession.sparkContext.master).startswith("local")
        for estimator in (SparkXGBRanker, SparkXGBRegressor):
            logging.getLogger(estimator.__name__).setLevel(logging.ERROR if is_local else logging.WARNING)
        if not plan.quantiles:
            check_in_spark(rows, plan)  # by XGBoost a wrong label would be a stack trace of the JVM
        rows = with_weights(rows, self.settled(plan.params), plan)
        weights, queries = ([name] if name in rows.columns else [] for name in (WEIGHT, QUERY))
        course = self._course(plan, recorder)
        if course.booster and not course.rounds_left:
            return self._sealed(course, course.booster, plan)
        boosting = course.params
        of_queries: dict[str, Any] = {"qid_col": QUERY} if queries else {}
        # one array: given as columns, an Arrow batch without a row of the validate span ends the fit (xgboost 3.2.0)
        features = F.array(*[F.coalesce(F.col(f"`{name}`"), F.lit(float("nan"))) for name in plan.frame.features])
        # also for a probability: SparkXGBClassifier would train the same, after a pass over all rows to count classes
        boosted = (SparkXGBRanker if queries else SparkXGBRegressor)(
            features_col=_FEATURES,
            label_col=LABEL,
            validation_indicator_col=IS_VALIDATION,
            weight_col=WEIGHT if weights else None,
            num_workers=plan.workers,
            n_estimators=course.rounds_left,
            xgb_model=course.booster,
            callbacks=[course],
            random_state=boosting.pop("seed"),
            missing=float("nan"),
            verbose=False,
            **boosting,
            **of_queries,
        )
        model = boosted.fit(rows.select(features.alias(_FEATURES), LABEL, IS_VALIDATION, *weights, *queries))
        return self._sealed(course, model.get_booster(), plan)

    def scorer(self, model: bytes) -> Scorer:
        import xgboost

        booster = xgboost.Booster({"nthread": 1, "device": "cpu"})
        booster.load_model(bytearray(model))
        return BoosterScorer(Signature.read(str(booster.attr(_SIGNATURE))), booster)

    def _boosting(self, plan: FitPlan) -> dict[str, Any]:
        params = self.settled(plan.params)
        loss: dict[str, Any]
        if is_mean(plan, params):
            loss = {"objective": "reg:squarederror", "eval_metric": "rmse"}
        elif plan.frame.query:
            loss = {"objective": "rank:ndcg", "eval_metric": "ndcg"}
        elif plan.quantiles:
            loss = {"objective": "reg:quantileerror", "quantile_alpha": [*plan.quantiles], "eval_metric": "quantile"}
        elif plan.classes:
            loss = {"objective": "multi:softprob", "num_class": len(plan.classes), "eval_metric": "mlogloss"}
        else:
            loss = {"objective": "binary:logistic", "eval_metric": "logloss"}
        return {name: value for name, value in params.items() if name not in _OF_THE_COURSE} | {
            **loss,
            "tree_method": "hist",
            "device": plan.device,
        }

    def _course(self, plan: FitPlan, recorder: Recorder) -> Course:
        from pipelines.models.boosting.course import Course

        params = self.settled(plan.params)
        rounds, segment, patience = (int(params[name]) for name in ("rounds", "segment", "patience"))
        return Course(
            self._boosting(plan),
            plan.seed,
            rounds,
            segment,
            patience,
            _CURVES,
            recorder,
            _begun_from(plan),
            rises=bool(plan.frame.query),
        )

    def _sealed(self, course: Course, booster: xgboost.Booster, plan: FitPlan) -> FitResult:
        """The booster up to its best round, with what it needs to score alone.

        Sliced, because `Booster.predict` and MLflow would use all rounds (measured: differences up to 0.28).
        """
        best = course.best_round()
        booster = booster[: course.rounds_before + best + 1]
        booster.feature_names = list(plan.frame.features)
        booster.set_attr(**{_SIGNATURE: Signature.of(plan).json()})
        gain = booster.get_score(importance_type="gain")
        importance = {name: float(np.mean(gain.get(name, 0.0))) for name in plan.frame.features}
        return FitResult(model=bytes(booster.save_raw("ubj")), format="ubj", importance=importance, best_step=best)


def _learnt_from(examples: pa.Table, plan: FitPlan, span: str) -> tuple[Values, Values, Numbers | None]:
    """Features, labels and, where an order is learnt, the numbers of the queries; FitError where there is no row."""
    return in_queries(examples, plan, span) if plan.frame.query else (*labelled(examples, plan, span), None)


def _begun_from(plan: FitPlan) -> xgboost.Booster | None:
    import xgboost

    model = plan.warm_start.content if plan.warm_start else None
    if model is None:
        return None
    booster = xgboost.Booster(model_file=bytearray(model))
    must_be_alike(plan, Signature.read(str(booster.attr(_SIGNATURE))))
    booster.feature_names = None  # on Spark features have no names, and others would be refused
    return booster


class BoosterScorer(RowsExportable):
    """booster: the trees, with names of features and the signature."""

    def __init__(self, signature: Signature, booster: xgboost.Booster) -> None:
        super().__init__(signature)
        self.booster = booster

    def outputs(self, examples: pa.Table) -> npt.NDArray[np.floating]:
        import xgboost

        s = self.signature
        rows = xgboost.DMatrix(matrix(examples, s.features, s.steps), feature_names=list(s.features), nthread=1)
        return np.asarray(self.booster.predict(rows)).reshape(-1, len(s.outputs))

    def contributions(self, examples: pa.Table) -> npt.NDArray[np.float64] | None:
        import xgboost

        s = self.signature
        values = matrix(encoded(examples, s.encodings), s.features, s.steps)
        rows = xgboost.DMatrix(values, feature_names=list(s.features), nthread=1)
        found = np.asarray(self.booster.predict(rows, pred_contribs=True), np.float64)
        if found.ndim == 3:  # (rows, outputs, features and the mean)
            found = found[:, s.quantiles.index(0.5) if s.quantiles else 0]
        return found[:, :-1]
