"""Lets the danger model listen to a changed multilingual encoder: `python -m models.recipes.danger_ear --before OLD …`.

The encoder's ear, how it is weighed against words and rules, and the gate before the network are fitted anew by what
was held out, in minutes. Words, networks and verdicts stay: none of them reads the encoder that changed. The thresholds
move together, so that as many harmless messages raise an alarm as did with the encoder before.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from models.danger import ENGLISH, SIDES, WEIGHTS, DangerModel, Floats, load_ears, load_networks
from models.encoder import STUDENT, MiniLMEncoder
from models.features import SparseRow
from models.recipes.danger import foreign_side
from models.recipes.danger_judging import Judge
from models.recipes.danger_messages import Told, read_messages
from triage.safety import Tripwire
from triage.types import Language, SafetyHit, Vectors

COMPUTED = {"version", "encoders", "words_bias", "weighing", "verdict", "thresholds"}  # by DangerModel.save


def main(
    english: Annotated[Path, typer.Option("--encoder", help="The converted English encoder: TRIAGE_HOME/encoder/…")],
    before: Annotated[Path, typer.Option(help="Folder of the multilingual encoder that its ear is fitted on.")],
) -> None:
    """Fit the ear of models/weights/encoder and write it into models/weights/danger."""
    networks = load_networks()
    model, (ear, old_ear) = DangerModel.load(networks), load_ears()
    messages = read_messages()
    tripwire = Tripwire.load()
    rows = {message.text: model.features.row(message.text) for message in messages}
    teacher, student = MiniLMEncoder.load(english), MiniLMEncoder.load(STUDENT)
    side = foreign_side(teacher, student, messages, rows, len(model.features))
    hits = {message.text: tripwire.check(message.text) for message in side.messages}
    judge = Judge(side, hits)
    weighing, name = judge.weighing(), SIDES[1]
    verdict = replace(model.weights.verdict[name], gate=judge.gate(weighing))
    print(
        f"gate {model.weights.verdict[name].gate} → {verdict.gate}; ear {weighing.ear:.3f}, words {weighing.words:.3f}"
    )
    changed = replace(
        model.weights,
        weighing={**model.weights.weighing, name: weighing},
        verdict={**model.weights.verdict, name: verdict},
    )
    harmless = [message for message in side.messages if message.line is None]
    alarms = [
        MiniLMEncoder.load(folder, ear=its_ear).read([message.text for message in harmless]).alarms
        for folder, its_ear in ((before, old_ear), (STUDENT, side.ear))
    ]
    margins = [
        margins_of(DangerModel(weights, model.features, networks, version=""), harmless, heard, rows, hits)
        for weights, heard in zip((model.weights, changed), alarms, strict=True)
    ]
    shift = even_shift(*margins)
    print(
        f"thresholds {shift:+.3f}; {(margins[0] > 0).mean():.4f} of {len(harmless):,} harmless messages raise an alarm"
    )
    thresholds = {
        code: threshold if code == ENGLISH else round(threshold + shift, 4)
        for code, threshold in model.weights.thresholds.items()
    }
    weights = replace(changed, thresholds=thresholds)
    written = json.loads((WEIGHTS / "danger.json").read_text("utf-8"))
    facts = {key: value for key, value in written.items() if key not in COMPUTED}
    again = DangerModel(weights, model.features, networks, version=f"{model.version}-{student.version[-4:]}")
    again.save(WEIGHTS, [ear, side.ear], facts)


def margins_of(
    model: DangerModel,
    messages: Sequence[Told],
    alarms: Vectors,
    rows: Mapping[str, SparseRow],
    hits: Mapping[str, Sequence[SafetyHit]],
) -> Floats:
    """Return by how much each message's score exceeds its language's threshold, shape (n,); -inf before the gate."""
    texts = [message.text for message in messages]
    languages = [Language(code=message.language, probability=1.0) for message in messages]
    firsts = model.first_scores([rows[text] for text in texts], alarms, languages, [hits[text] for text in texts])
    margins = np.full(len(messages), -np.inf, dtype=np.float32)
    for at, score, _ in model.read_again(texts, firsts, languages):
        margins[at] = score - model.threshold(languages[at])
    return margins


def even_shift(before: Floats, after: Floats) -> float:
    """Return what to add to the thresholds so that as many margins are positive after a change as before it.

    A message that does not pass the gate any more, -inf, raises no alarm at any threshold: where too few pass, all do.
    """
    alarms = int((before > 0).sum())
    passing = np.sort(after[np.isfinite(after)])[::-1]
    if not alarms or not len(passing):
        return 0.0
    if alarms >= len(passing):
        return float(passing[-1]) - 1e-4
    return float((passing[alarms - 1] + passing[alarms]) / 2)


if __name__ == "__main__":
    typer.run(main)
