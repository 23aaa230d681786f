"""Help Center articles as Zendesk's API and its export tools write them: JSON, read piece by piece."""

from codecs import BOM_UTF8 as _MARK
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from kb.importers.items import Defaults, Item, LeftOut, Source, audience_of, compose
from kb.importers.pages import page_of
from triage.errors import DataError
from triage.languages import code_of

MAX_DEPTH = 50


def read_zendesk(source: Source, defaults: Defaults) -> Iterator[Item]:
    """Yield an article, and one for each translation that comes with it; drafts are left out.

    Read are `{"articles": […]}`, several such pages one after the other, a bare list of articles, and one article a
    line.

    Raises:
        DataError: If the JSON is broken or cut off; what stood before it has been yielded.
    """
    import ijson

    number = 0
    try:
        with source.open() as file:
            if file.peek(3).startswith(_MARK):
                file.read(len(_MARK))
            events = ijson.parse(_shallow(ijson.basic_parse(file, multiple_values=True)))
            for number, record in enumerate(ijson.items(events, _prefix(source)), start=1):
                yield from _articles(record, f"{source.name}:article {number}", defaults)
    except (ijson.JSONError, UnicodeDecodeError) as error:
        raise DataError(f"its JSON breaks off after article {number} ({_first_line(error)})") from error
    if not number:
        raise DataError('it holds no articles; a Help Center export is {"articles": [{"id", "title", "body"}, …]}')


def _shallow(events: Iterable[tuple[str, object]]) -> Iterator[tuple[str, object]]:
    """Pass events on; building values that are nested without end would end the process."""
    depth = 0
    for event, value in events:
        depth += event.startswith("start_") - event.startswith("end_")
        if depth > MAX_DEPTH:
            raise DataError(f"its JSON is nested more than {MAX_DEPTH} deep, which no export is")
        yield event, value


def _prefix(source: Source) -> str:
    """Return where articles stand, told from how the file begins."""
    with source.path.open("rb") as file:
        start = file.read(1 << 16).removeprefix(_MARK).lstrip()
    if start.startswith(b"["):
        return "item"
    return "" if b'"body"' in start and b'"articles"' not in start else "articles.item"


def _articles(record: object, place: str, defaults: Defaults) -> Iterator[Item]:
    number = record.get("id") if isinstance(record, Mapping) else None
    if not isinstance(record, Mapping) or not isinstance(number, int | str | Decimal):
        yield LeftOut(source=place, reason="it is no article: it has no id")
        return
    translations = [each for each in record.get("translations") or () if isinstance(each, Mapping)]
    own = str(record.get("locale") or record.get("source_locale") or "")
    yield _article(record, f"zendesk-{number}", place, record, defaults)
    for each in translations:
        locale = str(each.get("locale") or "")
        if locale and locale.lower() != own.lower():
            yield _article(each, f"zendesk-{number}-{locale.lower()}", f"{place} ({locale})", record, defaults)


def _article(record: Mapping[str, Any], id: str, place: str, parent: Mapping[str, Any], defaults: Defaults) -> Item:
    if record.get("draft"):
        return LeftOut(source=place, id=id, reason="it is a draft that was not published", is_fault=False)
    if record.get("outdated"):
        return LeftOut(source=place, id=id, reason="it is marked as outdated", is_fault=False)
    try:
        page = page_of(str(record.get("body") or ""))
    except DataError as error:
        return LeftOut(source=place, id=id, reason=str(error))
    fields = {
        "url": record.get("html_url"),
        "language": code_of(str(record.get("locale") or record.get("source_locale") or "")),
        "audience": audience_of(parent.get("user_segment_id") is not None),
    }
    title = str(record.get("title") or record.get("name") or "")
    return compose(id=id, title=title, body=page.body, source=place, defaults=defaults, fields=fields)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:120] if str(error).strip() else type(error).__name__
