"""What an import took, and what it left, for people and as a document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from common.quantities import counted
from hub.cli.output import Column, say, show, table
from hub.model.fields import cut

if TYPE_CHECKING:
    from hub.imports.report import Imported

MAX_RENAMED = 20
_TITLES = {
    "DeviceClass": ("device class", "device classes"),
    "Group": ("group", "groups"),
    "Device": ("device", "devices"),
    "ProcessSet": ("process set", "process sets"),
}
_COLUMNS = (Column("setting"), Column("times", right=True), Column("lines"), Column("why", wraps=True))


def report_document(name: str, imported: Imported) -> dict[str, Any]:
    """The report as `--json` has it."""
    return {
        "file": name,
        "taken": {kind: imported.counts().get(kind, 0) for kind in _TITLES},
        "losses": [
            {
                "setting": loss.setting,
                "count": loss.count,
                "lines": list(loss.lines),
                "why": loss.why,
                "needed": loss.needed,
            }
            for loss in imported.losses
        ],
        "renamed": [{"kind": one.kind, "line": one.line, "old": one.old, "new": one.new} for one in imported.renamed],
    }


def show_report(report: Mapping[str, Any]) -> None:
    """Print a report."""
    taken = [counted(report["taken"][kind], *words) for kind, words in _TITLES.items() if report["taken"][kind]]
    say(f"Taken from {report['file']}: {', '.join(taken)}")
    _show_renamed(report["renamed"])
    _show_losses("Without equivalent:", [loss for loss in report["losses"] if loss["needed"]])
    _show_losses("Not needed here:", [loss for loss in report["losses"] if not loss["needed"]])


def _show_renamed(rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    say("Other names, as these cannot be ids:")
    for row in rows[:MAX_RENAMED]:
        say(f"  {row['kind']} {cut(row['old'])} -> {cut(row['new'])} (line {row['line']})")
    if len(rows) > MAX_RENAMED:
        say(f"  and {len(rows) - MAX_RENAMED} more")


def _show_losses(title: str, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    say(title)
    cells = [[cut(row["setting"]), row["count"], _lines(row), row["why"]] for row in rows]
    show(table(_COLUMNS, cells))


def _lines(row: Mapping[str, Any]) -> str:
    more = " …" if row["count"] > len(row["lines"]) else ""
    return ", ".join(map(str, row["lines"])) + more
