"""Small labelled messages and a classifier made by hand, for tests that need one and not a good one."""

import numpy as np

from models.classifiers import LinearClassifier, LinearWeights
from models.datasets import Example
from models.features import TfidfFeatures
from tests.fakes import DIM

MESSAGES = {
    "animal.barking": [
        "the dog next door barks all night",
        "barking dog again, nobody sleeps",
        "neighbors hound howls and barks from six on",
        "can somebody do something about a barking dog",
        "dogs bark at the fence every single morning",
        "he leaves the dog out and it barks for hours",
    ],
    "billing.high_bill": [
        "my water bill doubled this month",
        "why is the bill so high, we were away",
        "this bill cannot be right, two hundred dollars",
        "bill went up and nothing has changed here",
        "the amount on my bill is wrong",
        "a bill of 400 for one person?",
    ],
    "streets.pothole": [
        "deep pothole on 9th and oak",
        "pothole ate my tire on quarry road",
        "there is a hole in the road by the school",
        "potholes all along marysville",
        "the pothole you filled is back",
        "road full of holes, lost a rim",
    ],
    "streets.streetlight": [
        "street light out in front of 2210",
        "the light on our corner flickers",
        "streetlight dark for three weeks",
        "all lamps on elm street are out",
        "light pole is dark, please fix the lamp",
        "street lamp stays on all day",
    ],
    "trees.hazard": [
        "limb hanging over the sidewalk",
        "a tree fell across the path",
        "big branch about to come down on the cars",
        "the elm is leaning, a limb cracked",
        "fallen tree blocks the sidewalk",
        "tree limb on the wires",
    ],
    "waste.dumping": [
        "someone dumped a couch behind my house",
        "mattresses dumped in the alley",
        "pile of junk dumped by the creek",
        "they dump tires on the empty lot",
        "couch and a fridge left on the curb by strangers",
        "dumped garbage bags under the bridge",
    ],
}
TEXTS = [text for texts in MESSAGES.values() for text in texts]


def examples() -> list[Example]:
    """Return every message with its label; the first, second, … of each label are by the same writer."""
    return [
        Example(text=text, label=label, group=f"writer-{number % 3}")
        for label, texts in MESSAGES.items()
        for number, text in enumerate(texts)
    ]


def tiny_classifier() -> LinearClassifier:
    """Return a model whose weights are how much more often a feature stands in a label's messages than elsewhere."""
    features = TfidfFeatures.fit(TEXTS)
    weights = np.zeros((len(features), len(MESSAGES)), dtype=np.float32)
    for column, texts in enumerate(MESSAGES.values()):
        for text in texts:
            row = features.row(text)
            weights[row.indices] -= row.weights[:, None] / len(TEXTS)
            weights[row.indices, column] += row.weights / len(texts)
    random = np.random.default_rng(0)
    return LinearClassifier(
        LinearWeights(
            labels=tuple(MESSAGES),
            features=weights,
            vector=random.normal(scale=0.01, size=(DIM, len(MESSAGES))).astype(np.float32),
            bias=np.zeros(len(MESSAGES), dtype=np.float32),
            temperature=0.1,
            vector_weight=1.0,
        ),
        features,
        version="tiny",
    )
