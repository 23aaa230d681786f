"""The HTML page of the evaluation report: it needs no script, no font and no network."""

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from models.plots import SECOND, Axis, Line, plot

STYLE = """
:root{--ink:#1b1b1b;--soft:#5a5a5a;--rule:#d0d0d0;--tint:#eef3f8;--blue:#0b5394}
body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:var(--ink)}
h1{margin:0 0 .25rem}h2{margin:2.5rem 0 .5rem;border-bottom:2px solid var(--rule);padding-bottom:.25rem}
p{max-width:46rem}.soft,figcaption{color:var(--soft);font-size:.9rem}code{overflow-wrap:anywhere;font-size:.8rem}
nav a{margin-inline-end:1rem}
.cards{display:flex;flex-wrap:wrap;gap:1rem;margin:1.5rem 0}
.cards div{flex:1 1 10rem;background:var(--tint);padding:.75rem 1rem;border-radius:.5rem}
.cards b{display:block;font-size:1.75rem;line-height:1.2}
.plots{display:flex;flex-wrap:wrap;gap:1.5rem}figure{margin:0;flex:1 1 22rem;max-width:31rem}
svg{width:100%;height:auto;font:12px system-ui,sans-serif}svg .grid{stroke:#e4e4e4}svg .frame{stroke:#333;fill:none}
svg .equal{stroke:#767676;stroke-dasharray:4}
table{border-collapse:collapse;margin:1rem 0;width:100%}caption{text-align:start;color:var(--soft);font-size:.9rem}
td,th{padding:.25rem .6rem;border-bottom:1px solid var(--rule);text-align:start;vertical-align:top}
td.n,th.n{text-align:end;font-variant-numeric:tabular-nums;white-space:nowrap}
table.narrow{width:auto}
td.bar{background:linear-gradient(var(--tint),var(--tint)) no-repeat left/calc(var(--v)*100%) 100%}
.wide{overflow-x:auto}ul{margin:0;padding-inline-start:1.1rem}summary{cursor:pointer;font-weight:600}
@media print{details{display:block}}
"""
PERCENT = frozenset({"accuracy", "low", "high", "top3", "precision", "f1", "wanted", "covered", "from_probability"})
HEADS = {
    "n": "messages",
    "accuracy": "right, %",
    "low": "low",
    "high": "high",
    "top3": "in top 3, %",
    "said": "said",
    "precision": "right when said, %",
    "f1": "F1",
    "wanted": "wanted precision, %",
    "covered": "share covered, %",
    "from_probability": "from probability, %",
}
FEATURES = {
    "languages": "language",
    "channels": "channel",
    "labels": "service type",
    "words": "length in words",
    "nearness": "nearness to the nearest type's center",
}


def page_of(facts: Mapping[str, Any]) -> str:
    """Return the HTML page of the facts of `report.facts_of`."""
    sections = {
        "Trust": _trust(facts),
        "More labels": _more_labels(facts),
        "Confusions": _confusions(facts["confusions"]),
        "Languages and channels": "".join(
            _table(facts[f"by_{by}"], ["name", "n", "accuracy", "low", "high", "top3"], name=by, caption=f"By {by}")
            for by in ("language", "channel")
        ),
        "Service types": _classes(facts["by_class"]),
        "Label noise": f"<p>{html.escape(_noise(facts['label_noise']))}</p>",
        "Drift": _drift(facts),
    }
    links = "".join(f'<a href="#s{number}">{name}</a>' for number, name in enumerate(sections))
    body = "".join(f'<h2 id="s{number}">{name}</h2>{part}' for number, (name, part) in enumerate(sections.items()))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Evaluation of a model</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>'
        f"<h1>Evaluation of a model</h1><p>{facts['n']:,} messages that it has not learned from.<br>"
        f"<code>{html.escape(facts['signature'])}</code></p>{_cards(facts)}<nav>{links}</nav>{body}</body></html>\n"
    )


