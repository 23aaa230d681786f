"""Fine-tuning on a network of a few thousand weights, and what a model with an encoder of its own does."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from models import conversion, finetuning
from models.classifiers import LinearClassifier
from models.finetuning import (
    FOLDER,
    Tuner,
    Tuning,
    batches,
    contrastive_loss,
    own_encoder,
)
from models.fitting import Recipe
from models.training import digest_of_weights, train
from tests.fakes import FakeEncoder
from tests.models.samples import TEXTS, examples
from triage.errors import ModelError

QUICK = Tuning(passes=1, least_steps=2, batch=16, together=2, rate=1e-3, most_pieces=32)


def quiet(what: str, done: int, total: int) -> None:
    """Report nothing."""


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of one layer and 32 numbers with the packaged vocabulary, in the sentence-transformers layout."""
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("network") / "tiny"
    shutil.copytree(conversion.packaged_weights(), folder, ignore=shutil.ignore_patterns("model.safetensors"))
    facts = json.loads((folder / "config.json").read_text("utf-8"))
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
    BertModel(BertConfig(**{**facts, **sizes})).save_pretrained(folder)
    pooling = folder / "1_Pooling" / "config.json"
    wanted = {**json.loads(pooling.read_text("utf-8")), "word_embedding_dimension": 32}
    pooling.write_text(json.dumps(wanted), "utf-8")
    return folder


@pytest.mark.system
def test_a_tuned_model_is_trained_on_an_encoder_that_lies_beside_it(network: Path, tmp_path: Path) -> None:
    told: dict[str, tuple[int, int]] = {}
    out = tmp_path / "m"
    tuner = Tuner(tuning=QUICK, source=network)
    facts = train(
        examples(),
        FakeEncoder(),
        out,
        Recipe(),
        lambda what, done, total: told.__setitem__(what, (done, total)),
        tuner=tuner,
    )
    encoder = own_encoder(out)
    assert encoder is not None
    assert encoder.version == facts["encoder"]
    assert encoder.version.startswith("minilm-l6-v2-tuned-int8-")
    assert facts["finetuning"]["tuning"]["batch"] == 16
    assert "one of 5 held out" in facts["held_out"]["signature"]
    assert facts["held_out"]["n"] < 36
    assert told["fine-tune"] == (1, 1)
    assert len(LinearClassifier.load(out).classify(TEXTS[:2], encoder.encode(TEXTS[:2]))) == 2
    card = (out / "card.md").read_text("utf-8")
    assert "not activated" in card
    assert f"{json.loads((out / 'meta.json').read_text('utf-8'))['own_encoder']['mb']} MB" in card.replace("\n", " ")
    before = digest_of_weights(out)
    (out / FOLDER / "model.bin").write_bytes(b"another")
    assert digest_of_weights(out) != before


@pytest.mark.system
def test_the_loss_is_that_of_the_paper() -> None:
    import torch

    vectors = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    # The first and the third are of one label: each has exp(1) for the other and exp(0) for the second.
    expected = -np.log(np.e / (np.e + 1))
    assert float(contrastive_loss(vectors, torch.tensor([0, 1, 0]), 1.0)) == pytest.approx(expected)
    assert float(contrastive_loss(vectors, torch.tensor([-1, 1, -1]), 1.0)) == 0.0


def test_every_message_stands_once_in_a_pass_beside_one_of_its_label() -> None:
    labels = ["a"] * 5 + ["b"] * 4 + ["c"]
    [first, second] = batches(labels, Tuning(passes=2, least_steps=1, batch=10, together=2))
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second
    for number in (number for number in range(10) if labels[number] != "c"):
        at = first.index(number)
        neighbors = [labels[each] for each in first[max(0, at - 1) : at + 2]]
        assert neighbors.count(labels[number]) > 1


def test_few_messages_are_read_in_more_passes() -> None:
    assert len(list(batches(["a", "a", "b", "b"], Tuning(passes=1, least_steps=7, batch=4)))) == 7


def test_without_torch_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finetuning, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match="run `pip install torch sentence-transformers`, or train without --finetune"):
        Tuner(source=Path("here")).tune(examples(), Path("nowhere"), quiet)


@pytest.mark.system
def test_a_network_that_cannot_be_tuned_says_why(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="the encoder could not be fine-tuned"):
        Tuner(tuning=QUICK, source=tmp_path / "nothing").tune(examples(), tmp_path / "out", quiet)
    assert not (tmp_path / "out").exists()


def test_a_model_without_an_encoder_of_its_own_has_none(tmp_path: Path) -> None:
    assert own_encoder(tmp_path) is None
