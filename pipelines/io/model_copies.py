"""Copies of the models that serve, beside the tables: scoring goes on with the last good one where MLflow is away."""

from __future__ import annotations

from pathlib import Path

from pipelines.contracts.cards import CARD_FILE, CardError, ModelCard, sha256


class ModelCopies:
    """A folder for each version of each registered model."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, name: str, version: int, model: bytes, card: ModelCard) -> Path:
        """Write the model's bytes and then its card; without a card there is no copy. Returns where the bytes lie."""
        folder = self._folder / name / str(version)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / card.file).write_bytes(model)
        partial = folder / f".{CARD_FILE}"
        partial.write_text(card.text(), encoding="utf-8")
        partial.replace(folder / CARD_FILE)
        return folder / card.file

    def load(self, name: str, version: int, card_sha256: str) -> tuple[bytes, ModelCard] | None:
        """A model and its card; None unless both are just what the ledger has the hash of."""
        folder = self._folder / name / str(version)
        try:
            text = (folder / CARD_FILE).read_bytes()
            if sha256(text) != card_sha256:
                return None
            card = ModelCard.read(text.decode())
            model = (folder / card.file).read_bytes()
            card.check(model)
        except (OSError, CardError):
            return None
        return model, card
