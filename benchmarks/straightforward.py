"""The baseline: the same packages, simply called one after the other."""

import time
from collections.abc import Sequence

import faiss
import numpy as np
import spacy
from langdetect import DetectorFactory, detect_langs
from sentence_transformers import SentenceTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from kb.articles import read_articles
from models.conversion import packaged_weights
from models.datasets import default_data, read_examples
from wiring import Built, Settings


class Straightforward:
    """langdetect, sentence-transformers, TF-IDF and logistic regression, faiss, spaCy's entity ruler."""

    def __init__(self) -> None:
        DetectorFactory.seed = 0
        self._encoder = SentenceTransformer(str(packaged_weights()), device="cpu")
        self._nlp = spacy.blank("en")
        ruler = self._nlp.add_pipe("entity_ruler")
        street = {"LOWER": {"IN": ["st", "street", "rd", "road", "ave", "avenue", "way", "blvd"]}}
        ruler.add_patterns([{"label": "ADDRESS", "pattern": [{"IS_DIGIT": True}, {"IS_TITLE": True}, street]}])
        started = time.perf_counter()
        examples = read_examples(default_data())[::10]
        self._tfidf = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
        rows = self._tfidf.fit_transform([example.text for example in examples])
        self._model = LogisticRegression(max_iter=50).fit(rows, [example.label for example in examples])
        self.fit_s = time.perf_counter() - started  # it would be loaded, not fitted: not counted as start-up
        self._articles = read_articles(Built(Settings.from_env()).articles)
        vectors = self._encoder.encode([article.title for article in self._articles], show_progress_bar=False)
        self._index = faiss.IndexFlatIP(vectors.shape[1])
        self._index.add(np.asarray(vectors, dtype=np.float32))

    def triage(self, text: str) -> dict[str, object]:
        """Return language, types, entities and articles of one message."""
        return self.triage_batch([text])[0]

    def triage_batch(self, texts: Sequence[str]) -> list[dict[str, object]]:
        """Return the same for several."""
        vectors = np.asarray(self._encoder.encode(list(texts), show_progress_bar=False), dtype=np.float32)
        chances = self._model.predict_proba(self._tfidf.transform(texts))
        _, found = self._index.search(vectors, 3)
        return [
            {
                "language": str(detect_langs(text)[0]),
                "types": [str(self._model.classes_[number]) for number in np.argsort(-row)[:5]],
                "entities": [span.text for span in self._nlp(text).ents],
                "articles": [self._articles[number].title for number in hits],
            }
            for text, row, hits in zip(texts, chances, found, strict=True)
        ]
