"""What a hub asks its collectors, and what they answer: the messages of the method `query` (see common.wire)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from common.configs import DeviceConfig, Digest
from common.conversion import ConversionQuery, ConversionState
from common.events import EventText
from common.evidence import Evidence, EvidenceId
from common.graphs import Drawing
from common.holdings import Holdings, HoldingsQuery, Purged, PurgeQuery
from common.moving import GiveQuery, Left, LeftQuery, LetGoQuery, Outgoing, OutgoingQuery, Piece, PieceQuery, Taken
from common.names import DeviceId
from common.pushed import Pushed, PushQuery
from common.readings import Heard, HeardQuery, Read, Reading
from common.roll import CommandLine, DeviceScan, Process, RollChange, RollGap, RollRow, SetStatus
from common.statustree import StatusBranch, StatusQuery

ShortText = Annotated[str, Meta(max_length=255)]

MAX_EDGES = 5000
MAX_PAGE_BYTES = 192 * 1024
"""Of texts in a page of an answer, so that it crosses also when nothing of it can be compressed."""


class ProcessesQuery(Struct, frozen=True, tag=True, kw_only=True):
    """The last process table of a device, a page of it in order of pid.

    Attributes:
        lines: also the whole texts that are matched; those of `Process` are cut, and made fit to be seen.
    """

    device: DeviceId
    set: str | None = None
    after_pid: int = -1
    lines: bool = False
    limit: Annotated[int, Meta(ge=1, le=1000)] = 1000


RollStamp = Annotated[float, Meta(ge=0, le=2**33)]


class RollAtQuery(Struct, frozen=True, tag=True, kw_only=True):
    """Who ran at a moment, as the roll book of a device has it; a page in order of pid.

    Attributes:
        at: epoch seconds.
        sets: only processes that one of these sets had then; empty for all.
    """

    device: DeviceId
    at: RollStamp
    sets: Annotated[list[str], Meta(max_length=1000)] = []
    after_pid: int = -1
    limit: Annotated[int, Meta(ge=1, le=1000)] = 1000


class RollBetweenQuery(Struct, frozen=True, tag=True, kw_only=True):
    """What started and ended between two epoch seconds; a page in the order in which it was seen.

    Attributes:
        sets: as in `RollAtQuery`.
        after: where the page before has ended: `RollChanges.last`.
    """

    device: DeviceId
    start: RollStamp
    end: RollStamp
    sets: Annotated[list[str], Meta(max_length=1000)] = []
    after: tuple[int, int] = (0, 0)
    limit: Annotated[int, Meta(ge=1, le=1000)] = 1000


class EvidenceQuery(Struct, frozen=True, tag=True, kw_only=True):
    """What was there when an alarm opened: the detail `evidence` of its event; also of a device that has left since."""

    device: DeviceId
    evidence: EvidenceId


class SetsQuery(Struct, frozen=True, tag=True, kw_only=True):
    """The process sets of some devices; no ids ask for all devices of the collector."""

    devices: list[DeviceId] = []
    after: str = ""
    limit: Annotated[int, Meta(ge=1, le=1000)] = 200


class ListQuery(Struct, frozen=True, tag=True, kw_only=True):
    """Which series of a device there are, with their last values."""

    device: DeviceId
    component: str | None = None
    after: Annotated[int, Meta(ge=0)] = 0


class FetchQuery(Struct, frozen=True, tag=True, kw_only=True):
    """Rows of one series source between two epoch seconds.

    Attributes:
        cf: AVERAGE, MIN or MAX; LAST is the last that is known in a row, SUM what a rate comes to in it.
        points: names; empty for all of the source.
        resolution_s: the seconds a row that are wanted.
        edges: epoch seconds in order; the rows are what lies between two of them, whatever the resolution.
        after: only rows with a later stamp: `Rows.next` of the page before.
        paged: keep to the resolution, however many pages that makes; else the rows are as coarse as one page needs.
    """

    device: DeviceId
    component: str
    source: str
    points: list[str]
    start: int
    end: int
    cf: Annotated[str, Meta(pattern=r"^(AVERAGE|MIN|MAX|LAST|SUM)\Z")] = "AVERAGE"
    resolution_s: Annotated[int, Meta(ge=1)] | None = None
    edges: Annotated[list[int], Meta(max_length=MAX_EDGES)] = []
    after: Annotated[int, Meta(ge=0)] = 0
    paged: bool = False


class GraphQuery(Struct, frozen=True, tag=True, kw_only=True):
    """A picture of a component, or of all components of a device.

    Attributes:
        graph: name of a graph of `common.graphkinds`; empty for the first that fits.
        form: `png`, `svg` or `pdf`.
        shown: what components are called now, by the name that their series are kept under, where that is another.
        drawing: what is drawn, and how; None for the graph by its name.
        part: which part of the file, from 0, where whoever asks puts them together; None for the whole or an error.
    """

    device: DeviceId
    component: str | None
    graph: ShortText
    start: int
    end: int
    form: Annotated[str, Meta(pattern=r"^(png|svg|pdf)\Z")]
    width: Annotated[int, Meta(ge=100, le=4000)] = 720
    height: Annotated[int, Meta(ge=50, le=2000)] = 200
    shown: Annotated[dict[str, str], Meta(max_length=10_000)] = {}
    drawing: Drawing | None = None
    part: Annotated[int, Meta(ge=0, le=100)] | None = None


class LiveConfigQuery(Struct, frozen=True, tag=True):
    """The config that runs for a device."""

    device: DeviceId


class RunNowQuery(Struct, frozen=True, tag=True):
    """Scan these devices now instead of at their next turn."""

    devices: Annotated[list[DeviceId], Meta(max_length=2000)]


class Decision(Struct, frozen=True, kw_only=True):
    """What an operator made of an alarm.

    Attributes:
        severity: of the alarm, as `events.Severity`.
        open: True, it was opened again; False, it was closed.
    """

    device: DeviceId
    component: EventText
    event_class: EventText
    event_key: EventText
    severity: Annotated[int, Meta(ge=0, le=5)]
    open: bool


class DecidedQuery(Struct, frozen=True, tag=True):
    """Think of these alarms as the hub does: one whose cause goes on is raised anew, one whose cause is over ends."""

    decisions: Annotated[list[Decision], Meta(max_length=500)]


class ModelQuery(Struct, frozen=True, tag=True, kw_only=True):
    """Model these devices now; each answers later with a `ModelReport` that bears these words."""

    devices: Annotated[list[DeviceId], Meta(max_length=2000)]
    run: ShortText
    dry_run: bool = False


Query = (
    ProcessesQuery
    | RollAtQuery
    | RollBetweenQuery
    | EvidenceQuery
    | SetsQuery
    | ListQuery
    | FetchQuery
    | GraphQuery
    | LiveConfigQuery
    | RunNowQuery
    | DecidedQuery
    | ModelQuery
    | LeftQuery
    | OutgoingQuery
    | PieceQuery
    | GiveQuery
    | LetGoQuery
    | Reading
    | HeardQuery
    | HoldingsQuery
    | PurgeQuery
    | ConversionQuery
    | StatusQuery
    | PushQuery
)


class Processes(Struct, frozen=True, tag=True, kw_only=True):
    """A page of a process table.

    Attributes:
        at: epoch second of the scan; None before the first.
        lines: for each row the text that is matched, None for a process that does not run and belongs to no set.
            None where the query does not ask for them, and from collectors that do not know that part of it.
    """

    at: float | None
    rows: list[Process]
    more: bool
    lines: list[CommandLine | None] | None = None


class RollTable(Struct, frozen=True, tag=True, kw_only=True):
    """A page of who ran at a moment.

    Attributes:
        scanned: epoch second of the last scan before it that changed something, or that is known of.
        gap: why it is not known who ran; None when it is.
    """

    scanned: float | None
    rows: list[RollRow]
    more: bool
    gap: RollGap | None = None


class RollChanges(Struct, frozen=True, tag=True, kw_only=True):
    """A page of what changed; with `more` there may be others even if this page has none.

    Attributes:
        gaps: times that are not known, as far as this page has come; some may come again with the next one.
        last: what the next page is asked for with.
    """

    changes: list[RollChange]
    gaps: list[RollGap]
    more: bool
    last: tuple[int, int]


class Sets(Struct, frozen=True, tag=True, kw_only=True):
    """Process sets and the last scan of each device; page by `after` = last device id."""

    sets: list[SetStatus]
    scans: list[DeviceScan]
    more: bool


class LastValue(Struct, frozen=True, kw_only=True):
    """The newest value of a point.

    Attributes:
        at: epoch second of the step it belongs to.
        value: as measured (a counter's count, not its rate); None when unknown.
        first: epoch second of the first sample in the file; None when it is not known.
        rate: of a counter of the monitored host, what its series has: so much a second; None when unknown.
    """

    component: str
    source: str
    point: str
    kind: str
    unit: str
    step_s: int
    at: int | None
    value: int | float | None
    first: int | None = None
    rate: float | None = None


class Listing(Struct, frozen=True, tag=True, kw_only=True):
    """Series of a device; page by `after` = number of values seen so far."""

    values: list[LastValue]
    more: bool


class Rows(Struct, frozen=True, tag=True, kw_only=True):
    """What `fetch` found: for each epoch second, the end of a row, a value for each point, None for a gap.

    Attributes:
        step_s: seconds a row; 0 for the edges of the query.
        more: there are others; `next` is what they are asked for with.
        known: of rows between edges, for each row and point the share of the time that is known.
        inexact_until: up to this epoch second rows were made of coarser ones that lie across their ends; 0 for none.
        from_copies: so many rows are from a copy that was kept when an outage began.
    """

    points: list[str]
    units: list[str]
    step_s: int
    start: int
    end: int
    cf: str
    rows: list[tuple[int, list[float | None]]]
    more: bool = False
    next: int = 0
    known: list[list[float]] = []
    inexact_until: int = 0
    from_copies: int = 0


class Picture(Struct, frozen=True, tag=True, kw_only=True):
    """A graph as the bytes of a file.

    Attributes:
        form: `png`, `svg` or `pdf`.
        parts: how many there are of the file; each is asked for with its number.
        digest: of the whole file, so that parts of two drawings are not put together; empty when there is one part.
        drawn: the drawing of the query was followed; collectors of earlier versions know none.
    """

    form: str
    data: bytes
    parts: int = 1
    digest: str = ""
    drawn: bool = False


class LiveConfig(Struct, frozen=True, tag=True, kw_only=True):
    """The config that a collector runs, and its digest."""

    config: DeviceConfig
    digest: Digest


class Done(Struct, frozen=True, tag=True):
    """It is done; `count` things were."""

    count: int = 0


Result = (
    Processes
    | RollTable
    | RollChanges
    | Evidence
    | Sets
    | Listing
    | Rows
    | Picture
    | LiveConfig
    | Done
    | Left
    | Outgoing
    | Piece
    | Taken
    | Read
    | Heard
    | Holdings
    | Purged
    | ConversionState
    | StatusBranch
    | Pushed
)
