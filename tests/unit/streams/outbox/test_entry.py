"""Entries of the outbox: made from the engine's outputs, and read as they were written."""

from __future__ import annotations

from models.engine.changes import NumberedOutput
from streams.outbox.entry import Destination, Entry, pack, unpack

OUTPUT = NumberedOutput("triggers", 7, "t-7", b"anna", b'{"p":0.9}', 1_000, 2_000)


def test_an_entry_is_made_from_an_output_field_by_field() -> None:
    entry = Entry.of(OUTPUT, 3)
    assert entry == Entry("triggers", 3, 7, "t-7", b"anna", b'{"p":0.9}', 1_000, 2_000)
    assert entry.destination == Destination("triggers", 3)


def test_its_stored_bytes_are_those_of_earlier_releases() -> None:
    stored = b'\x98\xa8triggers\x03\x07\xa3t-7\xc4\x04anna\xc4\x09{"p":0.9}\xcd\x03\xe8\xcd\x07\xd0'
    assert pack(Entry.of(OUTPUT, 3)) == stored
    assert unpack(stored) == Entry.of(OUTPUT, 3)
