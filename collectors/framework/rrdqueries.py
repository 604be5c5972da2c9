"""The reader process: answers one question after the other about the RRD folder.

Started by the collector daemon as `python -m collectors.framework.rrdqueries --rrd DIR`. Questions come on its standard
input, answers leave on its standard output, each with its length in four bytes before it. It may be killed at any
moment: it changes nothing. The end of the input ends it.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
import time
import traceback
from pathlib import Path

import msgspec

from collectors.framework.data.reading.answers import Answer, Request, answer
from collectors.framework.data.reading.baselinereading import LessonsTold
from collectors.framework.data.reading.picturecache import Pictures
from common.errors import NotFoundError, TocsinError, TransientError
from common.graphdrawing import warm_up
from common.pipes import serve
from common.wire import Failure, FailureCode

MAX_REQUEST_BYTES = 64 * 1024 * 1024

_decoder = msgspec.msgpack.Decoder(Request)
_encoder = msgspec.msgpack.Encoder()
_pictures = Pictures()


def respond(root: Path, data: bytes) -> Answer | LessonsTold | Failure:
    """The answer to one encoded question; every error becomes a `Failure`."""
    try:
        os.chdir(root)
        return answer(root, _decoder.decode(data), time.time(), _pictures)
    except NotFoundError as error:
        return Failure(FailureCode.NOT_FOUND, error.message)
    except TransientError as error:
        return Failure(FailureCode.UNAVAILABLE, error.message)
    except TocsinError as error:
        return Failure(FailureCode.BAD_REQUEST, error.message)
    except (OSError, sqlite3.Error) as error:
        return Failure(FailureCode.UNAVAILABLE, f"The RRD folder {root} cannot be read: {error}")
    except Exception:  # noqa: BLE001 - the supervisor of this process: one bad question ends no other
        sys.stderr.write(traceback.format_exc())
        return Failure(FailureCode.INTERNAL, "The reader process failed at this question; see the daemon's log")


def main(arguments: list[str]) -> int:
    """Answer until the input ends."""
    parser = argparse.ArgumentParser(prog="rrdqueries")
    parser.add_argument("--rrd", type=Path, required=True)
    root = parser.parse_args(arguments).rrd.absolute()
    warm_up()
    serve(lambda data: _encoder.encode(respond(root, data)), MAX_REQUEST_BYTES)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
