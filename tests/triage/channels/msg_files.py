"""Outlook .msg files for tests: a writer of compound files ([MS-CFB]) and of the properties in them ([MS-OXMSG])."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

SECTOR, MINI, CUTOFF = 512, 64, 4096
FREE, END, FAT, NONE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFF
TEXT, BYTES, NUMBER = 0x001F, 0x0102, 0x0003
SUBJECT, BODY, HEADERS, CLASS, SENDER_NAME, SENDER_ADDRESS = 0x0037, 0x1000, 0x007D, 0x001A, 0x0C1A, 0x0C1F
ATTACHMENT_DATA, ATTACHMENT_NAME, ATTACHMENT_TYPE, STORE_SUPPORT, ATTACH_METHOD = 0x3701, 0x3707, 0x370E, 0x340D, 0x3705
Tree = dict[str, "bytes | Tree"]


def msg_file(
    texts: Mapping[int, str],
    attachments: Mapping[str, bytes] | None = None,
    inner: Sequence[Mapping[int, str]] = (),
) -> bytes:
    """Return a .msg file with text properties, attachments by name, and mails inside each other by text properties."""
    root = _mail(bytes(8), texts, attachments or {}, inner)
    root["__nameid_version1.0"] = {f"__substg1.0_000{number}0102": b"" for number in (2, 3, 4)}
    return compound_file(root)


def _mail(
    reserved: bytes, texts: Mapping[int, str], files: Mapping[str, bytes], inner: Sequence[Mapping[int, str]]
) -> Tree:
    count = len(files) + bool(inner)
    head = bytes(8) + struct.pack("<4I", 0, count, 0, count) + reserved
    tree = _properties(head, {(CLASS, TEXT): "IPM.Note", **{(pid, TEXT): text for pid, text in texts.items()}})
    for number, (name, content) in enumerate(files.items()):
        values: dict[tuple[int, int], str | bytes | int] = {
            (ATTACHMENT_DATA, BYTES): content,
            (ATTACHMENT_NAME, TEXT): name,
            (ATTACHMENT_TYPE, TEXT): "text/plain",
            (ATTACH_METHOD, NUMBER): 1,
        }
        tree[f"__attach_version1.0_#{number:08X}"] = _properties(bytes(8), values)
    if inner:
        attached = _properties(bytes(8), {(ATTACHMENT_NAME, TEXT): "a.msg", (ATTACH_METHOD, NUMBER): 5})
        attached["__substg1.0_3701000D"] = _mail(b"", inner[0], {}, inner[1:])
        tree[f"__attach_version1.0_#{len(files):08X}"] = attached
    return tree


def _properties(head: bytes, values: Mapping[tuple[int, int], str | bytes | int]) -> Tree:
    tree: Tree = {}
    rows = [head]
    for (pid, kind), value in values.items():
        if isinstance(value, int):
            rows.append(struct.pack("<HHIiI", kind, pid, 6, value, 0))
            continue
        content = value.encode("utf-16-le") if isinstance(value, str) else value
        size = len(content) + (2 if kind == TEXT else 0)
        rows.append(struct.pack("<HHIII", kind, pid, 6, size, 0))
        tree[f"__substg1.0_{pid:04X}{kind:04X}"] = content
    tree["__properties_version1.0"] = b"".join(rows)
    return tree


@dataclass
class Entry:
    name: str
    kind: int
    content: bytes = b""
    child: int = NONE
    right: int = NONE
    start: int = END
    children: list[int] = field(default_factory=list)


def compound_file(tree: Tree) -> bytes:
    """Return a compound file of version 3 that holds these streams and storages."""
    entries: list[Entry] = [Entry("Root Entry", 5)]
    _add(entries, 0, tree)
    mini = bytearray()
    mini_fat: list[int] = []
    for entry in entries:
        if entry.kind == 2 and 0 < len(entry.content) < CUTOFF:
            entry.start = len(mini) // MINI
            count = -(-len(entry.content) // MINI)
            mini_fat += [*range(entry.start + 1, entry.start + count), END]
            mini += entry.content.ljust(count * MINI, b"\0")
    entries[0].content = bytes(mini)
    sectors = bytearray()
    fat: list[int] = []

    def put(content: bytes) -> int:
        if not content:
            return END
        start, count = len(fat), -(-len(content) // SECTOR)
        fat.extend([*range(start + 1, start + count), END])
        sectors.extend(content.ljust(count * SECTOR, b"\0"))
        return start

    for entry in entries:
        if entry.kind == 5 or len(entry.content) >= CUTOFF:
            entry.start = put(entry.content)
    directory_at = put(b"".join(map(_directory_row, entries)).ljust(-(-len(entries) // 4) * SECTOR, b"\0"))
    mini_sectors = -(-len(mini_fat) * 4 // SECTOR)
    mini_fat_at = put(struct.pack(f"<{len(mini_fat)}I", *mini_fat).ljust(mini_sectors * SECTOR, b"\xff"))
    count = 1
    while (len(fat) + count) * 4 > count * SECTOR:
        count += 1
    fat_at = range(len(fat), len(fat) + count)
    fat += [FAT] * count
    sectors += struct.pack(f"<{len(fat)}I", *fat).ljust(count * SECTOR, b"\xff")
    header = struct.pack(
        "<8s16xHHHHH6xIIIIIIIII",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        *(0x3E, 3, 0xFFFE, 9, 6),
        *(0, count, directory_at, 0, CUTOFF, mini_fat_at, mini_sectors, END, 0),
    )
    difat = struct.pack("<109I", *fat_at, *[FREE] * (109 - count))
    return header + difat + bytes(sectors)


def _add(entries: list[Entry], parent: int, tree: Tree) -> None:
    """Add entries below one, each the right sibling of the one before in the format's order of names."""
    before: Entry | None = None
    for name in sorted(tree, key=lambda name: (len(name), name.upper())):
        value = tree[name]
        entry = Entry(name, 1) if isinstance(value, dict) else Entry(name, 2, value)
        entries.append(entry)
        number = len(entries) - 1
        if before is None:
            entries[parent].child = number
        else:
            before.right = number
        before = entry
        if isinstance(value, dict):
            _add(entries, number, value)


def _directory_row(entry: Entry) -> bytes:
    name = entry.name.encode("utf-16-le")
    return struct.pack(
        "<64sHBBIII16xI8x8xIII",
        name,
        *(len(name) + 2, entry.kind, 1, NONE, entry.right, entry.child, 0),
        *(0 if entry.kind == 1 else entry.start, len(entry.content), 0),
    )
