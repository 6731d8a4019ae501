import subprocess
import sys

import pytest

from pipelines.contracts.names import DeclarationError
from pipelines.models.base import families


def test_families_are_found_without_loading_what_they_are_made_with():
    program = (
        "import sys; from pipelines.models.base import families; print(*families());"
        "print(sorted({'torch', 'xgboost', 'pyspark', 'sklearn'} & set(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert told.splitlines() == [" ".join(families()), "[]"]


def test_every_family_can_be_fitted_in_one_process():
    assert [name for name, family in families().items() if "single" not in family.engines] == []


def test_parameters_that_are_not_given_take_their_defaults():
    assert families()["seasonal_naive"].settled({}) == {"season_steps": 48}
    assert families()["linear"].settled({"ridge": 1}) == {"ridge": 1.0}


@pytest.mark.parametrize(
    ("family", "given", "said"),
    [
        ("seasonal_naive", {"season": 7}, "family 'seasonal_naive': unknown parameter 'season'; known: season_steps"),
        ("seasonal_naive", {"season_steps": "7"}, "family 'seasonal_naive': 'season_steps' must be int, not '7'"),
        ("seasonal_naive", {"season_steps": True}, "family 'seasonal_naive': 'season_steps' must be int, not True"),
    ],
)
def test_an_unknown_or_ill_typed_parameter_is_refused(family, given, said):
    with pytest.raises(DeclarationError) as refused:
        families()[family].settled(given)
    assert str(refused.value) == said
