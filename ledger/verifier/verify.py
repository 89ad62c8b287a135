#!/usr/bin/env python3
# SPDX-License-Identifier: EUPL-1.2
"""Checks a Herleid dossier with nothing but Python's standard library (3.9 or newer; Linux, macOS, Windows).

    python3 verify.py DOSSIER.zip --anchors ANCHORS.json [--json]

It is written apart from the `herleid` binary, from docs/log-format.md and docs/dossier-format.md alone, so that a
mistake in one of the two shows as a difference. It opens no socket and starts no other program.
"""

import argparse
import base64
import copy
import functools
import hashlib
import hmac
import json
import re
import struct
import sys
import zlib

# --------------------------------------------------------------------------------------------------------------------
# Refusing


class Refused(Exception):
    """Bytes that are not what the format says; the text tells what was found, where, and what was expected."""


def need(condition, message):
    """Refuses with `message` unless `condition` holds."""
    if not condition:
        raise Refused(message)


MAX_INTEGER = 2**53 - 1
HEX64 = re.compile(r"[0-9a-f]{64}\Z")
UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\Z")
DID_WEB = re.compile(r"did:web:([a-z0-9-]+(?:\.[a-z0-9-]+)*)(?:%3A([1-9][0-9]{0,4}))?((?::[A-Za-z0-9._-]+)*)\Z")
ENDS_IN_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\Z")
OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
IPV4 = re.compile(r"(?:%s\.){3}%s\Z" % (OCTET, OCTET))
DID_KEY = re.compile(r"did:key:z[1-9A-HJ-NP-Za-km-z]+\Z")
MAX_DID = 512


def is_integer(value):
    """True for 0 to 2^53 - 1; Python counts booleans among its integers, the format does not."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_INTEGER


def unhex32(text, what):
    """32 bytes from 64 lower-case hex digits."""
    need(isinstance(text, str) and HEX64.match(text), "%s: expected 64 lower-case hex digits" % what)
    return bytes.fromhex(text)


def is_text(value):
    """True for a text of at least one character."""
    return isinstance(value, str) and value != ""


def check_did(text, what):
    """The text, if it is a `did:key`, or a `did:web` in the one spelling that a participant has."""
    need(is_text(text) and len(text) <= MAX_DID, "%s: expected a DID" % what)
    web = DID_WEB.match(text)
    need(web or DID_KEY.match(text), "%s: neither a did:key nor a did:web in its one spelling" % what)
    if web:
        host, port, path = web.groups()
        # Whoever fetches reads `127.1`, `0x7f.0.0.1` and `127.0.0.1` as one address.
        need(not ENDS_IN_NUMBER.match(host) or IPV4.match(host), "%s: an address is four decimal numbers" % what)
        need(int(port or 1) <= 65535 and port != "443", "%s: the port is above 65535, or 443, which is left out" % what)
        need(not {".", ".."} & set(path.split(":")), "%s: a part of the path is `.` or `..`" % what)
        need(path != ":.well-known", "%s: its path leads to the host's own document" % what)
    return text


def unbase64(text, what):
    """Standard base64 with padding, in its one canonical spelling: no white space, no stray bits."""
    need(isinstance(text, str), "%s: expected base64" % what)
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except ValueError:
        raise Refused("%s: not base64" % what) from None
    need(base64.b64encode(data).decode("ascii") == text, "%s: not base64 in canonical form" % what)
    return data


# --------------------------------------------------------------------------------------------------------------------
# JSON, read strictly, and RFC 8785 for the subset that sections use (log-format section 2)

MAX_JSON_BYTES = 1 << 20
MAX_JSON_DEPTH = 32


def _no_duplicates(pairs):
    value = dict(pairs)
    need(len(value) == len(pairs), "a name stands twice in one object")
    return value


def _no_float(text):
    raise Refused("the number `%s` is not an integer" % text[:40])


def _integer(text):
    need(len(text) <= 16 and text != "-0", "the number `%s` is outside 0 to 2^53 - 1" % text[:40])
    value = int(text)
    need(0 <= value <= MAX_INTEGER, "the number `%s` is outside 0 to 2^53 - 1" % text)
    return value


def _depth(text):
    """How deep brackets nest, strings skipped; the outermost object is level 1."""
    depth = deepest = 0
    in_string = escaped = False
    for character in text:
        if in_string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = True
        elif character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def parse_json(data, max_bytes=MAX_JSON_BYTES):
    """Strict JSON of the formats: UTF-8, no duplicate names, integers only, no lone surrogates, 32 levels."""
    need(len(data) <= max_bytes, "%d bytes of JSON, at most %d are read" % (len(data), max_bytes))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("not UTF-8 at byte %d" % error.start) from None
    need(_depth(text) <= MAX_JSON_DEPTH, "nested deeper than %d levels" % MAX_JSON_DEPTH)
    try:
        value = json.loads(text, object_pairs_hook=_no_duplicates, parse_float=_no_float, parse_int=_integer,
                           parse_constant=_no_float)
    except json.JSONDecodeError as error:
        raise Refused("not JSON: %s at byte %d" % (error.msg, len(text[:error.pos].encode("utf-8")))) from None
    _no_surrogates(value)
    return value


def _no_surrogates(value):
    if isinstance(value, str):
        need(not any("\ud800" <= c <= "\udfff" for c in value), "a lone surrogate in a string")
    elif isinstance(value, list):
        for item in value:
            _no_surrogates(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            _no_surrogates(name)
            _no_surrogates(item)


def canonical(value):
    """RFC 8785 bytes. Equal to that standard because names are ASCII and numbers are integers below 2^53."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode("utf-8")


def _ascii_names(value):
    if isinstance(value, list):
        for item in value:
            _ascii_names(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            need(name and all(" " <= c <= "~" for c in name), "a member's name is not printable ASCII")
            _ascii_names(item)


def parse_section(data):
    """A section's bytes: a JSON object of the subset that is in RFC 8785 form already."""
    value = parse_json(data)
    need(isinstance(value, dict), "a section must be a JSON object")
    _ascii_names(value)
    need(canonical(value) == data, "not in RFC 8785 form")
    return value


def members(value, required, optional=(), what="object"):
    """Refuses an object that lacks a required member or has one that the format does not know."""
    need(isinstance(value, dict), "%s: expected an object" % what)
    for name in required:
        need(name in value, "%s: member `%s` is missing" % (what, name))
    for name in value:
        need(name in required or name in optional, "%s: unknown member `%s`" % (what, name[:60]))
    return value


# --------------------------------------------------------------------------------------------------------------------
# Ed25519 (RFC 8032), strict: the one rule both verifiers follow
#
# Accepted is a signature only if: the key's and R's encodings are canonical (y below p), S is below the group order,
# neither the key nor R is of small order, and [S]B = R + [k]A holds without multiplying by the cofactor.

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)
IDENTITY = (0, 1, 1, 0)


def _recover_x(y, sign):
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if x2 == 0:
        return None if sign else 0
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * SQRT_M1 % P
    if (x * x - x2) % P:
        return None
    return P - x if x & 1 != sign else x


def point_add(a, b):
    """Sum of two points in extended homogeneous coordinates (RFC 8032 section 5.1.4)."""
    e = (a[1] - a[0]) * (b[1] - b[0]) % P
    f = (a[1] + a[0]) * (b[1] + b[0]) % P
    g = 2 * a[3] * b[3] * D % P
    h = 2 * a[2] * b[2] % P
    i, j, k, l = f - e, h - g, h + g, f + e
    return (i * j % P, k * l % P, j * k % P, i * l % P)


def point_multiply(scalar, point):
    """[scalar]point. Not constant in time, which does not matter for checking."""
    result = IDENTITY
    while scalar:
        if scalar & 1:
            result = point_add(result, point)
        point = point_add(point, point)
        scalar >>= 1
    return result


