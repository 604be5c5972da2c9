"""Pages link to pages that are there, and the index of decisions has them all, by their titles."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ADR = ROOT / "docs" / "adr"
PAGES = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").rglob("*.md"))]
FRAGMENTS = sorted((ROOT / "changes").glob("*.md"))
LINK = re.compile(r"\]\(([^)\s]+)\)")


@pytest.mark.parametrize("page", [*PAGES, *FRAGMENTS], ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    folder = ROOT if page in FRAGMENTS else page.parent  # fragments become a part of CHANGELOG.md
    for link in LINK.findall(page.read_text()):
        path, _, heading = link.partition("#")
        if "://" in link:
            continue
        target = folder / path if path else page
        assert target.exists(), link
        if heading:
            assert heading in anchors(target), link


def anchors(page: Path) -> set[str]:
    """What a heading is called in a link."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_index_of_decisions_has_them_all() -> None:
    listed = re.findall(r"^\* \[(\d+)\]\(([\w.-]+)\) (.*)$", (ADR / "README.md").read_text(), re.MULTILINE)
    pages = sorted(ADR.glob("0*.md"))
    assert listed == [
        (page.name[:4], page.name, page.read_text().partition("\n")[0].partition(". ")[2]) for page in pages
    ]


@pytest.mark.parametrize("page", ["README.md", "docs/guide.md"])
def test_pages_count_the_definitions_that_come_along(page: str) -> None:
    there = sum(
        len(re.findall(r"^kind: ProcessSet$", file.read_text(), re.MULTILINE)) for file in ROOT.glob("etc/model/*.yaml")
    )
    assert re.findall(r"(\d+) definitions come with Tocsin", (ROOT / page).read_text()) == [str(there)]


def test_the_readme_names_every_page_for_users() -> None:
    read_by_who_works_on_it = {"contract.md", "protocol.md", "style.md"}
    named = set(LINK.findall((ROOT / "README.md").read_text()))
    assert {
        f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md") if page.name not in read_by_who_works_on_it
    } <= named
