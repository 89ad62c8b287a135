# SPDX-License-Identifier: EUPL-1.2
"""What a log's owner does and an auditor need not: sign, build trees, seal at rest, BLAKE3. For vectors only: the keys
are public and nothing here runs in constant time."""

import base64
import hashlib
import struct

import verify as v


def label(text):
    """32 bytes that stand for randomness."""
    return v.sha256(b"herleid vectors: " + text)


def to_base64(hashes):
    """Hashes as the formats carry them."""
    return [base64.b64encode(item).decode("ascii") for item in hashes]


class Signer:
    """An Ed25519 key made from its name; its vkey has the given signature type."""

    def __init__(self, name, kind):
        self.name, self.kind = name, kind
        self.seed = label(b"seed " + name.encode())
        digest = hashlib.sha512(self.seed).digest()
        scalar = int.from_bytes(digest[:32], "little")
        self.scalar = (scalar & ((1 << 254) - 8)) | (1 << 254)
        self.prefix = digest[32:]
        self.public = v.point_encode(v.point_multiply(self.scalar, v.BASE))
        self.id = v.key_id(name, kind, self.public)
        self.vkey = "%s+%s+%s" % (name, self.id.hex(), base64.b64encode(bytes([kind]) + self.public).decode())

    def sign(self, message):
        """RFC 8032 section 5.1.6."""
        r = int.from_bytes(hashlib.sha512(self.prefix + message).digest(), "little") % v.ORDER
        point = v.point_encode(v.point_multiply(r, v.BASE))
        k = int.from_bytes(hashlib.sha512(point + self.public + message).digest(), "little") % v.ORDER
        return point + ((r + k * self.scalar) % v.ORDER).to_bytes(32, "little")

    def vector(self):
        """What a test needs to sign with this key itself."""
        return {"name": self.name, "seed": self.seed.hex(), "public": self.public.hex(), "vkey": self.vkey,
                "keyId": self.id.hex()}


def signature_line(name, identity, blob):
    """One signature line of a signed note."""
    return "\u2014 %s %s\n" % (name, base64.b64encode(identity + blob).decode("ascii"))


def sign_note(text, signer):
    """A signed note with one signature."""
    return text + "\n" + signature_line(signer.name, signer.id, signer.sign(text.encode("utf-8")))


def cosignature_line(text, witness, seconds):
    """A witness's signature line over a checkpoint's text."""
    message = ("cosignature/v1\ntime %d\n%s" % (seconds, text)).encode("utf-8")
    return signature_line(witness.name, witness.id, struct.pack(">Q", seconds) + witness.sign(message))


def checkpoint_text(origin, size, root):
    """The three lines of a checkpoint."""
    return "%s\n%d\n%s\n" % (origin, size, base64.b64encode(root).decode("ascii"))


def _split(count):
    """The largest power of two below `count`."""
    return 1 << ((count - 1).bit_length() - 1)


def tree_root(leaves):
    """RFC 6962 section 2.1, over leaf hashes, by its recursive definition."""
    if not leaves:
        return v.sha256(b"")
    if len(leaves) == 1:
        return leaves[0]
    k = _split(len(leaves))
    return v.node_hash(tree_root(leaves[:k]), tree_root(leaves[k:]))


def inclusion_proof(index, leaves):
    """RFC 6962 section 2.1.1, leaf to root."""
    if len(leaves) == 1:
        return []
    k = _split(len(leaves))
    if index < k:
        return inclusion_proof(index, leaves[:k]) + [tree_root(leaves[k:])]
    return inclusion_proof(index - k, leaves[k:]) + [tree_root(leaves[:k])]


def consistency_proof(old, leaves):
    """RFC 6962 section 2.1.2; empty for an empty or an equal older tree."""
    return [] if old in (0, len(leaves)) else _subproof(old, leaves, True)


def _subproof(old, leaves, known):
    if old == len(leaves):
        return [] if known else [tree_root(leaves)]
    k = _split(len(leaves))
    if old <= k:
        return _subproof(old, leaves[:k], known) + [tree_root(leaves[k:])]
    return _subproof(old - k, leaves[k:], False) + [tree_root(leaves[:k])]


# ChaCha20-Poly1305, RFC 8439


