from pathlib import Path

import pytest

from kb.importers.pages import page_of
from tests.kb.importers.samples import article_of, imported, reasons, text_of, told, write
from triage.errors import DataError

PAGE = """<!DOCTYPE html><html lang="es-MX"><head><title>Tab | City</title><style>p {color: red}</style>
<link rel="canonical" href="https://city.example/horas"></head><body>
<nav>Menu</nav><header>Logo</header><main><h1>Horas  de oficina</h1><script>track()</script>
<p>Abierto <b>hoy</b>. <a href="pagos.html#x">Pagos</a>, <a href="javascript:x()">nada</a>,
<a href="/mapa">mapa</a>.</p><p hidden>secreto</p>
<h2>Cu\u00e1ndo</h2><table><tr><td>Lunes</td><td>9 | 5</td></tr><tr><td>Martes</td><td>cerrado</td></tr></table>
<form><input><button>Go</button></form></main><footer>Foot</footer></body></html>"""


def test_a_saved_page_keeps_its_text_tables_and_links_and_nothing_around_them(tmp_path: Path) -> None:
    write(tmp_path / "site" / "horas.html", PAGE)
    assert told(imported(tmp_path / "site", tmp_path / "out")) == [("added", "horas")]
    article = article_of(tmp_path / "out", "horas")
    assert (article.title, article.language, article.url) == ("Horas de oficina", "es", "https://city.example/horas")
    assert text_of(tmp_path / "out", "horas") == (
        "Abierto **hoy**. [Pagos](pagos.md), nada,\n[mapa](https://city.example/mapa).\n\n## Cuándo\n\n"
        "| Lunes | 9 / 5 |\n| --- | --- |\n| Martes | cerrado |\n"
    )


def test_a_page_in_another_encoding_is_read_as_it_says(tmp_path: Path) -> None:
    page = '<meta charset="iso-8859-1"><title>Caf\xe9</title><p>Se\xf1or</p>'
    imported(write(tmp_path / "a.html", page.encode("latin-1")), tmp_path / "out")
    assert (article_of(tmp_path / "out", "a").title, text_of(tmp_path / "out", "a")) == ("Café", "Señor\n")


def test_pages_in_folders_have_ids_of_their_place(tmp_path: Path) -> None:
    for name in ("index.html", "pay/index.html", "pay/by-mail.htm"):
        write(tmp_path / "site" / name, f"<h1>{name}</h1><p>text</p>")
    assert [id for _, id in told(imported(tmp_path / "site", tmp_path / "out"))] == ["index", "pay-by-mail", "pay"]


def test_a_page_without_text_is_left_out(tmp_path: Path) -> None:
    assert reasons(imported(write(tmp_path / "a.html", "<h1>T</h1><script>x</script>"), tmp_path / "out")) == [
        "it has no text"
    ]


def test_deep_nesting_is_refused_and_the_next_page_is_read(tmp_path: Path) -> None:
    write(tmp_path / "site" / "bomb.html", "<div>" * 5_000 + "x" + "</div>" * 5_000)
    write(tmp_path / "site" / "good.html", "<h1>Good</h1><p>text</p>")
    changes = imported(tmp_path / "site", tmp_path / "out")
    assert told(changes) == [("left out", None), ("added", "good")]
    assert "nested more deeply than a page is" in reasons(changes)[0]


def test_entities_are_not_expanded() -> None:
    lines = [f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10)]
    bomb = f'<!DOCTYPE html [<!ENTITY e0 "ha">{"".join(lines)}]><body><p>&e9;</p></body>'
    assert len(page_of(bomb).body) < 2_000


def test_a_page_that_is_too_large_is_refused(tmp_path: Path) -> None:
    changes = imported(write(tmp_path / "a.html", "x" * 8_000_001), tmp_path / "out")
    assert reasons(changes) == ["a.html is larger than 8,000,000 bytes, too much for one article; cut it"]


def sitemap(*urls: str) -> str:
    entries = "".join(f"<url><loc>{url}</loc><lastmod>2026-05-01</lastmod></url>" for url in urls)
    return f'<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</urlset>'


def test_a_sitemap_gives_the_saved_pages_their_addresses_and_names_what_is_not_saved(tmp_path: Path) -> None:
    write(tmp_path / "pay.html", "<h1>Pay</h1><p>Online.</p>")
    write(tmp_path / "city.example" / "hours" / "index.html", "<h1>Hours</h1><p>Daily.</p>")
    urls = ("https://city.example/pay", "https://city.example/hours/", "https://city.example/gone")
    changes = imported(write(tmp_path / "sitemap.xml", sitemap(*urls)), tmp_path / "out")
    assert [outcome for outcome, _ in told(changes)] == ["added", "added", "left out"]
    assert [article_of(tmp_path / "out", str(change.id)).url for change in changes[:2]] == list(urls[:2])
    assert reasons(changes) == ["not saved beside the sitemap as gone.html"]


def test_a_sitemap_never_reads_above_its_folder(tmp_path: Path) -> None:
    write(tmp_path / "secret.html", "<h1>Secret</h1><p>No.</p>")
    changes = imported(
        write(tmp_path / "site" / "s.xml", sitemap("https://city.example/%2e%2e/secret.html")), tmp_path / "o"
    )
    assert [outcome for outcome, _ in told(changes)] == ["left out"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('<!DOCTYPE a [<!ENTITY b "c">]><urlset><url><loc>&b;</loc></url></urlset>', "no sitemap that can be read"),
        (sitemap("https://city.example/a")[:-9], "no sitemap that can be read"),
        ("<sitemapindex><sitemap><loc>https://city.example/s.xml</loc></sitemap></sitemapindex>", ""),
    ],
    ids=["entities", "cut off", "an index"],
)
def test_a_sitemap_that_is_none_is_left_out(tmp_path: Path, text: str, reason: str) -> None:
    changes = imported(write(tmp_path / "s.xml", text), tmp_path / "out")
    assert changes[-1].outcome.value == "left out"
    assert reason in changes[-1].detail


def test_links_to_nowhere_lose_their_target_and_keep_their_words() -> None:
    page = page_of(
        '<p><a href="">a</a> <a href="x.pdf">b</a> <a href="mailto:d@example.org">c</a> <a href="//[">d</a></p>'
    )
    assert page.body == "a b [c](mailto:d@example.org) d"


def test_nesting_within_reason_is_read() -> None:
    assert page_of("<div>" * 100 + "x" + "</div>" * 100).body == "x"
    with pytest.raises(DataError):
        page_of("<b>" * 3_000 + "x")