def _cards(facts: Mapping[str, Any]) -> str:
    metrics, intervals = facts["metrics"], facts["intervals"]
    shown = [
        (
            name,
            f"{100 * metrics[key]:.1f} %",
            "95 % interval {:.1f} to {:.1f}".format(*(100 * x for x in intervals[key])),
        )
        for key, name in (("accuracy", "right"), ("top3", "right type in the first three"), ("macro_f1", "macro F1"))
    ]
    shown.append(("calibration error", f"{100 * metrics['ece']:.1f}", "points between stated and observed"))
    if "out_of_scope" in facts:
        found = facts["out_of_scope"]
        note = f"{100 * found['in_scope_rejected']:.1f} % of the messages in scope rejected"
        shown.append(("out of scope found", f"{100 * found['recall']:.1f} %", note))
    return "<div class=cards>" + "".join(_card(*each) for each in shown) + "</div>"


def _interval(low: float, high: float) -> str:
    return f"95 % interval {100 * low:.1f} to {100 * high:.1f}"


def _card(name: str, value: str, note: str) -> str:
    return f"<div><b>{value}</b>{html.escape(name)}<br><span class=soft>{html.escape(note)}</span></div>"


def _trust(facts: Mapping[str, Any]) -> str:
    least = min((y for _, y in facts["coverage"]), default=0.0)
    precision = Axis(name="right among those (%)", low=max(0.0, 0.1 * int(10 * least - 0.001)))
    reliability = plot(
        [Line(points=facts["reliability"], name="observed")],
        x=Axis(name="probability that was stated (%)"),
        y=Axis(name="share that was right (%)"),
        diagonal=True,
    )
    coverage = plot(
        [Line(points=facts["coverage"], name="precision")],
        x=Axis(name="share of the messages, the surest first (%)"),
        y=precision,
    )
    names = ["wanted", "covered", "from_probability"]
    return (
        "<div class=plots>"
        + _figure(reliability, "A point on the dashed line means what it says; below it the model is too sure.")
        + _figure(coverage, "How often it is right if it acts only on the messages that it is surest of.")
        + "</div>"
        + _table(facts["promises"], names, name="", caption="Covered at a wanted precision, by its lower bound")
    )


def _more_labels(facts: Mapping[str, Any]) -> str:
    points, more = facts["learning_curve"], facts["more_labels"]
    if not points:
        return "<p>Not known: this model held nothing out when it was trained.</p>"
    measured = [(point["n"], point["accuracy"]) for point in points]
    lines = [Line(points=measured, name="measured in training")]
    if more:
        then = more["accuracy"] + more["gain"]
        end = more["n"] + more["more"]
        interval = [(end, more["accuracy"] + more["low"], more["accuracy"] + more["high"])]
        ahead = [(more["n"], more["accuracy"]), (end, then)]
        lines.append(Line(points=ahead, name="expected, with 95 %", color=SECOND, dashed=True, interval=interval))
    values = [y for line in lines for _, y in line.points]
    values += [y for line in lines for _, *ends in line.interval for y in ends]
    low, high = 0.05 * int(20 * min(values)), min(1.0, 0.05 * (int(20 * max(values)) + 1))
    drawn = plot(
        lines,
        x=Axis(name="training messages", high=max(x for line in lines for x, _ in line.points), percent=False),
        y=Axis(name="held-out messages right (%)", low=low, high=high),
    )
    sentence = more["sentence"] if more else "Too few points to tell what more labels would give"
    return f"<p><strong>{html.escape(sentence)}.</strong></p><div class=plots>{_figure(drawn, '')}</div>"