def _rotate(x, n):
    return (x << n | x >> (32 - n)) & 0xFFFFFFFF


def _quarter(s, a, b, c, d):
    for left, right, into, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        s[left] = (s[left] + s[right]) & 0xFFFFFFFF
        s[into] = _rotate(s[into] ^ s[left], turn)


def _chacha_block(key, counter, nonce):
    start = list(struct.unpack("<16I", b"expand 32-byte k" + key + struct.pack("<I", counter) + nonce))
    s = list(start)
    for _ in range(10):
        for i in range(4):
            _quarter(s, i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            _quarter(s, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return struct.pack("<16I", *((x + y) & 0xFFFFFFFF for x, y in zip(s, start)))


def _poly1305(key, message):
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total = 0
    for i in range(0, len(message), 16):
        total = (total + int.from_bytes(message[i:i + 16] + b"\x01", "little")) * r % (2**130 - 5)
    return ((total + int.from_bytes(key[16:], "little")) & (2**128 - 1)).to_bytes(16, "little")


def chacha20_poly1305(key, nonce, plain, associated):
    """Ciphertext followed by the 16-byte tag."""
    sealed = bytearray()
    for i in range(0, len(plain), 64):
        block = _chacha_block(key, 1 + i // 64, nonce)
        sealed += bytes(x ^ y for x, y in zip(plain[i:i + 64], block))
    padded = associated + bytes(-len(associated) % 16) + sealed + bytes(-len(sealed) % 16)
    tag = _poly1305(_chacha_block(key, 0, nonce)[:32], padded + struct.pack("<QQ", len(associated), len(sealed)))
    return bytes(sealed) + tag


# BLAKE3, unkeyed, 32 bytes (the BLAKE3 paper, sections 2.1 to 2.5)

_IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
_PERMUTATION = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
_LANES = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15), (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13),
          (3, 4, 9, 14))
_CHUNK_START, _CHUNK_END, _PARENT, _ROOT = 1, 2, 4, 8


def _mix(s, lane, x, y):
    a, b, c, d = lane
    s[a] = (s[a] + s[b] + x) & 0xFFFFFFFF
    s[d] = _rotate(s[d] ^ s[a], 16)
    s[c] = (s[c] + s[d]) & 0xFFFFFFFF
    s[b] = _rotate(s[b] ^ s[c], 20)
    s[a] = (s[a] + s[b] + y) & 0xFFFFFFFF
    s[d] = _rotate(s[d] ^ s[a], 24)
    s[c] = (s[c] + s[d]) & 0xFFFFFFFF
    s[b] = _rotate(s[b] ^ s[c], 25)


def _compress(chaining, block, length, counter, flags):
    words = list(struct.unpack("<16I", block + bytes(64 - len(block))))
    s = list(chaining) + list(_IV[:4]) + [counter & 0xFFFFFFFF, counter >> 32, length, flags]
    for _ in range(7):
        for i, lane in enumerate(_LANES):
            _mix(s, lane, words[2 * i], words[2 * i + 1])
        words = [words[i] for i in _PERMUTATION]
    return tuple(s[i] ^ s[i + 8] for i in range(8))


def _chunk(data, counter, root):
    blocks = [data[i:i + 64] for i in range(0, len(data), 64)] or [b""]
    chaining = _IV
    for i, block in enumerate(blocks):
        flags = (_CHUNK_START if i == 0 else 0) | (_CHUNK_END if i == len(blocks) - 1 else 0)
        if root and i == len(blocks) - 1:
            flags |= _ROOT
        chaining = _compress(chaining, block, len(block), counter, flags)
    return chaining


def _subtree(chunks, first, root):
    if len(chunks) == 1:
        return _chunk(chunks[0], first, root)
    k = _split(len(chunks))
    block = struct.pack("<16I", *_subtree(chunks[:k], first, False), *_subtree(chunks[k:], first + k, False))
    return _compress(_IV, block, 64, 0, _PARENT | (_ROOT if root else 0))


def blake3(data):
    """The 32-byte BLAKE3 hash."""
    chunks = [data[i:i + 1024] for i in range(0, len(data), 1024)] or [b""]
    return struct.pack("<8I", *_subtree(chunks, 0, True))
