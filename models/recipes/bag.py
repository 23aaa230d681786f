"""The cheap student that comes first: a sentence is the mean of its pieces' vectors, fitted to the teacher's vectors.

It takes minutes, and tells which English word pieces a foreign piece means: that is where the real student starts.
"""

import numpy as np
import torch
from torch import Tensor, nn

from triage.types import Vectors

BATCH = 512
EPOCHS = 2
LEARNING_RATE = 0.02
NEIGHBORS = 5
SHARPNESS = 15.0  # softmax of cosine × this over the nearest English pieces
CHUNK = 2_048


def fit_bag(pieces: list[list[int]], targets: Vectors, *, vocabulary: int, seed: int = 0) -> Vectors:
    """Return one vector a piece, float32, shape (vocabulary, dim), so that a sentence's mean points to its target.

    Args:
        pieces: Piece numbers of each sentence, none empty.
        targets: The teacher's vectors, shape (n_sentences, dim).
        vocabulary: How many pieces there are.
        seed: Of the order of the sentences.
    """
    torch.manual_seed(seed)
    dim = targets.shape[1]
    bag = nn.EmbeddingBag(vocabulary, dim, mode="mean", sparse=True)
    nn.init.normal_(bag.weight, std=dim**-0.5)
    optimizer = torch.optim.SparseAdam(list(bag.parameters()), lr=LEARNING_RATE)
    generator = torch.Generator().manual_seed(seed)
    n_steps, step = EPOCHS * -(-len(pieces) // BATCH), 0
    for _ in range(EPOCHS):
        for rows in torch.split(torch.randperm(len(pieces), generator=generator), BATCH):
            for group in optimizer.param_groups:
                group["lr"] = LEARNING_RATE * (1 - step / n_steps)
            loss = 1 - _cosines(bag, [pieces[row] for row in rows.tolist()], targets[rows.numpy()]).mean()
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()  # type: ignore[no-untyped-call]
            step += 1
    vectors: Vectors = bag.weight.detach().numpy()
    return vectors


def english_neighbors(piece_vectors: Vectors, english_vectors: Vectors, english_inputs: Vectors) -> Vectors:
    """Return an input embedding for each new piece: the mean of its nearest English pieces', at the usual norm.

    Args:
        piece_vectors: From `fit_bag`, shape (n_pieces, dim).
        english_vectors: The teacher's vector of each English word piece by itself, shape (n_english, dim).
        english_inputs: The teacher's input embedding of each, shape (n_english, dim).

    Returns:
        float32, shape (n_pieces, dim).
    """
    usual = np.linalg.norm(english_inputs, axis=1).mean()
    english = english_vectors / np.maximum(np.linalg.norm(english_vectors, axis=1, keepdims=True), 1e-9)
    parts = []
    for start in range(0, len(piece_vectors), CHUNK):
        chunk = piece_vectors[start : start + CHUNK]
        cosines = (chunk / np.maximum(np.linalg.norm(chunk, axis=1, keepdims=True), 1e-9)) @ english.T
        nearest = np.argpartition(-cosines, NEIGHBORS, axis=1)[:, :NEIGHBORS]
        shares = np.exp(SHARPNESS * np.take_along_axis(cosines, nearest, axis=1))
        shares /= shares.sum(axis=1, keepdims=True)
        means = np.einsum("nk,nkd->nd", shares, english_inputs[nearest])
        parts.append(means * (usual / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9)))
    inputs: Vectors = np.concatenate(parts).astype(np.float32)
    return inputs


def _cosines(bag: nn.EmbeddingBag, pieces: list[list[int]], targets: Vectors) -> Tensor:
    offsets = np.cumsum([0, *(len(row) for row in pieces[:-1])])
    flat = np.concatenate([np.asarray(row) for row in pieces])
    means: Tensor = bag(torch.from_numpy(flat), torch.from_numpy(offsets))
    return nn.functional.cosine_similarity(means, torch.from_numpy(targets))