def point_encode(point):
    """The 32-byte encoding of RFC 8032 section 5.1.2."""
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def point_decode(data):
    """The point, or None when the bytes encode none canonically."""
    value = int.from_bytes(data, "little")
    y, sign = value & (2**255 - 1), value >> 255
    x = _recover_x(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


def is_small_order(point):
    """True for the eight points whose order divides the cofactor."""
    eighth = point_multiply(8, point)
    return eighth[0] % P == 0 and (eighth[1] - eighth[2]) % P == 0


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE = (_recover_x(BASE_Y, 0), BASE_Y, 1, _recover_x(BASE_Y, 0) * BASE_Y % P)


@functools.lru_cache(maxsize=64)  # All records of a log carry one checkpoint.
def ed25519_verify(public, message, signature):
    """True if `signature` (64 bytes) over `message` is `public`'s (32 bytes), by the strict rule above."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key = point_decode(public)
    if key is None or is_small_order(key):
        return False
    s = int.from_bytes(signature[32:], "little")
    if s >= ORDER:
        return False
    r = point_decode(signature[:32])
    if r is None or is_small_order(r):
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % ORDER
    negated = (P - key[0], key[1], 1, P - key[3])
    expected = point_add(point_multiply(s, BASE), point_multiply(k, negated))
    return point_encode(expected) == signature[:32]


# --------------------------------------------------------------------------------------------------------------------
# Signed notes, checkpoints, cosignatures (C2SP signed-note, tlog-checkpoint, tlog-cosignature)

TYPE_ED25519 = 0x01
TYPE_COSIGNATURE = 0x04
MAX_NOTE_BYTES = 256 * 1024
MAX_BEGINNING_BYTES = 4096
MAX_SIGNATURES = 64
MAX_COSIGNATURE_TIME = 2**63 - 1


def key_id(name, kind, public):
    """The four bytes that name a key in a signature line."""
    return hashlib.sha256(name.encode("utf-8") + b"\n" + bytes([kind]) + public).digest()[:4]


def good_key_name(name):
    """A key's name has no Unicode white space and no plus sign."""
    return bool(name) and "+" not in name and not any(c.isspace() for c in name)


class VerifierKey:
    """A verifier key (vkey): `name+hex(key id)+base64(type | public key)`."""

    def __init__(self, text, kind, what="verifier key"):
        need(isinstance(text, str), "%s: expected a vkey" % what)
        parts = text.split("+", 2)
        need(len(parts) == 3, "%s: expected `name+hex+base64`" % what)
        self.text, self.name = text, parts[0]
        blob = unbase64(parts[2], what)
        need(good_key_name(self.name), "%s: bad name" % what)
        need(len(blob) == 33, "%s: expected 33 bytes, found %d" % (what, len(blob)))
        need(blob[0] == kind, "%s: key type %d, expected %d" % (what, blob[0], kind))
        self.kind, self.public = kind, blob[1:]
        self.id = key_id(self.name, kind, self.public)
        need(parts[1] == self.id.hex(), "%s: the key id does not fit the key" % what)
        point = point_decode(self.public)
        need(point is not None and not is_small_order(point), "%s: not a usable Ed25519 key" % what)


class Note:
    """A signed note: `text` (with its final newline) and `signatures`, a list of (name, key id, bytes)."""

    def __init__(self, raw, what="signed note"):
        need(isinstance(raw, str), "%s: expected text" % what)
        need(len(raw.encode("utf-8", "surrogatepass")) <= MAX_NOTE_BYTES, "%s: too long" % what)
        need(not any((c < " " and c != "\n") or "\ud800" <= c <= "\udfff" for c in raw),
             "%s: control character" % what)
        cut = raw.rfind("\n\n")
        need(cut >= 0 and raw.endswith("\n"), "%s: no blank line before the signatures" % what)
        self.raw, self.text, self.signatures = raw, raw[:cut + 1], []
        lines = raw[cut + 2:-1].split("\n") if len(raw) > cut + 2 else []
        need(1 <= len(lines) <= MAX_SIGNATURES, "%s: %d signatures" % (what, len(lines)))
        for line in lines:
            parts = line.split(" ")
            need(len(parts) == 3 and parts[0] == "\u2014" and good_key_name(parts[1]),
                 "%s: malformed signature line" % what)
            blob = unbase64(parts[2], what)
            need(len(blob) >= 5, "%s: signature too short" % what)
            self.signatures.append((parts[1], blob[:4], blob[4:]))


def signature_by(note, key):
    """Whether `key` signed the note: True, or False if it did not; refuses if any signature under its id is bad.

    For a cosignature key (type 0x04) the answer is the time in seconds since 1970, the earliest of several.
    """
    found = False
    for name, identity, blob in note.signatures:
        if name != key.name or identity != key.id:
            continue
        answer, message = True, note.text
        if key.kind == TYPE_COSIGNATURE:
            need(len(blob) == 72, "the cosignature by `%s` is not 72 bytes long" % key.name)
            answer = struct.unpack(">Q", blob[:8])[0]
            need(0 < answer <= MAX_COSIGNATURE_TIME, "the cosignature by `%s` has no usable time" % key.name)
            message, blob = "cosignature/v1\ntime %d\n%s" % (answer, note.text), blob[8:]
        need(ed25519_verify(key.public, message.encode("utf-8"), blob), "the signature by `%s` does not fit" % key.name)
        found = min(found, answer) if found else answer
    return found


class Checkpoint:
    """A checkpoint's three lines: origin, size, root (32 bytes). Extension lines are refused."""

    def __init__(self, text):
        lines = text.split("\n")
        need(len(lines) == 4 and lines[3] == "", "checkpoint: expected three lines")
        need(good_key_name(lines[0]), "checkpoint: bad origin")
        need(re.match(r"(0|[1-9][0-9]{0,15})\Z", lines[1]), "checkpoint: bad size")
        self.origin, self.size = lines[0], int(lines[1])
        need(self.size <= MAX_INTEGER, "checkpoint: bad size")
        self.root = unbase64(lines[2], "checkpoint root")
        need(len(self.root) == 32, "checkpoint: the root is not 32 bytes long")
        need(self.size or self.root == hashlib.sha256().digest(), "checkpoint: size 0 with another root")


# --------------------------------------------------------------------------------------------------------------------
# The tree (RFC 6962)


def sha256(data):
    """SHA-256, 32 bytes."""
    return hashlib.sha256(data).digest()


def leaf_hash(entry):
    """The hash of a leaf."""
    return sha256(b"\x00" + entry)


def node_hash(left, right):
    """The hash of an inner node."""
    return sha256(b"\x01" + left + right)


def inclusion_root(index, size, leaf, proof):
    """The root that an inclusion proof (leaf to root) leads to; refuses a proof of the wrong length."""
    need(index < size, "index %d is not in a tree of %d" % (index, size))
    node, last, hashed = index, size - 1, leaf
    for step in proof:
        need(last > 0, "the inclusion proof is too long")
        if node & 1 or node == last:
            hashed = node_hash(step, hashed)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            hashed = node_hash(hashed, step)
        node >>= 1
        last >>= 1
    need(last == 0, "the inclusion proof is too short")
    return hashed


def check_inclusion(index, size, root, leaf, proof):
    """Refuses unless `proof` shows that `leaf` stands at `index` in the tree of that size and root."""
    need(inclusion_root(index, size, leaf, proof) == root, "the inclusion proof does not lead to the root")


def check_consistency(old_size, old_root, new_size, new_root, proof):
    """Refuses unless `proof` shows that the newer tree begins with the whole of the older one."""
    need(old_size <= new_size, "a tree of %d cannot extend one of %d" % (new_size, old_size))
    if old_size == 0 or old_size == new_size:
        need(not proof, "the consistency proof is too long")
        need(old_root == (sha256(b"") if old_size == 0 else new_root), "same size, other root")
        return
    node, last = old_size - 1, new_size - 1
    while node & 1:
        node >>= 1
        last >>= 1
    steps = list(proof)
    if node:
        need(steps, "the consistency proof is too short")
        old = new = steps.pop(0)
    else:
        old = new = old_root
    for step in steps:
        need(last > 0, "the consistency proof is too long")
        if node & 1 or node == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            new = node_hash(new, step)
        node >>= 1
        last >>= 1
    need(last == 0, "the consistency proof is too short")
    need(old == old_root and new == new_root, "the consistency proof does not fit the roots")


# --------------------------------------------------------------------------------------------------------------------
# Sections and records handed over (log-format sections 2, 5 and 7)

SECTIONS = ("envelope", "stream-agreement", "stream-model", "stream-case", "exchange", "content", "run", "parameters",
            "people", "facts", "evidence", "private")
STREAMS = ("stream-agreement", "stream-model", "stream-case")


def hkdf_sha256(key, info):
    """HKDF-SHA256 without salt, 32 bytes."""
    pseudorandom = hmac.new(bytes(32), key, hashlib.sha256).digest()
    return hmac.new(pseudorandom, info + b"\x01", hashlib.sha256).digest()


def derive_mac_key(root):
    """A section's MAC key from its root key; a key of another length than 32 bytes is refused."""
    need(len(root) == 32, "a root key has 32 bytes, not %d" % len(root))
    return hkdf_sha256(root, b"herleid/1 mac")


def derive_enc_key(root):
    """A section's encryption key from its root key."""
    need(len(root) == 32, "a root key has 32 bytes, not %d" % len(root))
    return hkdf_sha256(root, b"herleid/1 enc")


def section_mac(mac_key, data):
    """The MAC of a section's bytes; a key of another length than 32 bytes is refused."""
    need(len(mac_key) == 32, "a MAC key has 32 bytes, not %d" % len(mac_key))
    return hmac.new(mac_key, data, hashlib.sha256).digest()


def check_macs(macs):
    """The map of MACs: known section names, the envelope among them, 64 hex digits each."""
    need(isinstance(macs, dict), "macs: expected an object")
    for name, value in macs.items():
        need(name in SECTIONS, "macs: unknown section `%s`" % name[:60])
        unhex32(value, "macs.%s" % name)
    need("envelope" in macs, "macs: every record has an envelope")
    return macs


def entry_of(macs):
    """The 33 bytes that the log holds for a record."""
    return b"\x01" + sha256(canonical(macs))


def content_mac(salt, blake3, digest, length):
    """`exchange.content`: binds both digests and the length of a payload under a salt."""
    return hmac.new(salt, blake3 + digest + struct.pack(">Q", length), hashlib.sha256).digest()


class Unsigned(Refused):
    """A note that has no signature by the key it was checked with."""


class Record:
    """A record handed over. Nothing of it is to be believed before `check` has passed.

    Then `sections` maps the name of each opened section to its parsed object, `texts` to its bytes.
    """

    def __init__(self, value):
        members(value, ("format", "origin", "index", "macs", "opened", "proof", "checkpoint"), ("consistency",),
                "record")
        need(value["format"] == "herleid-record/1", "record: unknown format")
        need(isinstance(value["origin"], str) and good_key_name(value["origin"]), "record: bad origin")
        need(is_integer(value["index"]), "record: bad index")
        self.origin, self.index = value["origin"], value["index"]
        self.macs = check_macs(value["macs"])
        self.leaf = leaf_hash(entry_of(self.macs)).hex()
        need(isinstance(value["opened"], dict), "opened: expected an object")
        for name, opened in value["opened"].items():
            need(name in self.macs, "opened section `%s` does not stand in macs" % name[:60])
            members(opened, ("text", "key"), (), "opened.%s" % name)
            need(isinstance(opened["text"], str), "opened.%s.text: expected a string" % name)
        self.opened = value["opened"]
        self.sections, self.texts = {}, {}
        self.proof = hash_list(value["proof"], "proof")
        self.note = Note(value["checkpoint"], "checkpoint")
        self.checkpoint = Checkpoint(self.note.text)
        need(self.checkpoint.origin == self.origin, "the checkpoint is of origin `%s`" % self.checkpoint.origin)
        self.consistency = None
        if "consistency" in value:
            part = members(value["consistency"], ("from", "proof"), (), "consistency")
            need(is_integer(part["from"]), "consistency.from: expected an integer")
            self.consistency = (part["from"], hash_list(part["proof"], "consistency.proof"))

    def check(self, key):
        """Refuses unless every opened section has its MAC and the record is in the log that `key` signs.

        Cosignatures are not looked at.
        """
        need(key.name == self.origin, "the key is of `%s`, the record of `%s`" % (key.name, self.origin))
        for name, opened in self.opened.items():
            data = opened["text"].encode("utf-8")
            mac = section_mac(unhex32(opened["key"], "opened.%s.key" % name), data)
            need(mac.hex() == self.macs[name], "section `%s`: the MAC does not fit its bytes" % name)
            try:
                self.sections[name] = parse_section(data)
            except Refused as error:
                raise Refused("section `%s`: %s" % (name, error)) from None
            self.texts[name] = data
        if not signature_by(self.note, key):
            raise Unsigned("the checkpoint is not signed by `%s`" % key.name)
        self.key = key
        check_inclusion(self.index, self.checkpoint.size, self.checkpoint.root, bytes.fromhex(self.leaf), self.proof)

    def check_extends(self, size, root):
        """Refuses unless the record's checkpoint extends the tree of that size and root."""
        proof = []
        if size not in (0, self.checkpoint.size):
            need(self.consistency is not None, "the record brings no consistency proof")
            need(self.consistency[0] == size, "the consistency proof is from size %d" % self.consistency[0])
            proof = self.consistency[1]
        check_consistency(size, root, self.checkpoint.size, self.checkpoint.root, proof)

    def member(self, section, name, kind=str):
        """A member of an opened section if it has that type, else None."""
        value = self.sections.get(section, {}).get(name)
        return value if isinstance(value, kind) else None


def hash_list(value, what):
    """A list of at most 64 hashes of 32 bytes, in base64."""
    need(isinstance(value, list) and len(value) <= 64, "%s: expected a list of at most 64 hashes" % what)
    hashes = [unbase64(item, what) for item in value]
    need(all(len(item) == 32 for item in hashes), "%s: a hash has 32 bytes" % what)
    return hashes


# --------------------------------------------------------------------------------------------------------------------
# The zip (dossier-format): one form, every header compared with what it would have to be

MAX_ENTRIES = 65534
MAX_UNPACKED = 4 << 30
MAX_RATIO = 200
RATIO_FREE = 16 << 20
CHUNK = 64 << 10
MANIFEST, SIGNATURE, PROOF = "manifest.json", "manifest.json.sig", "manifest.json.tlog-proof"


def check_file_name(raw):
    """A file's name as text; refuses what could leave its folder or is not the same everywhere."""
    shown = ascii(raw[:300].decode("latin-1"))[1:-1]
    need(0 < len(raw) <= 255, "the file name `%s` is empty or longer than 255 bytes" % shown)
    need(all(0x20 <= byte < 0x7F for byte in raw), "the file name `%s` is not printable ASCII" % shown)
    name = raw.decode("ascii")
    need(not name.startswith("/"), "the file name `%s` starts with `/`" % name)
    need(not name.endswith("/"), "the file name `%s` is a directory" % name)
    need(".." not in name, "the file name `%s` contains `..`" % name)
    need("\\" not in name and ":" not in name, "the file name `%s` contains a backslash or colon" % name)
    need(all(part not in ("", ".") for part in name.split("/")), "the file name `%s` has an empty part" % name)
    return name


class Entry:
    """One file of the zip, as its central header describes it."""

    def __init__(self, name, method, crc, packed, unpacked, offset):
        self.name, self.method, self.crc = name, method, crc
        self.packed, self.unpacked, self.offset = packed, unpacked, offset

    def _shared(self):
        return struct.pack("<5H3I2H", 20, 0, self.method, 0, 0x21, self.crc, self.packed, self.unpacked,
                           len(self.name), 0)

    def local(self):
        """The local header that the entry must have."""
        return b"PK\x03\x04" + self._shared() + self.name.encode("ascii")

    def central(self):
        """The central header that the entry must have."""
        return b"PK\x01\x02" + struct.pack("<H", 20) + self._shared() + bytes(10) + struct.pack("<I", self.offset) \
            + self.name.encode("ascii")


class Archive:
    """A zip whose whole structure has been checked; contents are checked as they are read."""

    def __init__(self, file):
        self.file = file
        length = file.seek(0, 2)
        file.seek(0)
        need(file.read(4) in (b"PK\x03\x04", b"PK\x05\x06"), "not a zip file (%d bytes)" % length)
        count, size, start = self._end(length)
        file.seek(start)
        directory = file.read(size)
        entries, at, offset = [], 0, 0
        for _ in range(count):
            fixed = directory[at:at + 46]
            need(len(fixed) == 46, "the central directory is cut off")
            method, crc, packed, unpacked, name_length = struct.unpack("<10xH4xIIIH16x", fixed)
            name = check_file_name(directory[at + 46:at + 46 + name_length])
            entry = Entry(name, method, crc, packed, unpacked, struct.unpack("<I", fixed[42:])[0])
            written = entry.central()
            need(method in (0, 8), "`%s` is neither stored nor deflated" % name)
            need(directory[at:at + len(written)] == written, "`%s` has a header that no dossier has" % name)
            need(entry.offset == offset, "`%s` does not begin where the entry before it ends" % name)
            need(method == 8 or packed == unpacked, "`%s` is stored and has two lengths" % name)
            entries.append(entry)
            at += len(written)
            offset += 30 + name_length + packed
        need(at == size and offset == start, "bytes stand between, before or after the entries")
        unpacked, limit = sum(entry.unpacked for entry in entries), min(MAX_UNPACKED, RATIO_FREE + MAX_RATIO * length)
        need(unpacked <= limit, "the zip would unpack to %d bytes from %d: refused as a bomb" % (unpacked, length))
        self.entries = {}
        seen = {entry.name.lower() for entry in entries}
        for entry in entries:
            parts = entry.name.lower().split("/")
            folders = {"/".join(parts[:i]) for i in range(1, len(parts))}
            need(not folders & seen, "`%s` has another file as its folder" % entry.name)
            self.entries[entry.name] = entry
        need(len(seen) == len(entries), "two file names are equal or differ in case only: %s" % self._double(entries))
        for entry in entries:
            file.seek(entry.offset)
            written = entry.local()
            need(file.read(len(written)) == written, "`%s`: local header and central directory disagree" % entry.name)

    @staticmethod
    def _double(entries):
        seen = set()
        for entry in entries:
            if entry.name.lower() in seen:
                return "`%s`" % entry.name
            seen.add(entry.name.lower())
        return ""

    def _end(self, length):
        self.file.seek(max(0, length - 22))
        record = self.file.read(22)
        need(len(record) == 22 and record[:4] == b"PK\x05\x06",
             "the zip is truncated, or bytes stand after its end (%d bytes)" % length)
        disks, count, again, size, start, comment = struct.unpack("<4xIHHIIH", record)
        need(0xFFFF not in (count, again) and 0xFFFFFFFF not in (size, start), "the zip uses zip64")
        need(disks == 0 and count == again and comment == 0, "the end record has a comment, a disk or two counts")
        need(start + size == length - 22, "the central directory does not end where the end record begins")
        need(size <= count * (46 + 255), "the central directory is longer than its entries can be")
        return count, size, start

    def stream(self, name):
        """Gives the file's bytes piece by piece; refuses as soon as they do not agree with its header."""
        need(name in self.entries, "`%s` is not in the dossier" % name)
        entry = self.entries[name]
        self.file.seek(entry.offset + 30 + len(name))
        left, crc, made = entry.packed, 0, 0
        inflater = zlib.decompressobj(-15) if entry.method == 8 else None
        while left:
            piece = self.file.read(min(CHUNK, left))
            need(piece, "`%s` is cut off" % name)
            left -= len(piece)
            while piece:
                if inflater:
                    need(not inflater.eof, "`%s` has bytes after its deflated content" % name)
                    try:
                        out = inflater.decompress(piece, CHUNK)
                    except zlib.error:
                        raise Refused("`%s`: its content is not deflate" % name) from None
                    piece = inflater.unconsumed_tail or inflater.unused_data
                else:
                    out, piece = piece, b""
                made += len(out)
                need(made <= entry.unpacked, "`%s` unpacks to more bytes than its header says" % name)
                crc = zlib.crc32(out, crc)
                yield out
        if inflater:
            out = inflater.flush(CHUNK)
            made += len(out)
            need(made <= entry.unpacked, "`%s` unpacks to more bytes than its header says" % name)
            crc = zlib.crc32(out, crc)
            yield out
            need(inflater.eof, "`%s`: its deflated content is cut off" % name)
        need(made == entry.unpacked, "`%s` unpacks to fewer bytes than its header says" % name)
        need(crc == entry.crc, "`%s`: its CRC-32 is another than its header says" % name)

    def read(self, name, limit):
        """A whole file of at most `limit` bytes."""
        need(name in self.entries, "`%s` is not in the dossier" % name)
        need(self.entries[name].unpacked <= limit, "`%s` is longer than %d bytes" % (name, limit))
        return b"".join(self.stream(name))

    def digest(self, name):
        """SHA-256 (hex) and length."""
        hasher, length = hashlib.sha256(), 0
        for piece in self.stream(name):
            hasher.update(piece)
            length += len(piece)
        return hasher.hexdigest(), length


# --------------------------------------------------------------------------------------------------------------------
# Verdicts

VERIFIED, NOT_CHECKED, MISSING, UNTRUSTED, FAILED = "verified", "not-checked", "missing", "untrusted", "failed"
EXIT_CODES = {VERIFIED: 0, NOT_CHECKED: 0, FAILED: 1, MISSING: 3, UNTRUSTED: 4}
RANKING = (VERIFIED, NOT_CHECKED, MISSING, UNTRUSTED, FAILED)

NOT_CHECKED_HERE = (
    "BLAKE3 digests of data and of what was exchanged", "where an input came from before it was passed on",
    "the sections and members that each kind of record must have",
    "policy decisions, credentials, tokens and signed requests", "what report.html, prov.json and the RO-Crate say",
    "running the models again",
)


class Findings:
    """Elements with their verdicts; the worst one is the whole's."""

    def __init__(self):
        self.elements = []

    def add(self, verdict, check, subject, reason="", explained=None):
        """Adds one element."""
        element = {"check": check, "subject": subject, "verdict": verdict}
        if reason:
            element["reason"] = str(reason)
        if explained:
            element["explained"] = explained
        self.elements.append(element)

    def attempt(self, check, subject, action):
        """The result of `action`, or None when it refuses, which is an element of its own then."""
        try:
            return action()
        except NoKey as error:
            self.add(UNTRUSTED, check, subject, error)
        except Refused as error:
            self.add(FAILED, check, subject, error)
        return None

    def guard(self, what, action):
        """Runs one part of the verification; what it stumbles over is a fault of the archive, never the end of it."""
        try:
            action()
        except OSError:
            raise  # The file itself cannot be read, which says nothing about what stands in it.
        except Exception as error:  # MemoryError and RecursionError are among these.
            reason = error if isinstance(error, Refused) else "%s cannot be checked (%s)" % (what, type(error).__name__)
            self.add(FAILED, "archive", "zip", reason)

    def worst(self):
        """Failed, untrusted, missing, else verified. An erasure that the log proves does not count."""
        found = VERIFIED
        for element in self.elements:
            if element["verdict"] == MISSING and element.get("explained", {}).get("proved"):
                continue
            found = max(found, element["verdict"], key=RANKING.index)
        return VERIFIED if found == NOT_CHECKED else found


# --------------------------------------------------------------------------------------------------------------------
# Anchors


def _time(value, what):
    need(is_integer(value), "%s: expected milliseconds since 1970" % what)


def _period(value, what):
    _time(value["from"], what)
    if value.get("until") is not None:
        _time(value["until"], what)
        need(value["until"] > value["from"], "%s: `until` does not come after `from`" % what)


def covers(period, at_ms):
    """Whether the moment lies from `from` on and before `until`."""
    until = period.get("until")
    return period["from"] <= at_ms and (until is None or at_ms < until)


def _list(value, what):
    need(isinstance(value, list), "%s: expected a list" % what)
    return value


def _text(value, what):
    need(isinstance(value, str), "%s: expected a text" % what)
    return value


class Anchors:
    """What the auditor knows from elsewhere, read strictly."""

    def __init__(self, data):
        value = parse_json(data, 16 << 20)
        members(value, ("format", "obtained", "quorum", "parties", "witnesses", "issuers", "checkpoints", "streams"),
                (), "anchors")
        need(value["format"] == "herleid-anchors/1", "anchors: unknown format")
        _time(value["obtained"], "obtained")
        need(is_integer(value["quorum"]) and value["quorum"] > 0, "quorum: expected at least 1")
        self.quorum, self.logs, self.names, self.witnesses = value["quorum"], [], {}, []
        for party in _list(value["parties"], "parties"):
            members(party, ("did", "name", "logs", "keys", "party"), (), "party")
            did = check_did(party["did"], "party.did")
            need(did not in self.names and isinstance(party["party"], bool), "parties: a DID stands twice")
            self.names[did] = _text(party["name"], "party.name")
            for log in _list(party["logs"], "party.logs"):
                members(log, ("origin", "verifierKey", "from"), ("until",), "log")
                key = VerifierKey(log["verifierKey"], TYPE_ED25519, "log key")
                need(key.name == log["origin"], "log: the key's name is not the origin")
                _period(log, "log")
                self.logs.append((did, key, log))
            self._keys(party["keys"])
        for witness in _list(value["witnesses"], "witnesses"):
            members(witness, ("name", "verifierKey", "outside"), (), "witness")
            need(isinstance(witness["outside"], bool), "witness.outside: expected true or false")
            key = VerifierKey(witness["verifierKey"], TYPE_COSIGNATURE, "witness key")
            self.witnesses.append((_text(witness["name"], "witness.name"), key, witness["outside"]))
        for issuer in _list(value["issuers"], "issuers"):
            members(issuer, ("did", "types", "keys"), (), "issuer")
            check_did(issuer["did"], "issuer.did")
            self._keys(issuer["keys"])
        logs = [key.text for _, key, _ in self.logs]
        need(len(set(logs)) == len(logs), "anchors: a log's key stands twice")
        # The bytes alone: under two names one witness would count for two, or a log would witness itself.
        witnesses = [key.public for _, key, _ in self.witnesses]
        need(len(set(witnesses)) == len(witnesses), "anchors: a witness's key stands twice")
        need(not {key.public for _, key, _ in self.logs} & set(witnesses), "anchors: a witness has the key of a log")
        self.checkpoints = [Note(note, "checkpoints") for note in _list(value["checkpoints"], "checkpoints")]
        self.streams = []
        for stream in _list(value["streams"], "streams"):
            members(stream, ("record", "kind", "of"), (), "stream")
            need(stream["kind"] in STREAMS, "streams: `kind` is not the name of a stream section")
            self.streams.append((Record(stream["record"]), stream["kind"], stream["of"]))

    @staticmethod
    def _keys(keys):
        for key in _list(keys, "keys"):
            members(key, ("id", "jwk", "from"), ("until",), "key")
            need(isinstance(key["jwk"], dict), "key.jwk: expected an object")
            _period(key, "key")


class NoKey(Refused):
    """Neither anchors nor dossier have a key for an origin: untrusted, not failed."""


class Keys:
    """Which key a log's signature is checked with: the anchored ones first, then the one that the dossier claims."""

    def __init__(self, anchors, claimed):
        self.candidates = {}  # origin -> [(key, DID, period or None)]
        for did, key, period in anchors.logs if anchors else ():
            self.candidates.setdefault(key.name, []).append((key, did, period))
        for did, key in claimed.values():
            known = self.candidates.setdefault(key.name, [])
            if all(key.text != other.text for other, _, _ in known):
                known.append((key, did, None))

    def first(self, origin, check):
        """(result, DID, period or None) for the first key of `origin` that signed at all."""
        last = NoKey("neither the anchors nor the dossier have a key of `%s`" % origin)
        for key, did, period in self.candidates.get(origin, ()):
            try:
                return check(key), did, period
            except Unsigned as error:
                last = error
        raise last

    def open(self, record):
        """Checks a record handed over; (record, DID, period or None)."""
        def check(key):
            record.check(key)
            return record
        return self.first(record.origin, check)

    def note(self, origin, note):
        """Checks a note's signature; (key, DID, period or None)."""
        def check(key):
            if not signature_by(note, key):
                raise Unsigned("the note is not signed by `%s`" % key.name)
            return key
        return self.first(origin, check)


# --------------------------------------------------------------------------------------------------------------------
# The checks

MAX_RECORD = 32 << 20
MAX_RECORDS = 256 << 20
MAX_MANIFEST = MAX_ENTRIES * (64 + 255 + 48)
MAX_NAMED = 100
MAX_NAMED_IN_ALL = 10000
DIGESTS = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
WHYS = ("erased", "withheld", "never-recorded", "licence")


class Dossier:
    """One verification: every check adds its elements to `findings` and never stops at the first fault."""

    def __init__(self, archive, anchors):
        self.archive, self.anchors, self.findings = archive, anchors, Findings()
        self.manifest, self.digest, self.found = None, "", {}
        self.logs, self.checkpoints, self.cosigned, self.sightings = {}, {}, {}, []
        self.keys, self.missing = Keys(anchors, {}), {}
        self.records, self.record_bytes = [], 0
        self.shown = {}  # (origin, leaf hash) -> names of the sections that one copy or another opens
        self.erased, self.tombstones = {}, {}  # tombstones: (origin, leaf hash) -> names of sections
        self.exchanges = Exchanges(self)
        self.runs = Runs(self)

    def verify(self):
        """Runs all checks in order. A part that cannot be finished fails, and the others go on."""
        self.findings.add(VERIFIED, "archive", "zip")
        guard = self.findings.guard
        guard("the manifest", self.check_manifest)
        if self.manifest is None:
            return
        guard("the files", self.check_files)
        guard("the logs", self.check_logs)
        guard("the records", self.check_records)
        guard("the receipts", self.check_receipts)
        guard("the manifest's signature and record", self.check_manifest_proof)
        guard("missing.json", self.check_missing)
        guard("erasures", self.find_erasures)
        guard("forks", self.check_forks)
        guard("first records", self.check_log_opened)
        guard("exchanges", self.exchanges.check)
        guard("runs", self.runs.check)
        guard("streams", Streams(self).check)
        guard("earlier records", self.check_prior)
        guard("the decision", self.check_decision)
        guard("documents and data", self.check_documents)

    def check_manifest(self):
        """The list of all files."""
        self.manifest = self.findings.attempt("manifest", MANIFEST, self.read_manifest)

    def check_logs(self):
        """All logs of the dossier."""
        self.logs = self.findings.attempt("log", "logs.json", self.read_logs) or {}
        self.keys = Keys(self.anchors, self.logs)
        for k in sorted(self.logs):
            self.check_log(k)

    def check_missing(self):
        """What the party says of what is not there."""
        self.missing = self.findings.attempt("file", "missing.json", self.read_missing) or {}

    # Files

    def read_manifest(self):
        """`manifest.json` in its one form."""
        data = self.archive.read(MANIFEST, MAX_MANIFEST)
        value = parse_json(data, MAX_MANIFEST)
        need(canonical(value) == data, "the manifest is not in RFC 8785 form")
        members(value, ("format", "case", "party", "origin", "made", "root", "files"), (), "manifest")
        need(value["format"] == "herleid-dossier/1", "manifest: unknown format")
        for name in ("case", "origin"):
            _text(value[name], "manifest.%s" % name)
        check_did(value["party"], "manifest.party")
        _time(value["made"], "manifest.made")
        unhex32(value["root"], "manifest.root")
        need(isinstance(value["files"], dict), "manifest.files: expected an object")
        for name, listed in value["files"].items():
            check_file_name(name.encode("utf-8"))
            members(listed, ("sha256", "bytes"), (), name)
            unhex32(listed["sha256"], name)
            need(is_integer(listed["bytes"]), "%s: expected a length" % name)
        self.digest = hashlib.sha256(data).hexdigest()
        return value

    def check_files(self):
        """Every file as the manifest lists it, and none besides."""
        files, before = self.manifest["files"], len(self.findings.elements)
        for name in self.archive.entries:
            if (name in (MANIFEST, SIGNATURE, PROOF)) == (name in files):
                self.findings.add(FAILED, "file", name, "the manifest does not list this file")
        for name, listed in sorted(files.items()):
            if name not in self.archive.entries:
                self.findings.add(FAILED, "file", name, "the manifest lists this file, and it is not there")
                continue
            found = self.findings.attempt("file", name, lambda name=name: self.archive.digest(name))
            if found is not None:
                self.found[name] = found
                if found != (listed["sha256"], listed["bytes"]):
                    self.findings.add(FAILED, "file", name, "its length or SHA-256 is another than the manifest says")
        if len(self.findings.elements) == before:
            self.findings.add(VERIFIED, "manifest", MANIFEST, "%d files, all as listed" % len(files))

    def read_logs(self):
        """`logs.json`: number -> (DID, key)."""
        logs, origins = {}, set()
        for log in _list(parse_json(self.archive.read("logs.json", MAX_JSON_BYTES)), "logs.json"):
            members(log, ("k", "did", "origin", "verifierKey"), (), "logs.json")
            key = VerifierKey(log["verifierKey"], TYPE_ED25519, "logs.json")
            need(key.name == log["origin"] and key.name not in origins, "logs.json: an origin stands twice, or has "
                 "another key")
            need(is_integer(log["k"]) and log["k"] not in logs, "logs.json: a number stands twice")
            origins.add(key.name)
            logs[log["k"]] = (check_did(log["did"], "logs.json"), key)
        return logs

    def read_missing(self):
        """`missing.json`: (what, id) -> (why, explanation)."""
        value = members(parse_json(self.archive.read("missing.json", 16 << 20), 16 << 20), ("missing",), (), "missing")
        found = {}
        for item in _list(value["missing"], "missing"):
            members(item, ("what", "id", "why", "explanation"), (), "missing")
            need(all(isinstance(part, str) for part in item.values()) and item["why"] in WHYS, "missing: unknown `why`")
            found[item["what"], item["id"]] = (item["why"], item["explanation"])
        return found

    # Logs

    def check_log(self, k):
        """A log's checkpoint, its key against the anchors, and its witnesses."""
        did, key = self.logs[k]
        file = "checkpoints/%d.txt" % k

        def open_checkpoint():
            try:
                note = Note(self.archive.read(file, MAX_NOTE_BYTES).decode("utf-8"), file)
            except UnicodeDecodeError:
                raise Refused("%s: not UTF-8" % file) from None
            checkpoint = Checkpoint(note.text)
            need(checkpoint.origin == key.name, "%s is of `%s`" % (file, checkpoint.origin))
            return note, checkpoint, self.keys.note(key.name, note)

        opened = self.findings.attempt("checkpoint", file, open_checkpoint)
        if opened is None:
            return
        note, checkpoint, (signer, anchored_did, period) = opened
        self.findings.add(VERIFIED, "checkpoint", file)
        self.checkpoints[k] = (note, checkpoint)
        self.sightings.append((checkpoint, signer.text, file, False))
        self.cosigned[key.name] = at_ms = self.check_cosignatures(note, file)
        at_ms = self.manifest["made"] if at_ms is None else at_ms
        if period is None:
            known = self.anchors and any(other.name == key.name for _, other, _ in self.anchors.logs)
            reason = "no anchors were given" if not self.anchors else \
                "the anchors have another key for this log" if known else "the anchors do not know this log"
            self.findings.add(UNTRUSTED, "log", key.name, reason)
        elif anchored_did != did:
            self.findings.add(UNTRUSTED, "log", key.name, "the anchors say it is of %s" % anchored_did)
        elif signer.text != key.text:
            self.findings.add(UNTRUSTED, "log", key.name, "the anchors have another key for this log")
        elif not covers(period, at_ms):
            self.findings.add(UNTRUSTED, "log", key.name, "by the anchors the key did not count then")
        else:
            self.findings.add(VERIFIED, "log", key.name)

    def check_cosignatures(self, note, subject):
        """A quorum of anchored witnesses, one of them outside; the earliest time in milliseconds, or None."""
        if not self.anchors:
            self.findings.add(UNTRUSTED, "cosignatures", subject, "no anchors were given")
            return None
        times, names, outside = [], [], False
        try:
            for name, key, is_outside in self.anchors.witnesses:
                at = signature_by(note, key)
                if at is not False:
                    times.append(at * 1000)
                    names.append(name)
                    outside = outside or is_outside
        except Refused as error:
            self.findings.add(FAILED, "cosignatures", subject, error)
            return None
        if len(times) >= self.anchors.quorum and outside:
            self.findings.add(VERIFIED, "cosignatures", subject, "cosigned by " + ", ".join(names))
        else:
            self.findings.add(UNTRUSTED, "cosignatures", subject, "%d of the %d witnesses asked for cosigned it%s" % (
                len(times), self.anchors.quorum, "" if outside else ", none of them from outside the case"))
        return min(times) if times else None

    def trust(self, check, subject, period, at_ms):
        """Verified when an anchored key signed, at a time when it counted.

        What has no date (`at_ms` is None) may have been signed after `until`.
        """
        if period is None:
            self.findings.add(UNTRUSTED, check, subject, "the anchors do not know this log" if self.anchors
                              else "no anchors were given")
        elif at_ms is None and period.get("until") is not None:
            self.findings.add(UNTRUSTED, check, subject, "by the anchors the key counted for a time only, and nothing "
                              "shows that this was signed within it")
        elif at_ms is not None and not covers(period, at_ms):
            self.findings.add(UNTRUSTED, check, subject, "by the anchors the key did not count then")
        else:
            self.findings.add(VERIFIED, check, subject)

    # Records

    def has_room(self, names):
        """Whether these files may be read too: all records and receipts are held in memory at once."""
        self.record_bytes += sum(self.found[name][1] for name in names)
        if self.record_bytes <= MAX_RECORDS:
            return True
        self.findings.add(FAILED, "archive", "zip", "%d bytes of records and receipts, at most %d are read: the rest "
                          "is not" % (self.record_bytes, MAX_RECORDS))
        return False

    def check_records(self):
        """Every file in `records/`."""
        names = sorted(name for name in self.found if name.startswith("records/"))
        if self.has_room(names):
            for name in names:
                self.check_record(name)

    def read_record(self, name):
        """A file as a record handed over, not checked."""
        return Record(parse_json(self.archive.read(name, MAX_RECORD), MAX_RECORD))

    def check_record(self, name):
        """One file in `records/`."""
        def open_record():
            place = re.match(r"records/(0|[1-9][0-9]{0,15})/(0|[1-9][0-9]{0,15})\.json\Z", name)
            need(place, "expected a name `records/<k>/<index>.json`")
            k, index = int(place.group(1)), int(place.group(2))
            need(k in self.logs, "log %d does not stand in logs.json" % k)
            record = self.read_record(name)
            need(record.origin == self.logs[k][1].name and record.index == index,
                 "its origin or index is another than its name says")
            opened = self.keys.open(record)
            if k in self.checkpoints:
                need(record.note.text == self.checkpoints[k][0].text,
                     "it carries another checkpoint than `checkpoints/%d.txt`" % k)
            envelope = record.sections.get("envelope")
            if envelope is not None:
                need(envelope.get("v") == 1 and envelope.get("v") is not True, "envelope.v is not 1")
                need(envelope.get("party") == opened[1], "envelope.party is not the owner of the log")
                need(is_integer(envelope.get("recordedAt")), "envelope.recordedAt is not a time")
                prior = envelope.get("prior")
                need(isinstance(prior, list), "envelope.prior is not a list of leaf hashes")
                for leaf in prior:
                    unhex32(leaf, "envelope.prior")
            return opened

        opened = self.findings.attempt("record", name, open_record)
        if opened is not None:
            record, did, period = opened
            self.trust("record", name, period, self.written(record))
            self.keep(record, name, did, False)

    def written(self, record):
        """When a record in `records/` was written: as its envelope says, else before a witness saw its log."""
        at_ms = record.member("envelope", "recordedAt", int)
        return self.cosigned.get(record.origin) if at_ms is None else at_ms

    def keep(self, record, source, did, is_receipt):
        """Remembers a record whose cryptography holds.

        Its copies share a log and a leaf; the leaf alone would not do, for anybody can log another's MACs.
        """
        record.place = (record.origin, record.leaf)
        record.source, record.did, record.is_receipt = source, did, is_receipt
        record.opened = {}  # The same texts are in `texts`.
        self.records.append(record)
        self.shown.setdefault(record.place, set()).update(record.sections)

    @staticmethod
    def documents(record):
        """(role, SHA-256) of the documents that a record names."""
        for document in record.member("evidence", "documents", list) or ():
            if isinstance(document, dict) and isinstance(document.get("role"), str) \
                    and isinstance(document.get("sha256"), str):
                yield document["role"], document["sha256"]

    def check_receipts(self):
        """Documents that records name as receipts: records handed over by the other ends.

        A receipt was there when the first record that names it was written, whatever it says of itself.
        """
        named = {}
        for record in self.records:
            for role, digest in self.documents(record):
                if role == "receipt" and "evidence/" + digest in self.found:
                    named.setdefault("evidence/" + digest, []).append(self.written(record))
        if not self.has_room(named):
            return
        for name, times in sorted(named.items()):
            opened = self.findings.attempt("receipt", name, lambda name=name: self.keys.open(self.read_record(name)))
            if opened is not None:
                record, did, period = opened
                self.trust("receipt", name, period, min((at_ms for at_ms in times if at_ms is not None), default=None))
                self.keep(record, name, did, True)
                self.sightings.append((record.checkpoint, record.key.text, name, False))

    def check_manifest_proof(self):
        """The party's signature over the manifest, and the manifest's place in the party's log."""
        party, origin = self.manifest["party"], self.manifest["origin"]
        own = [k for k, (did, key) in self.logs.items() if did == party and key.name == origin]
        if not own:
            self.findings.add(FAILED, "signature", SIGNATURE, "the party of the manifest has no log in logs.json")
            return

        def open_signature():
            try:
                note = Note(self.archive.read(SIGNATURE, MAX_NOTE_BYTES).decode("utf-8"), SIGNATURE)
            except UnicodeDecodeError:
                raise Refused("%s: not UTF-8" % SIGNATURE) from None
            need(note.text == "herleid-dossier/1\n%s\n" % self.digest, "it signs another manifest than this one")
            signed = self.keys.note(origin, note)
            need(signed[1] == party, "it is signed by %s" % signed[1])
            return signed

        def open_proof():
            record = self.read_record(PROOF)
            need(record.origin == origin, "the record is of another log than the manifest names")
            opened = self.keys.open(record)
            need(record.member("facts", "manifest") == self.digest, "it is about another manifest than this one")
            need(record.member("envelope", "kind") in (None, "disclosed"), "the record is not of kind `disclosed`")
            if own[0] in self.checkpoints:
                known = self.checkpoints[own[0]][1]
                record.check_extends(known.size, known.root)
            return opened

        signed = self.findings.attempt("signature", SIGNATURE, open_signature)
        opened = self.findings.attempt("manifest-record", PROOF, open_proof)
        at_ms = None  # The record says that the manifest was there when a witness saw it.
        if opened is not None:
            record = opened[0]
            self.sightings.append((record.checkpoint, record.key.text, PROOF, False))
            at_ms = self.cosigned.get(origin)
            if own[0] not in self.checkpoints or record.note.raw != self.checkpoints[own[0]][0].raw:
                at_ms = self.check_cosignatures(record.note, PROOF)
            self.trust("manifest-record", PROOF, opened[2], at_ms)
        if signed is not None:
            self.trust("signature", SIGNATURE, signed[2], at_ms)

    # One log, one history

    def anchored_sightings(self):
        """Checkpoints that the anchors bring, as far as an anchored key signed them."""
        seen = []
        for i, note in enumerate(self.anchors.checkpoints if self.anchors else ()):
            def open_note(note=note):
                checkpoint = Checkpoint(note.text)
                return (checkpoint,) + self.keys.note(checkpoint.origin, note)
            seen.append(("anchors checkpoints[%d]" % i, open_note))
        for i, (record, _, _) in enumerate(self.anchors.streams if self.anchors else ()):
            def open_record(record=record):
                _, did, period = self.keys.open(record)
                return record.checkpoint, record.key, did, period
            seen.append(("anchors streams[%d]" % i, open_record))
        for source, opener in seen:
            try:
                checkpoint, key, _, period = opener()
                need(period is not None, "the anchors do not know this log")
                self.sightings.append((checkpoint, key.text, source, True))
            except Refused as error:
                self.findings.add(NOT_CHECKED, "fork", source, error)

    def recorded_sightings(self):
        """Both checkpoints of a log that showed two histories to whoever recorded it.

        Of two sizes also what the larger tree begins with, as far as it leads to the root that the log signed.
        """
        for record in self.records:
            if record.member("envelope", "kind") != "witness-conflict":
                continue
            named = [(role, "evidence/" + digest) for role, digest in self.documents(record)]
            named = [(role, file) for role, file in named if file in self.found]
            seen = []
            for file in [file for role, file in named if role == "checkpoint"][:2]:
                try:
                    note = Note(self.read_text(file, MAX_NOTE_BYTES), file)
                    checkpoint = Checkpoint(note.text)
                    key = self.keys.note(checkpoint.origin, note)[0]
                    seen.append((checkpoint, key.text, file, False))
                except Refused as error:
                    self.findings.add(NOT_CHECKED, "fork", file, error)
            files = [file for role, file in named if role == "beginning"][:1]
            for file in files if len(seen) == 2 else ():
                try:
                    seen.append(self.beginning(file, *sorted(seen, key=lambda one: one[0].size)))
                except Refused as error:
                    self.findings.add(NOT_CHECKED, "fork", file, error)
            self.sightings.extend(seen)

    def read_text(self, file, limit):
        """A document that is text."""
        try:
            return self.archive.read(file, limit).decode("utf-8")
        except UnicodeDecodeError:
            raise Refused("%s: not UTF-8" % file) from None

    def beginning(self, file, smaller, larger):
        """What the larger tree begins with, as if it were a checkpoint of the smaller size: it follows from the larger one."""
        lines = self.read_text(file, MAX_BEGINNING_BYTES).split("\n")
        need(len(lines) >= 3 and lines[0] == "herleid-beginning/1" and lines[-1] == "",
             "%s: expected `herleid-beginning/1` and lines of base64" % file)
        hashes = [unbase64(line, file) for line in lines[1:-1]]
        need(all(len(one) == 32 for one in hashes), "%s: a hash is not 32 bytes long" % file)
        check_consistency(smaller[0].size, hashes[0], larger[0].size, larger[0].root, hashes[1:])
        begins = copy.copy(larger[0])
        begins.size, begins.root = smaller[0].size, hashes[0]
        return begins, larger[1], file, False

    def check_forks(self):
        """Two roots for one size, or two records at one index, under one key, are two histories."""
        self.anchored_sightings()
        self.recorded_sightings()
        sizes, indexes, forked = {}, {}, set()
        for checkpoint, key, source, is_anchor in self.sightings:
            place = (checkpoint.origin, key, checkpoint.size)
            sizes.setdefault(place, []).append((checkpoint.root, source, is_anchor))
        for (origin, key, size), seen in sorted(sizes.items()):
            others = [source for root, source, _ in seen if root != seen[0][0]]
            if others:
                forked.add(key)
                self.findings.add(FAILED, "fork", origin, "forked log: two histories of %d records, in %s and in %s" % (
                    size, seen[0][1], others[0]))
        for record in self.records:
            leaf, source = indexes.setdefault((record.key.text, record.index), (record.leaf, record.source))
            if leaf != record.leaf:
                forked.add(record.key.text)
                self.findings.add(FAILED, "fork", record.origin, "forked log: two records with index %d, in %s and in "
                                  "%s" % (record.index, source, record.source))
        for (origin, key, size), seen in sorted(sizes.items()):
            anchored = [is_anchor for _, _, is_anchor in seen]
            if key not in forked and any(anchored):
                if all(anchored):
                    self.findings.add(NOT_CHECKED, "fork", origin, "the dossier shows no history of %d records" % size)
                else:
                    self.findings.add(VERIFIED, "fork", origin, "the same history of %d records" % size)

    def check_log_opened(self):
        """Index 0 of each log that shows it; of the party's log it has to be there."""
        firsts = {}
        for record in self.records:
            if record.index == 0 and "facts" in record.sections:
                firsts.setdefault(record.origin, record)
        for did, key in (self.logs[k] for k in sorted(self.logs)):
            first = firsts.get(key.name)
            if first:
                facts = first.sections["facts"]
                expected = {"did": did, "origin": key.name, "verifierKey": key.text, "format": 1}
                wrong = [name for name, value in expected.items()
                         if facts.get(name) != value or isinstance(facts.get(name), bool)]
                if first.member("envelope", "kind") not in (None, "log-opened"):
                    wrong.append("kind")
                if wrong:
                    self.findings.add(FAILED, "log-opened", key.name, "another `%s` than the log has" % wrong[0])
                else:
                    self.findings.add(VERIFIED, "log-opened", key.name)
            elif key.name == self.manifest["origin"]:
                self.findings.add(MISSING, "log-opened", key.name, "the log's first record is not there")

    # What is not there

    def explain(self, what, identity, proof=lambda: False):
        """What missing.json says, and whether `proof` shows an erasure."""
        if (what, identity) not in self.missing:
            return None
        why, explanation = self.missing[what, identity]
        return {"why": why, "explanation": explanation, "proved": why == "erased" and proof()}

    def explain_section(self, place, name):
        """The same of a section that no copy of a record opens. Places in streams are never erased."""
        return self.explain("section", "%s/%s" % (place[1], name),
                            lambda: name not in STREAMS and name in self.tombstones.get(place, ()))

    def explain_all(self, sections):
        """The same of what could be read in any of these sections, given as ((origin, leaf hash), name).

        Proved only when all were erased: one end alone cannot take back what the other still holds it to.
        """
        said = [self.explain_section(place, name) for place, name in sections]
        explained = next((one for one in said if one), None)
        return explained and dict(explained, proved=all(one and one["proved"] for one in said))

    def find_erasures(self):
        """Which sections and files `erased` records cover.

        `erased`: for `evidence` the digests in an `evidence` section that was erased; for `data` those in a record
        whose content was erased, and of inputs that its exchange brought.
        """
        stones = {}
        for stone in self.records:
            facts = stone.sections.get("facts", {})
            if stone.member("envelope", "kind") == "erased" and not stone.is_receipt and is_integer(facts.get("index")):
                try:
                    leaf = leaf_hash(entry_of(check_macs(facts.get("macs")))).hex()
                except Refused:
                    continue
                names = stones.setdefault((stone.origin, facts["index"], leaf), set())
                names.update(name for name in stone.member("facts", "sections", list) or () if isinstance(name, str))
        self.erased = {"evidence": set(), "data": set()}
        brought = set()
        for record in self.records:
            names = stones.get((record.origin, record.index, record.leaf))
            if names is None:
                continue
            self.tombstones.setdefault(record.place, set()).update(names)
            if "evidence" in names:
                self.erased["evidence"].update(digests_in(record.texts.get("evidence", b"")))
            if "content" in names:
                for text in record.texts.values():
                    self.erased["data"].update(digests_in(text))
                brought.add(record.member("exchange", "transaction"))
        for record in self.records:
            for file in record.member("run", "inputs", list) or ():
                if isinstance(file, dict) and isinstance(file.get("transaction"), str) \
                        and isinstance(file.get("sha256"), str) and file["transaction"] in brought:
                    self.erased["data"].add(file["sha256"])

    def check_prior(self):
        """Earlier records of the same log that opened envelopes name."""
        present, count, absent = {record.place for record in self.records}, 0, set()
        for record in self.records:
            for leaf in record.member("envelope", "prior", list) or ():
                if not isinstance(leaf, str):
                    continue  # Only the envelope of a receipt can get here with such a thing.
                if (record.origin, leaf) in present:
                    count += 1
                elif leaf not in absent:
                    absent.add(leaf)
                    self.findings.add(MISSING, "prior", leaf, "`%s` rests on this record" % record.source,
                                      self.explain("record", leaf))
        if count and not absent:
            self.findings.add(VERIFIED, "prior", "records", "%d references, all there" % count)

    # The decision

    def check_decision(self):
        """The record that the dossier explains is there, opened, and of the party and case that the manifest names; its
        author is opened, and what it relies on is what was received."""
        root, copies = self.manifest["root"], {}
        for record in self.records:
            if record.leaf == root:
                # The same MACs in another log are another record; its copies count together.
                copies.setdefault(record.place, (record, {}))[1].update(record.sections)
        found = next((both for both in copies.values() if is_decision(both[1].get("facts"))
                      and both[1].get("envelope", {}).get("kind") == "decision-made"), None)
        if found is None:
            self.findings.add(MISSING, "decision", root, "the record of the decision is not there, or not opened")
            return
        record, sections = found
        facts, author = sections["facts"], sections.get("people", {}).get("author")
        if record.did != self.manifest["party"] or facts["case"] != self.manifest["case"]:
            self.findings.add(FAILED, "decision", root, "it is of another party or case than the manifest says")
            return
        parts = ("name", "role", "organisation")
        if isinstance(author, dict) and all(isinstance(author.get(part), str) for part in parts):
            self.findings.add(VERIFIED, "decision", root)
        else:
            self.findings.add(MISSING, "decision", root, "who decided is not opened",
                              self.explain_section(record.place, "people"))
        for relied in facts["reliesOn"]:
            self.check_relied(record.did, relied["transaction"], relied.get("output"), relied["sha256"])

    def check_relied(self, party, transaction, output, digest):
        """One output of a run, or without a name what a pull brought, that the decision relies on."""
        if output is None:
            subject, what, phase = transaction, "pull", "pull"
            exchange = self.exchanges.first(transaction, phase)
            content, explained = self.exchanges.content(transaction, phase)
            digests = {content["sha256"]} if content else set()
            if exchange is not None and exchange["consumer"] != party:
                self.findings.add(FAILED, "output", subject, "it was delivered to %s, not to the one who decided"
                                  % exchange["consumer"])
                return
        else:
            subject, what, phase = "%s/%s" % (transaction, output), "output", "run-result"
            digests, explained = self.runs.outputs(transaction, output), None
        if not digests:
            self.findings.add(MISSING, "output", subject, "the %s that the decision relies on is not there, or not "
                              "opened" % what, explained)
        elif digests != {digest}:
            self.findings.add(FAILED, "output", subject, "another %s than the decision says" % what)
        elif not self.exchanges.is_whole(transaction, phase):
            self.findings.add(MISSING, "output", subject, "both ends do not show the %s that the decision relies on"
                              % what)
        else:
            self.findings.add(VERIFIED, "output", subject)

    # Documents and data

    def check_documents(self):
        """Every digest that a record names has a file, and every such file has its digest for a name."""
        named, lengths = {"evidence": {}, "data": {}, "models": {}}, {}
        for record in self.records:
            for role, digest in self.documents(record):
                named["evidence"].setdefault(digest, role)
            for relied in record.member("facts", "reliesOn", list) or ():
                # Outputs, which runs name as well, and what pulls brought.
                if isinstance(relied, dict) and isinstance(relied.get("sha256"), str):
                    named["data"].setdefault(relied["sha256"], "reliesOn")
            for part in ("inputs", "outputs"):
                for file in record.member("run", part, list) or ():
                    if isinstance(file, dict) and isinstance(file.get("sha256"), str):
                        named["data"].setdefault(file["sha256"], part)
                        if is_integer(file.get("bytes")):
                            lengths.setdefault(file["sha256"], set()).add(file["bytes"])
            program = record.member("run", "program")
            if program is not None:
                named["models"].setdefault(program, "program")
        for folder, check, what in (("evidence", "evidence", "evidence"), ("data", "data", "data"),
                                    ("models", "model", "model")):
            for digest, role in sorted(named[folder].items()):
                if "%s/%s" % (folder, digest) not in self.found:
                    verdict = NOT_CHECKED if folder == "models" else MISSING
                    explained = self.explain(what, digest,
                                             lambda digest=digest: digest in self.erased.get(what, ()))
                    self.findings.add(verdict, check, "%s/%s" % (folder, digest), "`%s` is not there" % role, explained)
            for name, (digest, length) in sorted(self.found.items()):
                if name.startswith(folder + "/"):
                    if name[len(folder) + 1:] != digest:
                        self.findings.add(FAILED, check, name, "its name is not the SHA-256 of its content")
                    elif folder == "data" and lengths.get(digest, {length}) != {length}:
                        self.findings.add(FAILED, check, name, "it has %d bytes, and a record says otherwise" % length)
                    elif digest in named[folder]:
                        self.findings.add(VERIFIED, check, name)
                    else:
                        self.findings.add(NOT_CHECKED, check, name, "no record that is opened names it")


def digests_in(text):
    """Every run of exactly 64 hex digits in a section's bytes."""
    return (found.decode("ascii") for found in DIGESTS.findall(text))


def is_decision(facts):
    """Whether these are the facts of a decision (log-format section 6)."""
    texts = ("case", "title", "choices")
    if not isinstance(facts, dict) or not all(isinstance(facts.get(name), str) for name in texts):
        return False
    bases, relied = facts.get("legalBasis"), facts.get("reliesOn")
    if not isinstance(bases, list) or not isinstance(relied, list) or not all(isinstance(base, str) for base in bases):
        return False
    return all(isinstance(one, dict) and isinstance(one.get("transaction"), str) and isinstance(one.get("sha256"), str)
               and isinstance(one.get("output"), (str, type(None))) for one in relied)


# --------------------------------------------------------------------------------------------------------------------
# Exchanges (log-format section 5)

PHASES = ("pull", "run-request", "run-result")


def check_exchange_form(value):
    """Refuses what is not an `exchange` section, or has one party at both ends."""
    members(value, ("transaction", "segment", "phase", "agreement", "provider", "consumer", "subject", "range", "bytes",
                    "content"), (), "exchange")
    need(isinstance(value["transaction"], str) and UUID7.match(value["transaction"]),
         "exchange.transaction: expected a lower-case UUIDv7")
    need(is_integer(value["segment"]) and value["segment"] > 0, "exchange.segment: counts from 1")
    need(value["phase"] in PHASES, "exchange.phase: unknown")
    need(is_text(value["agreement"]), "exchange.agreement: expected a text")
    for end in ("provider", "consumer"):
        check_did(value[end], "exchange.%s" % end)
    need(value["provider"] != value["consumer"], "exchange.consumer: also the provider; an exchange has two ends")
    subject = value["subject"]
    what = "model" if isinstance(subject, dict) and "model" in subject else "dataset"
    members(subject, (what, "version"), (), "exchange.subject")
    need(is_text(subject[what]) and is_text(subject["version"]), "exchange.subject: expected texts")
    extent = value["range"]
    need(isinstance(extent, list) and len(extent) == 2 and all(is_integer(at) for at in extent)
         and extent[0] <= extent[1], "exchange.range: expected two integers, the first not above the second")
    need(is_integer(value["bytes"]) and value["bytes"] == extent[1] - extent[0],
         "exchange.bytes: not the length of the range")
    unhex32(value["content"], "exchange.content")


def check_content(record):
    """Refuses unless the record's content section is what its exchange commits to."""
    content, exchange = record.sections["content"], record.sections["exchange"]
    members(content, ("salt", "blake3", "sha256", "bytes", "mediaType"), (), "content")
    need(is_integer(content["bytes"]), "content.bytes: expected a length")
    need(is_text(content["mediaType"]), "content.mediaType: expected a text")
    parts = [unhex32(content[name], "content.%s" % name) for name in ("salt", "blake3", "sha256")]
    mac = content_mac(parts[0], parts[1], parts[2], content["bytes"]).hex()
    need(mac == exchange["content"] and content["bytes"] == exchange["bytes"],
         "the content in %s is not what the exchange commits to" % record.source)
    return content


class Exchanges:
    """Both ends of each exchange are there, and equal to the byte."""

    def __init__(self, dossier):
        self.dossier, self.findings = dossier, dossier.findings
        self.of = {}  # (origin, leaf hash) -> the record's `exchange`, if it is one
        self.phases = {}  # (transaction, phase) -> {segment: records}
        self.contents = {}  # (transaction, segment, phase) -> `content` that fits
        self.whole = set()  # (transaction, segment, phase) of those that are verified

    def check(self):
        """All exchanges."""
        for record in self.dossier.records:
            if "exchange" in record.sections:
                exchange = record.sections["exchange"]
                try:
                    check_exchange_form(exchange)
                except Refused as error:
                    self.findings.add(FAILED, "exchange", record.source, error)
                    continue
                self.of[record.place] = exchange
                segments = self.phases.setdefault((exchange["transaction"], exchange["phase"]), {})
                segments.setdefault(exchange["segment"], []).append(record)
        for (transaction, phase), segments in sorted(self.phases.items()):
            for segment, records in sorted(segments.items()):
                self.check_one((transaction, segment, phase), records)

    def check_one(self, key, records):
        """The records of one exchange."""
        name, before = "%s/%d/%s" % key, len(self.findings.elements)
        for section in ("exchange", "content", "parameters"):
            texts = [(record.texts[section], record.source) for record in records if section in record.texts]
            others = [source for text, source in texts if text != texts[0][0]]
            if others:
                self.findings.add(FAILED, "exchange", name, "altered exchange: `%s` differs between %s and %s" % (
                    section, texts[0][1], others[0]))
        exchange, leaves = records[0].sections["exchange"], {}
        for record in records:
            if record.did not in (exchange["provider"], exchange["consumer"]):
                self.findings.add(FAILED, "exchange", name, "%s is neither of its ends" % record.did)
            leaves.setdefault(record.did, set()).add(record.leaf)
            if "content" in record.sections:
                content = self.findings.attempt("exchange", name, lambda record=record: check_content(record))
                if content is not None:
                    self.contents.setdefault(key, content)
        for did, found in leaves.items():
            if len(found) > 1:
                self.findings.add(FAILED, "exchange", name, "%s recorded it %d times" % (did, len(found)))
        if len(self.findings.elements) > before:
            return
        absent = [end for end in (exchange["provider"], exchange["consumer"]) if end not in leaves]
        if absent:
            self.findings.add(MISSING, "exchange", name, "the record or receipt of %s is missing" % absent[0])
        else:
            self.whole.add(key)
            self.findings.add(VERIFIED, "exchange", name)

    def first(self, transaction, phase):
        """The `exchange` of the first segment that is there, or None."""
        segments = self.phases.get((transaction, phase))
        return segments[min(segments)][0].sections["exchange"] if segments else None

    def is_whole(self, transaction, phase):
        """Whether the whole is there and verified."""
        return (transaction, self.whole_segment(transaction, phase), phase) in self.whole

    def whole_segment(self, transaction, phase):
        """The number of the segment that is the whole, or None: it begins at the first byte, and none goes further."""
        segments = self.phases.get((transaction, phase), {})
        ranges = {number: records[0].sections["exchange"]["range"] for number, records in sorted(segments.items())}
        end = max((extent[1] for extent in ranges.values()), default=0)
        return next((number for number, extent in ranges.items() if extent == [0, end]), None)

    def content(self, transaction, phase):
        """The `content` of the whole of an exchange, or None; and what missing.json says when it is not opened."""
        segment = self.whole_segment(transaction, phase)
        if segment is None:
            return None, None
        records = self.phases[transaction, phase][segment]
        content = self.contents.get((transaction, segment, phase))
        return content, None if content else self.explain(records, "content")

    def contents_from_start(self, transaction):
        """What is opened of the segments of a pull that begin at its first byte: one of them may be the whole."""
        segments = self.phases.get((transaction, "pull"), {})
        found = [(self.contents.get((transaction, segment, "pull")), records) for segment, records in segments.items()]
        return [content for content, records in found if content and not records[0].sections["exchange"]["range"][0]]

    def explain(self, records, name):
        """What missing.json says of a section that none of these records opens."""
        return self.dossier.explain_all(sorted({(record.place, name) for record in records if name in record.macs}))


# --------------------------------------------------------------------------------------------------------------------
# Runs (log-format sections 5 and 6)

STATUSES = {"requested": "run-request", "started": "run-request", "failed": "run-request", "finished": "run-result"}


def check_run_form(value):
    """Refuses what is not a `run` section."""
    for name in ("transaction", "agreement", "model", "version", "status"):
        need(isinstance(value.get(name), str), "run.%s: expected a text" % name)
    need(value["status"] in STATUSES, "run.status: unknown")
    for name in ("reason", "program", "case"):
        need(isinstance(value.get(name), (str, type(None))), "run.%s: expected a text" % name)
    texts = ("name", "sha256", "blake3", "mediaType")
    for part, may_be in (("inputs", ("dataset", "version", "agreement", "transaction")), ("outputs", ())):
        need(isinstance(value.get(part), list), "run.%s: expected a list" % part)
        for file in value[part]:
            need(isinstance(file, dict) and all(isinstance(file.get(name), str) for name in texts)
                 and all(isinstance(file.get(name), (str, type(None))) for name in may_be)
                 and is_integer(file.get("bytes")), "run.%s: a member is missing or wrong" % part)
        names = {file["name"] for file in value[part]}
        need(len(names) == len(value[part]), "run.%s: a name stands twice" % part)
    need(value["status"] == "finished" or not value["outputs"], "run.outputs: it has not finished")


class Runs:
    """Model runs: all that is said of one agrees, is what was exchanged, and is counted by the model's provider."""

    def __init__(self, dossier):
        self.dossier, self.findings, self.exchanges = dossier, dossier.findings, dossier.exchanges
        self.of = {}  # transaction -> records with its `run`
        self.about = {}  # transaction -> all records of it
        self.transactions = {}  # (origin, leaf hash) -> transaction
        self.hidden = {}  # transaction -> names of sections that no copy opens, and what missing.json says of them

    def check(self):
        """All runs."""
        for record in self.dossier.records:
            if "run" in record.sections:
                if self.findings.attempt("run", record.source, lambda record=record: self.check_section(record)):
                    transaction = record.sections["run"]["transaction"]
                    self.of.setdefault(transaction, []).append(record)
                    self.transactions[record.place] = transaction
        for place, exchange in self.exchanges.of.items():
            if exchange["phase"] != "pull":
                self.transactions[place] = exchange["transaction"]
        for record in self.dossier.records:
            if record.place in self.transactions:
                self.about.setdefault(self.transactions[record.place], []).append(record)
        for transaction in sorted(self.about):
            self.check_one(transaction)

    def check_section(self, record):
        """A `run` section, and the `exchange` of the same record; only a run that failed has none."""
        run, exchange = record.sections["run"], self.exchanges.of.get(record.place)
        check_run_form(run)
        if exchange is None:
            if "exchange" not in record.macs:
                need(run["status"] == "failed", "the run in %s stands in a record without an exchange" % record.source)
                asked = self.exchanges.first(run["transaction"], "run-request")
                need(asked is None or record.did in (asked["provider"], asked["consumer"]),
                     "%s recorded it, and is neither its provider nor its consumer" % record.did)
            elif "exchange" not in self.dossier.shown[record.place]:
                self.findings.add(MISSING, "run", "%s/exchange" % record.leaf, "`%s` opens its run and not the exchange"
                                  % record.source, self.dossier.explain_section(record.place, "exchange"))
            return True
        need(STATUSES[run["status"]] == exchange["phase"],
             "the run in %s has the status `%s`, which it cannot have there" % (record.source, run["status"]))
        about = (exchange["transaction"], exchange["agreement"], exchange["subject"].get("model"),
                 exchange["subject"]["version"])
        need((run["transaction"], run["agreement"], run["model"], run["version"]) == about,
             "the run in %s is of another transaction, agreement or model than its exchange" % record.source)
        return True

    def check_one(self, transaction):
        """All records of one run."""
        before, records = len(self.findings.elements), self.of.get(transaction, [])
        runs = [record.sections["run"] for record in records]
        finished = [run for run in runs if run["status"] == "finished"]
        for name in ("model", "version", "agreement", "inputs"):
            self.check_equal(transaction, name, [canonical(run[name]) for run in runs])
        self.check_equal(transaction, "outputs", [canonical(run["outputs"]) for run in finished])
        having = [record for record in self.about[transaction] if "parameters" in record.sections]
        self.check_equal(transaction, "parameters", [record.texts["parameters"] for record in having])
        self.hidden[transaction] = self.find_hidden(transaction)
        self.check_number(transaction)
        if runs:
            parameters = having[0].sections["parameters"] if having else None
            self.check_composed(transaction, "run-request", {"inputs": runs[0]["inputs"], "parameters": parameters})
        if finished:
            self.check_composed(transaction, "run-result", {"outputs": finished[0]["outputs"]})
        phases = ("run-request", "run-result") if finished else ("run-request",)
        if runs and all(self.exchanges.is_whole(transaction, phase) for phase in phases) \
                and len(self.findings.elements) == before:
            self.findings.add(VERIFIED, "run", transaction)
        for file in runs[0]["inputs"] if runs else ():
            self.check_input(transaction, file)

    def check_equal(self, transaction, name, texts):
        """What the records of a run say of one thing is the same, to the byte."""
        if any(text != texts[0] for text in texts):
            self.findings.add(FAILED, "run", transaction, "`%s` differs between its records" % name)

    def check_number(self, transaction):
        """The number that the model's provider gave a run that it was asked for."""
        for segment, records in self.exchanges.phases.get((transaction, "run-request"), {}).items():
            provider = records[0].sections["exchange"]["provider"]
            # One that is there and closed is named with the other numbers that are not opened.
            if not any(record.did == provider and "stream-model" in record.macs for record in records):
                self.findings.add(MISSING, "run", "%s/%d/run-request" % (transaction, segment),
                                  "no record of %s, who has the model, gives the run a number" % provider)

    def check_composed(self, transaction, phase, value):
        """What the run sections say is the content that both ends exchanged."""
        content, explained = self.exchanges.content(transaction, phase)
        if (transaction, phase) not in self.exchanges.phases:
            reason = "there is no `%s` exchange of this run" % phase
        elif content is None:
            reason = "no opened `content` of its `%s` exchange is there to compare it with" % phase
        elif None in value.values():
            reason = "no opened `parameters` of it are there to compare them with what was exchanged"
            records = [record for found in self.exchanges.phases[transaction, phase].values() for record in found]
            explained = self.exchanges.explain(records, "parameters")
        else:
            data = canonical(value)
            if (content["sha256"], content["bytes"]) != (sha256(data).hex(), len(data)):
                self.findings.add(FAILED, "run", transaction, "its %s are not what was exchanged"
                                  % " and ".join(sorted(value)))
            return
        self.findings.add(MISSING, "run", transaction, reason, explained)

    def check_input(self, transaction, file):
        """An input is the runner's own, or a pull brought it to the runner with those very bytes."""
        subject, pull = "%s/%s" % (transaction, file["name"]), file.get("transaction")
        if pull is None:
            self.findings.add(VERIFIED, "input", subject, "declared as the runner's own")
            return
        exchange, (content, explained) = self.exchanges.first(pull, "pull"), self.exchanges.content(pull, "pull")
        run = self.exchanges.first(transaction, "run-request") or self.exchanges.first(transaction, "run-result")
        parts = self.exchanges.contents_from_start(pull)
        if exchange is None:
            self.findings.add(MISSING, "input", subject, "the pull %s that brought it is not there" % pull)
        elif exchange["subject"] != {"dataset": file.get("dataset"), "version": file.get("version")}:
            self.findings.add(FAILED, "input", subject, "the pull was of another dataset or version")
        elif exchange["agreement"] != file.get("agreement"):
            self.findings.add(FAILED, "input", subject, "the pull was made under another agreement than the run says")
        elif run is not None and run["provider"] != exchange["consumer"]:
            self.findings.add(FAILED, "input", subject, "it was pulled by %s, who did not run the model"
                              % exchange["consumer"])
        elif any(all(part[name] == file[name] for name in ("sha256", "blake3", "bytes")) for part in parts):
            self.findings.add(VERIFIED, "input", subject)
        elif content is None:
            self.findings.add(MISSING, "input", subject, "it came in segments, or is not opened, and nothing "
                              "shows the whole", explained)
        else:
            self.findings.add(FAILED, "input", subject, "the pull brought other bytes than the run says")

    def find_hidden(self, transaction):
        """`run` and `parameters`, as far as no record of the run opens them, and how that is explained."""
        hidden, closed = [], set()
        for name in ("run", "parameters"):
            having = [record for record in self.about[transaction] if name in record.macs]
            if not any(name in self.dossier.shown[record.place] for record in having):
                hidden.append(name)
                closed.update((record.place, name) for record in having)
        return hidden, self.dossier.explain_all(sorted(closed))

    def hides(self, place):
        """The same of the run that a record of a model stream counts."""
        return self.hidden.get(self.transactions.get(place), (["run"], None))

    def outputs(self, transaction, name):
        """The digests of an output, by all records of a run that has finished."""
        return {file["sha256"] for record in self.of.get(transaction, ()) for file in record.sections["run"]["outputs"]
                if record.sections["run"]["status"] == "finished" and file["name"] == name}


# --------------------------------------------------------------------------------------------------------------------
# Streams (log-format section 4)


class Streams:
    """Numbers: from 1 without gaps, each naming its predecessor, as far as the other ends say they go."""

    def __init__(self, dossier):
        self.dossier, self.findings = dossier, dossier.findings
        self.streams = {}  # (origin, kind, id) -> {"places": {n: {(origin, leaf): (prev, record)}}, ...}
        self.named = 0  # missing numbers that have an element of their own

    def stream(self, origin, kind, identity):
        """The stream's entry, made when it is not there."""
        return self.streams.setdefault((origin, kind, identity),
                                       {"places": {}, "length": None, "by": "", "of": identity, "faults": []})

    def check(self):
        """All streams."""
        closed = {}
        for record in self.dossier.records:
            for kind in STREAMS:
                if kind in record.sections:
                    self.collect(record, kind)
                elif kind in record.macs and kind not in self.dossier.shown[record.place] \
                        and (kind != "stream-case" or record.origin == self.dossier.manifest["origin"]):
                    # The number of a case is for the one who decides it: no receipt opens it.
                    closed.setdefault((record.place, kind), record.source)
        for (place, kind), source in sorted(closed.items()):
            self.findings.add(MISSING, "stream", "%s/%s" % (place[1], kind), "`%s` of %s is not opened, which hides "
                              "how many there are" % (kind, source), self.dossier.explain_section(place, kind))
        by_id = {}
        for key, stream in sorted(self.streams.items()):
            origin, kind, identity = key
            by_id.setdefault((kind, identity), []).append(key)
            self.find_faults(stream)
            if origin == self.dossier.manifest["origin"]:
                self.at_least(stream, max(stream["places"]), "its own numbers")
            elif kind == "stream-model":
                self.at_least(stream, max(stream["places"]), "receipts of the other end")
        for origin, kind, identity, n, of, consumer, by in self.statements():
            fitting = [key for key in by_id.get((kind, identity), ()) if origin in (None, key[0])]
            if not fitting and consumer not in (None, self.dossier.manifest["party"]):
                # A provider states the streams of all its consumers; those of others are no part of this case.
                continue
            if not fitting:
                fitting = [(origin or "", kind, identity)]
                by_id.setdefault((kind, identity), []).append(fitting[0])
            stream = self.stream(*fitting[0])
            self.at_least(stream, n, by)
            if of and stream["of"] == identity:
                stream["of"] = of
        self.find_split()
        for key in sorted(self.streams):
            self.report(key, self.streams[key])

    @staticmethod
    def read(section):
        """(id, n, prev) of a stream section."""
        members(section, ("id", "n", "prev"), (), "stream")
        need(isinstance(section["id"], str) and is_integer(section["n"]) and section["n"] > 0, "stream: bad id or n")
        if section["prev"] is not None:
            unhex32(section["prev"], "stream.prev")
        return section["id"], section["n"], section["prev"]

    def collect(self, record, kind):
        """One record's place; a record that came twice has one."""
        read = self.findings.attempt("stream", record.source, lambda: self.read(record.sections[kind]))
        if read is None:
            return
        identity, n, prev = read
        places = self.stream(record.origin, kind, identity)["places"]
        places.setdefault(n, {}).setdefault(record.place, (prev, record))

    @staticmethod
    def find_faults(stream):
        """Numbers used twice, broken chains, numbers against the log's order."""
        before = None
        for n in sorted(stream["places"]):
            places = list(stream["places"][n].values())
            prev, record = places[0]
            if len(places) > 1:
                stream["faults"].append("reused number: %s and %s both have number %d" % (
                    record.source, places[1][1].source, n))
            named = before[1].leaf if before and before[0] == n - 1 else prev
            if prev != named or (prev is None) != (n == 1):
                stream["faults"].append("number %d (%s) does not name the record before it" % (n, record.source))
            if before and before[1].index >= record.index:
                stream["faults"].append("number %d stands in the log before a lower number" % n)
            before = (n, record)

    @staticmethod
    def at_least(stream, n, by):
        """The stream goes at least so far."""
        if stream["length"] is None or n > stream["length"]:
            stream["length"], stream["by"] = n, by

    def statements(self):
        """Lengths that are stated: (origin or None, kind, id, n, of, consumer or None, by)."""
        for record in self.dossier.records:
            if record.member("envelope", "kind") == "decision-made":
                streams = record.sections.get("facts", {"streams": []}).get("streams")
                for stream in streams if isinstance(streams, list) else [None]:
                    if isinstance(stream, dict) and stream.get("kind") in STREAMS \
                            and isinstance(stream.get("id"), str) and is_integer(stream.get("n")):
                        yield (None, stream["kind"], stream["id"], stream["n"], label(stream.get("of")), None,
                               "the decision")
                    else:
                        self.findings.add(FAILED, "stream", record.source, "facts.streams is not a list of {kind, id, "
                                          "n}, each kind a stream's section")
        for record, kind, of in (self.dossier.anchors.streams if self.dossier.anchors else ()):
            try:
                _, did, period = self.dossier.keys.open(record)
                need(period is not None and kind in record.sections, "not anchored")
                identity, n, _ = self.read(record.sections[kind])
            except Refused:
                continue  # Reported with the checkpoints of the anchors.
            consumer = record.member("exchange", "consumer")
            if consumer is None and isinstance(of, dict) and isinstance(of.get("consumer"), str):
                consumer = of["consumer"]
            yield record.origin, kind, identity, n, label(of), consumer, did

    def find_split(self):
        """A second stream id for one model and consumer starts the count anew."""
        ids = {}
        for key, stream in self.streams.items():
            exchanges = [self.dossier.exchanges.of.get(place, {}) for n in sorted(stream["places"])
                         for place in stream["places"][n]]
            for exchange in exchanges:
                subject = exchange.get("subject")
                if key[1] == "stream-model" and isinstance(subject, dict) and isinstance(subject.get("model"), str) \
                        and isinstance(exchange.get("consumer"), str):
                    ids.setdefault((key[0], subject["model"], exchange["consumer"]), set()).add(key)
                    break
        for keys in ids.values():
            if len(keys) > 1:
                for key in keys:
                    self.streams[key]["faults"].append("two counts for one model and one consumer")

    def hidden(self, places):
        """What is not opened of the run that has this number; a number that is used twice has failed already."""
        return min((self.dossier.runs.hides(place) for place in places), key=lambda hidden: len(hidden[0]))

    def report(self, key, stream):
        """The verdict on one stream: what is wrong, what is absent, what is counted and not shown."""
        subject, places, length = "%s/%s" % key[1:], stream["places"], stream["length"]
        whole = not stream["faults"]
        for fault in stream["faults"]:
            self.findings.add(FAILED, "stream", subject, fault)
        what = "run" if key[1] == "stream-model" else "record"
        if length is not None:
            absent, named, following = 0, 0, 1
            # Gaps between the numbers that are there, so that a claimed length of 2^53 costs nothing.
            for end in sorted(n for n in places if n <= length) + [length + 1]:
                left = max(0, min(MAX_NAMED - absent, MAX_NAMED_IN_ALL - self.named))
                for n in range(following, min(end, following + left)):
                    self.named, named = self.named + 1, named + 1
                    name = "%s/%d" % (subject, n)
                    self.findings.add(MISSING, "stream", name, "missing: %s %d of %d of `%s`; that there are %d says %s"
                                      % (what, n, length, stream["of"], length, stream["by"]),
                                      self.dossier.explain("record", name))
                absent += max(0, end - following)
                following = end + 1
            if absent > named:
                self.findings.add(MISSING, "stream", subject, "missing: %d more" % (absent - named))
            whole = whole and not absent
        if key[1] == "stream-model":
            # A run that is counted and not shown is what counting is for.
            closed = {n: hidden for n in sorted(places) for hidden in (self.hidden(places[n]),) if hidden[0]}
            for n, (sections, explained) in closed.items():
                name = "%s/%d" % (subject, n)
                self.findings.add(MISSING, "stream", name, "run %d of %s of `%s` is counted, and not shown: `%s` is "
                                  "not opened" % (n, length, stream["of"], "` and `".join(sections)),
                                  self.dossier.explain("record", name) or explained)
            whole = whole and not closed
        else:
            closed = [n for n in places if not any({"run", "exchange", "facts"} & self.dossier.shown[place]
                                                   for place in places[n])]
        if whole:
            self.findings.add(VERIFIED, "stream", subject, "%s: %d numbers, %d of them not opened; %s" % (
                stream["of"], len(places), len(closed),
                "all, says " + stream["by"] if length is not None else "at least, nobody says how many"))


def label(of):
    """What a stream is of, for people."""
    if isinstance(of, str):
        return of
    if isinstance(of, dict):
        for name in ("model", "agreement", "case"):
            if isinstance(of.get(name), str):
                return of[name]
    return None


# --------------------------------------------------------------------------------------------------------------------
# The command


def fingerprints(dossier):
    """Keys that no anchor vouches for, in a form that can be read out."""
    anchored = {key.text for _, key, _ in dossier.anchors.logs} if dossier.anchors else set()
    for did, key in dossier.logs.values():
        if key.text not in anchored:
            digest = hashlib.sha256(key.text.encode("utf-8")).hexdigest()
            yield did, key.name, " ".join(digest[i:i + 4] for i in range(0, 64, 4))


def run(path, anchors_path):
    """Verifies one file; gives the report as a dict.

    Raises OSError when a file cannot be read, and Refused when the anchors are not to be used.
    """
    anchors = None
    if anchors_path is not None:
        with open(anchors_path, "rb") as file:
            data = file.read((16 << 20) + 1)
        try:
            anchors = Anchors(data)
        except Refused:
            raise
        except Exception as error:  # MemoryError and RecursionError are among these.
            raise Refused("they cannot be read (%s)" % type(error).__name__) from None
    dossier = Dossier(None, anchors)
    with open(path, "rb") as file:
        def verify():
            dossier.archive = Archive(file)
            dossier.verify()

        dossier.findings.guard("the dossier", verify)
    verdict, manifest = dossier.findings.worst(), dossier.manifest or {}
    return {"verdict": verdict, "exitCode": EXIT_CODES[verdict], "case": manifest.get("case"),
            "party": manifest.get("party"), "manifest": dossier.digest or None, "elements": dossier.findings.elements,
            "notCheckedHere": list(NOT_CHECKED_HERE),
            "fingerprints": [{"did": did, "origin": origin, "fingerprint": text}
                             for did, origin, text in fingerprints(dossier)]}


def show(report):
    """The report as text. Everything but printable ASCII is escaped: a console may not have it, and control characters
    in a dossier could paint another verdict."""
    def plain(text):
        return "".join(c if " " <= c <= "~" else ascii(c)[1:-1] for c in str(text))

    lines = ["Verdict: %s (%d)" % (report["verdict"].upper(), report["exitCode"])]
    if report["case"]:
        lines += ["Case: %s" % plain(report["case"]), "Dossier made by: %s" % plain(report["party"])]
    for verdict in (FAILED, UNTRUSTED, MISSING):
        chosen = [element for element in report["elements"] if element["verdict"] == verdict]
        if chosen:
            lines += ["", "%s (%d)" % (verdict.upper(), len(chosen))]
        for element in chosen:
            line = "  %s: %s" % (element["check"], element["subject"])
            line += ": %s" % element["reason"] if "reason" in element else ""
            if "explained" in element:
                line += " (explained%s: %s: %s)" % (", and proved by the log" if element["explained"]["proved"] else "",
                                                    element["explained"]["why"], element["explained"]["explanation"])
            lines.append(plain(line))
    counts = {}
    for element in report["elements"]:
        if element["verdict"] in (VERIFIED, NOT_CHECKED):
            key = (element["verdict"], element["check"])
            counts[key] = counts.get(key, 0) + 1
    lines += [""] + ["%s: %s: %d" % (verdict, check, count) for (verdict, check), count in sorted(counts.items())]
    lines += ["", "Not checked here (the `herleid` binary does):"] + ["  " + what for what in report["notCheckedHere"]]
    if report["fingerprints"]:
        lines += ["", "Call each party on a number you know, and compare the key of its log:"]
        for one in report["fingerprints"]:
            lines += [plain("  %s %s" % (one["did"], one["origin"])), "    " + one["fingerprint"]]
    return "\n".join(lines)


def main(arguments=None):
    """The command line; gives the exit code: 0 verified, 1 failed, 2 usage, 3 missing, 4 untrusted."""
    parser = argparse.ArgumentParser(description="Checks a Herleid dossier offline. Exit code 0: all that is checked "
                                     "here is verified; 1 failed; 2 usage; 3 missing; 4 untrusted.")
    parser.add_argument("dossier", help="the zip file")
    parser.add_argument("--anchors", help="what you know from elsewhere (docs/verify.md); without, nothing is trusted")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    options = parser.parse_args(arguments)
    try:
        report = run(options.dossier, options.anchors)
    except OSError as error:
        print("verify.py: cannot read: %s" % ascii(str(error)), file=sys.stderr)
        return 2
    except Refused as error:
        print("verify.py: the anchors are refused: %s" % ascii(str(error)), file=sys.stderr)
        return 2
    print(json.dumps(report, indent=1) if options.json else show(report))
    return report["exitCode"]


if __name__ == "__main__":
    sys.exit(main())
