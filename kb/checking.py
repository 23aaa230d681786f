"""What is wrong with the articles, for the people who keep them: `triage kb check`."""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path

from kb.articles import Article, parse_article, some_article_files
from kb.contradictions import Contradiction, contradictions
from kb.facts import facts_of
from triage.errors import DataError
from triage.protocols import Encoder

# Kinds of fact that are written with the same signs in every language.
_SAME_IN_ALL_LANGUAGES = frozenset({"money", "percent", "phone"})
_LINK = re.compile(r"\[[^\[\]]*\]\(\s*<?([^()\s<>]+)>?[^()]*\)|(https?://[^\s()<>\[\]\"']+)")
_HEADING = re.compile(r"^#{1,6}[ \t]+(.+?)[ \t]*#*$", re.MULTILINE)


class Severity(StrEnum):
    """Errors fail the check; warnings want a person's look."""

    ERROR = "error"
    WARNING = "warning"


class Rule(StrEnum):
    """What is looked for, in the order of the report."""

    UNREADABLE = "unreadable"
    DOUBLE_ID = "double id"
    DEAD_LINK = "dead link"
    UNKNOWN_TYPE = "unknown service type"
    NO_OWNER = "no owner"
    EXPIRED = "expired"
    REVIEW_OVERDUE = "review overdue"
    CONTRADICTION = "contradiction"
    TRANSLATION = "translation differs"
    DOUBLE_TITLE = "double title"
    NO_TYPE = "no service type"
    UNCOVERED_TYPE = "type without article"


