#!/usr/bin/env python3
# SPDX-License-Identifier: EUPL-1.2
"""Checks a Herleid dossier with nothing but Python's standard library (3.9 or newer; Linux, macOS, Windows).

    python3 verify.py DOSSIER.zip --anchors ANCHORS.json [--json]

It is written apart from the `herleid` binary, from docs/log-format.md and docs/dossier-format.md alone, so that a
mistake in one of the two shows as a difference. It opens no socket and starts no other program.
"""

import base64
import hashlib
import hmac
import json
import re
import struct

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


def is_integer(value):
    """True for 0 to 2^53 - 1; Python counts booleans among its integers, the format does not."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_INTEGER


def unhex32(text, what):
    """32 bytes from 64 lower-case hex digits."""
    need(isinstance(text, str) and HEX64.match(text), "%s: expected 64 lower-case hex digits" % what)
    return bytes.fromhex(text)


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

    For a cosignature key (type 0x04) the answer is the time in seconds since 1970, of the first line if there are more.
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
        found = found or answer
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


class Record:
    """A record handed over, its structure read, its MACs and entry checked; inclusion and signature are separate.

    `sections` maps the name of each opened section to its parsed object, `leaf` is the leaf hash.
    """

    def __init__(self, value):
        members(value, ("format", "origin", "index", "macs", "opened", "proof", "checkpoint"), ("consistency",),
                "record")
        need(value["format"] == "herleid-record/1", "record: unknown format")
        need(isinstance(value["origin"], str) and good_key_name(value["origin"]), "record: bad origin")
        need(is_integer(value["index"]), "record: bad index")
        self.origin, self.index = value["origin"], value["index"]
        self.macs = check_macs(value["macs"])
        self.leaf = leaf_hash(entry_of(self.macs))
        need(isinstance(value["opened"], dict), "opened: expected an object")
        self.sections, self.texts = {}, {}
        for name, opened in value["opened"].items():
            need(name in self.macs, "opened section `%s` does not stand in macs" % name[:60])
            members(opened, ("text", "key"), (), "opened.%s" % name)
            need(isinstance(opened["text"], str), "opened.%s.text: expected a string" % name)
            data = opened["text"].encode("utf-8")
            mac = section_mac(unhex32(opened["key"], "opened.%s.key" % name), data)
            need(mac.hex() == self.macs[name], "section `%s`: the MAC does not fit its bytes" % name)
            try:
                self.sections[name] = parse_section(data)
            except Refused as error:
                raise Refused("section `%s`: %s" % (name, error)) from None
            self.texts[name] = data
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
        """Refuses unless the record is in the log that `key` signs. Its cosignatures are not looked at."""
        need(key.name == self.origin, "the key is of `%s`, the record of `%s`" % (key.name, self.origin))
        check_inclusion(self.index, self.checkpoint.size, self.checkpoint.root, self.leaf, self.proof)
        need(signature_by(self.note, key), "the checkpoint is not signed by `%s`" % key.name)

    def check_extends(self, size, root):
        """Refuses unless the record's checkpoint extends the tree of that size and root."""
        need(self.consistency is not None, "the record brings no consistency proof")
        need(self.consistency[0] == size, "the consistency proof is from size %d" % self.consistency[0])
        check_consistency(size, root, self.checkpoint.size, self.checkpoint.root, self.consistency[1])


def hash_list(value, what):
    """A list of at most 64 hashes of 32 bytes, in base64."""
    need(isinstance(value, list) and len(value) <= 64, "%s: expected a list of at most 64 hashes" % what)
    hashes = [unbase64(item, what) for item in value]
    need(all(len(item) == 32 for item in hashes), "%s: a hash has 32 bytes" % what)
    return hashes
