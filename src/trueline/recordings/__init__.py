"""Recorded exchanges: the form of their files, what is left out of them, and how they are read again.

Pure: who writes the files and when is the business of the shell (`shell/recording.py`), who reads them that of the
command's verbs.
"""

from __future__ import annotations

from .form import Body, Call, Ending, Recording, RecordingError, Request, Sent, headers_of, read_recording
from .played import Played, open_reply
from .scrub import REDACTED, scrub_body, scrub_header, scrub_path

__all__ = [
    "REDACTED",
    "Body",
    "Call",
    "Ending",
    "Played",
    "Recording",
    "RecordingError",
    "Request",
    "Sent",
    "headers_of",
    "open_reply",
    "read_recording",
    "scrub_body",
    "scrub_header",
    "scrub_path",
]