_ERRORS = frozenset({Rule.UNREADABLE, Rule.DOUBLE_ID, Rule.DEAD_LINK, Rule.UNKNOWN_TYPE, Rule.NO_OWNER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing to mend; `articles` are the ids it is about, none where the file could not be read."""

    rule: Rule
    text: str
    articles: tuple[str, ...] = ()

    @property
    def severity(self) -> Severity:
        """Whether it fails the check."""
        return Severity.ERROR if self.rule in _ERRORS else Severity.WARNING


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    name: str
    text: str
    article: Article


def check(
    folder: Path,
    *,
    service_types: Collection[str],
    encoder: Encoder,
    today: date,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> tuple[Finding, ...]:
    """Return everything that is wrong with a folder of articles, in the order of `Rule`.

    Args:
        folder: Its articles are read; one that is broken is a finding, and the others are checked.
        service_types: The codes of the taxonomy.
        encoder: For finding contradictions.
        today: The day on which reviews are overdue and articles have expired.
        progress: Is told how far the slow part is.

    Raises:
        DataError: If the folder is none, or has no article.
    """
    files, findings = _read(folder)
    articles = [file.article for file in files]
    findings += [finding for file in files for finding in _of_one(file, folder, articles, service_types, today)]
    findings += _double_titles(articles)
    findings += _uncovered(articles, service_types)
    findings += _translations(articles)
    findings += map(_contradiction, contradictions(articles, encoder, progress))
    order = list(Rule)
    return tuple(sorted(findings, key=lambda finding: order.index(finding.rule)))


def _read(folder: Path) -> tuple[list[_File], list[Finding]]:
    files: dict[str, _File] = {}
    findings: list[Finding] = []
    for path in some_article_files(folder):
        try:
            text = path.read_text(encoding="utf-8-sig")
            article = parse_article(text, source=path.name)
        except (DataError, OSError, UnicodeDecodeError) as error:
            findings.append(Finding(rule=Rule.UNREADABLE, text=_named(path.name, str(error))))
            continue
        if article.id in files:
            told = f"{path.name} has the id {article.id!r}, and so has {files[article.id].name}; give one another id"
            findings.append(Finding(rule=Rule.DOUBLE_ID, text=told, articles=(article.id,)))
            continue
        files[article.id] = _File(name=path.name, text=text, article=article)
    return list(files.values()), findings


def _named(name: str, error: str) -> str:
    return error if error.startswith(name) else f"{name}: {error}"


def _of_one(
    file: _File, folder: Path, articles: Sequence[Article], service_types: Collection[str], today: date
) -> Iterator[Finding]:
    article = file.article

    def finding(rule: Rule, text: str) -> Finding:
        return Finding(rule=rule, text=f"{file.name}: {text}", articles=(article.id,))

    if not article.owner:
        yield finding(Rule.NO_OWNER, "nobody owns it; add owner: with a desk's address")
    if article.valid_until and article.valid_until < today:
        yield finding(Rule.EXPIRED, f"it answers no more since {article.valid_until}; renew it or delete it")
    overdue = _overdue(article, today)
    if overdue:
        yield finding(Rule.REVIEW_OVERDUE, overdue)
    if not article.service_types:
        yield finding(Rule.NO_TYPE, "it names no service type, so that no prediction leads to it")
    for code in article.service_types:
        if code not in service_types:
            yield finding(Rule.UNKNOWN_TYPE, f"the taxonomy has no service type {code!r}")
    for line, told in _dead_links(file, folder, articles):
        yield Finding(rule=Rule.DEAD_LINK, text=f"{file.name}:{line}: {told}", articles=(article.id,))


def _overdue(article: Article, today: date) -> str | None:
    if article.reviewed_on is None:
        return "it was never reviewed; add reviewed_on:"
    if article.review_every_days is None:
        return None
    due = article.reviewed_on + timedelta(days=article.review_every_days)
    return f"its review was due on {due}, last reviewed on {article.reviewed_on}" if due < today else None


def _dead_links(file: _File, folder: Path, articles: Sequence[Article]) -> Iterator[tuple[int, str]]:
    """Yield line and reason of each link that leads to no article, file or heading of the knowledge base."""
    ids = {article.id for article in articles}
    urls = {article.url.rstrip("/") for article in articles if article.url}
    homes = {url.removesuffix(id) for url, id in _own_urls(articles)}
    for match in _LINK.finditer(file.text):
        target = (match[1] or match[2]).rstrip(".,;:!?")
        line = file.text.count("\n", 0, match.start()) + 1
        page, _, anchor = target.partition("#")
        if re.match(r"[a-zA-Z][\w+.-]*:", target):
            bare = page.partition("?")[0].rstrip("/")
            if bare not in urls and any(bare.startswith(home) and bare != home.rstrip("/") for home in homes):
                yield line, f"the link to {target} leads to no article"
        elif page and page.removesuffix(".md") not in ids and not (folder / page).exists():
            yield line, f"the link to {target} leads to no article"
        elif not page and anchor and anchor.lower() not in _anchors(file.text):
            yield line, f"the link to #{anchor} leads to no heading of the article"
    for _, id in file.article.translations:
        if id not in ids:
            yield 1, f"its translation {id!r} is no article"


def _own_urls(articles: Sequence[Article]) -> Iterator[tuple[str, str]]:
    """Yield address and id of articles whose address ends with their id, which tells where the others live."""
    for article in articles:
        url = (article.url or "").rstrip("/")
        if url.endswith(f"/{article.id}"):
            yield url, article.id


def _anchors(text: str) -> set[str]:
    """Return the anchors that Markdown renderers make of headings: lower case, dashes, no punctuation."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in _HEADING.findall(text)}


def _double_titles(articles: Sequence[Article]) -> Iterator[Finding]:
    titled: dict[tuple[str, str], list[str]] = defaultdict(list)
    for article in articles:
        titled[(article.language, " ".join(article.title.casefold().split()))].append(article.id)
    for (_, title), ids in titled.items():
        if len(ids) > 1:
            told = f"{', '.join(ids)} have one title, {title!r}; say in each what is special to it"
            yield Finding(rule=Rule.DOUBLE_TITLE, text=told, articles=tuple(ids))


def _uncovered(articles: Sequence[Article], service_types: Collection[str]) -> Iterator[Finding]:
    covered = {code for article in articles for code in article.service_types}
    for code in service_types:
        if code not in covered:
            yield Finding(rule=Rule.UNCOVERED_TYPE, text=f"no article answers for the service type {code}")


def _translations(articles: Sequence[Article]) -> Iterator[Finding]:
    """Yield what a translation states and the other article does not, of what every language writes alike."""
    by_id = {article.id: article for article in articles}
    pairs = {tuple(sorted((article.id, id))) for article in articles for _, id in article.translations if id in by_id}
    for one, other in sorted(pairs):
        ours, theirs = _figures(by_id[one]), _figures(by_id[other])
        differences = {
            kind: (ours[kind] - theirs[kind], theirs[kind] - ours[kind]) for kind in ours.keys() & theirs.keys()
        }
        for kind, (only_one, only_other) in sorted(differences.items()):
            if only_one and only_other:
                told = (
                    f"{one} says {_listed(only_one)} where its translation {other} says {_listed(only_other)} ({kind})"
                )
                yield Finding(rule=Rule.TRANSLATION, text=told, articles=(one, other))


def _figures(article: Article) -> dict[str, set[str]]:
    figures: dict[str, set[str]] = defaultdict(set)
    for section in article.sections:
        for fact in facts_of(section.text):
            if fact.kind in _SAME_IN_ALL_LANGUAGES:
                figures[fact.kind].add(fact.value)
    return figures


def _listed(values: Collection[str]) -> str:
    return ", ".join(sorted(values))


def _contradiction(found: Contradiction) -> Finding:
    first, second = found.first, found.second
    told = (
        f"{first.article.id}: “{first.sentence}” — {second.article.id}: “{second.sentence}” "
        f"(differ in {', '.join(found.kinds)}; same statement {found.covered:.0%})"
    )
    ids = dict.fromkeys((first.article.id, second.article.id))
    return Finding(rule=Rule.CONTRADICTION, text=told, articles=tuple(ids))