def _confusions(pairs: Sequence[Mapping[str, Any]]) -> str:
    if not pairs:
        return "<p>None.</p>"
    rows = "".join(
        f"<tr><td>{html.escape(each['truth'])}</td><td>{html.escape(each['said'])}</td><td class=n>{each['n']}</td>"
        f"<td><ul>{''.join(f'<li dir=auto>{html.escape(text)}</li>' for text in each['examples'])}</ul></td></tr>"
        for each in pairs
    )
    head = "<th scope=col>right</th><th scope=col>said instead</th><th scope=col class=n>messages</th>"
    return (
        "<p>The most frequent first; examples that the model was surest of, without personal data.</p>"
        f"<table><thead><tr>{head}<th scope=col>examples</th></tr></thead><tbody>{rows}</tbody></table>"
    )


def _classes(rows: Sequence[Mapping[str, Any]]) -> str:
    names = ["name", "n", "accuracy", "low", "high", "top3", "said", "precision", "f1"]
    weakest = sorted(rows, key=lambda row: (row["f1"], row["name"]))[:15]
    return (
        _table(weakest, names, name="service type", caption="The fifteen with the lowest F1")
        + f"<details><summary>All {len(rows)}</summary>{_table(rows, names, name='service type', caption='By name')}"
        "</details>"
    )


def _drift(facts: Mapping[str, Any]) -> str:
    unknown = facts["labels_unknown_to_the_model"]
    warning = f"<p>Labels that the model does not know: {html.escape(', '.join(unknown))}.</p>" if unknown else ""
    if not facts["drift"]:
        return f"{warning}<p>Not known for this model.</p>"
    rows = "".join(
        f"<tr><td>{FEATURES[each['feature']]}</td><td class=n>{100 * each['distance']:.1f}</td>"
        f"<td class=n>{100 * each['by_chance']:.1f}</td>"
        f"<td>{'<strong>moved</strong>' if each['is_more_than_chance'] else 'as before'}</td>"
        f"<td>{html.escape('; '.join(_shift(*most) for most in each['most']))}</td></tr>"
        for each in facts["drift"]
    )
    return (
        f"{warning}<p>How far these messages are from those that it was trained on: the share that would have to be of "
        "another kind for both to be alike, beside what chance gives a sample of this size.</p>"
        "<table><thead><tr><th scope=col>by</th><th scope=col class=n>moved, %</th>"
        "<th scope=col class=n>by chance, %</th><th scope=col></th><th scope=col>most (training → here)</th></tr>"
        f"</thead><tbody>{rows}</tbody></table>"
    )


def _shift(name: str, then: float, now: float) -> str:
    return f"{name}: {100 * then:.1f} → {100 * now:.1f} %"


def _noise(found: Mapping[str, Any] | None) -> str:
    if not found:
        return "Not known for this model: it held nothing out, or cleanlab is not installed."
    return (
        f"{found['n']} of {found['of']} training labels are doubtful ({100 * found['share']:.1f} %): models that have "
        "not seen them are sure of another one. label_noise.json beside the model lists the worst."
    )


def _figure(drawn: str, caption: str) -> str:
    return f"<figure>{drawn}<figcaption>{html.escape(caption)}</figcaption></figure>"


def _table(rows: Iterable[Mapping[str, Any]], names: Sequence[str], *, name: str, caption: str) -> str:
    head = "".join(f"<th scope=col{_class(each)}>{html.escape(HEADS.get(each, name))}</th>" for each in names)
    body = "".join("<tr>" + "".join(_cell(each, row[each]) for each in names) + "</tr>" for row in rows)
    width = " class=narrow" if len(names) < 4 else ""
    return (
        f"<div class=wide><table{width}><caption>{html.escape(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def _class(name: str) -> str:
    return "" if name == "name" else " class=n"


def _cell(name: str, value: object) -> str:
    if value is None:
        return "<td class=n>–</td>"
    if name in PERCENT and isinstance(value, float):
        bar = f' class="n bar" style="--v:{value:.3f}"' if name == "accuracy" else " class=n"
        return f"<td{bar}>{100 * value:.1f}</td>"
    return f"<td{_class(name)}>{html.escape(str(value))}</td>"
