"""Weights that were exported can be read back, so that a training goes on from what is committed."""

from pathlib import Path

import pytest

from models.encoder import STUDENT, MiniLMEncoder
from triage.errors import ModelError

TEXTS = ["hay un bache grande en mi calle", "собака лает всю ночь", "đèn đường trước nhà tắt ba đêm rồi"]


@pytest.mark.system
def test_the_weights_read_back_give_the_vectors_of_the_exported_encoder() -> None:
    import torch
    from tokenizers import Tokenizer

    from models.recipes.encoder import embed, further_student

    tokenizer = Tokenizer.from_file(str(STUDENT / "tokenizer.json"))
    body = further_student(tokenizer, STUDENT)
    body.eval()
    with torch.inference_mode():
        rows = [tuple(tokenizer.encode(text, add_special_tokens=False).ids) for text in TEXTS]
        vectors = embed(body, rows).numpy()
    cosines = (vectors * MiniLMEncoder.load(STUDENT).encode(TEXTS)).sum(axis=1)
    assert cosines.min() > 0.99


@pytest.mark.system
def test_a_file_of_another_version_is_refused(tmp_path: Path) -> None:
    from models.recipes.stored import bert_weights

    (tmp_path / "model.bin").write_bytes((5).to_bytes(4, "little"))
    with pytest.raises(ModelError, match="has binary version 5; 6 can be read: export it again"):
        bert_weights(tmp_path)
