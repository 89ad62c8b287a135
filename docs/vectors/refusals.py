# SPDX-License-Identifier: EUPL-1.2
"""The negative half of the vectors: each of these must be refused, and each says why. Every one is tried here first."""

import base64
import copy
import hashlib

import owner
import verify as v

RFC_8032 = (  # RFC 8032 section 7.1, tests 1 to 3
    ("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
     "d25bf5f0595bbe24655141438e7a100b"),
    ("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
     "387b2eaeb4302aeeb00d291612bb0c00"),
    ("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
     "4a7c15e9716ed28dc027beceea1ec40a"),
)


def must_refuse(check, what):
    """Runs `check`, which has to refuse, so that no vector claims what the verifier does not do."""
    try:
        check()
    except v.Refused:
        return
    raise AssertionError("not refused: %s" % what)


def torsion_point():
    """A point of order 8."""
    y = 2
    while True:
        point = v.point_decode(y.to_bytes(32, "little"))
        if point is not None:
            torsion = v.point_multiply(v.ORDER, point)
            if v.point_encode(v.point_multiply(4, torsion)) != v.point_encode(v.IDENTITY):
                return torsion
        y += 1


def _challenge(r, public, message):
    return int.from_bytes(hashlib.sha512(r + public + message).digest(), "little") % v.ORDER


def ed25519(signer):
    """Signatures that the strict rule accepts and refuses, among them those on which libraries disagree."""
    message = b"herleid"
    good = signer.sign(message)
    accepted = [{"public": p, "message": m, "signature": s, "what": "RFC 8032 section 7.1"} for p, m, s in RFC_8032]
    refused = []

    def refuse(public, text, signature, what):
        assert not v.ed25519_verify(public, text, signature), what
        refused.append({"public": public.hex(), "message": text.hex(), "signature": signature.hex(), "why": what})

    torsion = torsion_point()
    mixed = v.point_encode(v.point_add(v.point_multiply(signer.scalar, v.BASE), torsion))
    nonce = 7
    r = v.point_encode(v.point_multiply(nonce, v.BASE))
    seen = set()
    for attempt in range(1000):
        text = b"mixed %d" % attempt
        k = _challenge(r, mixed, text)
        signature = r + ((nonce + k * signer.scalar) % v.ORDER).to_bytes(32, "little")
        if (k % 8 == 0) in seen:
            continue
        seen.add(k % 8 == 0)
        if k % 8 == 0:
            assert v.ed25519_verify(mixed, text, signature)
            accepted.append({"public": mixed.hex(), "message": text.hex(), "signature": signature.hex(),
                             "what": "key with a small-order part, equation holds without cofactor"})
        else:
            refuse(mixed, text, signature, "holds only when multiplied by the cofactor")
        if len(seen) == 2:
            break
    refuse(signer.public, message, good[:63] + bytes([good[63] ^ 1]), "one bit of S flipped")
    refuse(signer.public, b"Herleid", good, "another message")
    s = int.from_bytes(good[32:], "little") + v.ORDER
    refuse(signer.public, message, good[:32] + s.to_bytes(32, "little"), "S is not below the group order")
    free = v.point_encode(v.point_multiply(5, v.BASE)) + (5).to_bytes(32, "little")
    refuse(v.point_encode(v.IDENTITY), message, free, "key of small order: the identity, which signs anything")
    refuse((v.P + 1).to_bytes(32, "little"), message, free, "key of small order, encoded with y not below p")
    refuse(((1 << 255) + 1).to_bytes(32, "little"), message, free, "key of small order, encoded as minus zero")
    order8 = v.point_encode(torsion)
    for attempt in range(1000):
        text = b"order 8, %d" % attempt
        if _challenge(free[:32], order8, text) % 8 == 0:
            refuse(order8, text, free, "key of order 8")
            break
    for r, what in ((v.point_encode(v.IDENTITY), "R of small order"),
                    ((v.P + 1).to_bytes(32, "little"), "R encoded with y not below p")):
        s = _challenge(r, signer.public, message) * signer.scalar % v.ORDER
        refuse(signer.public, message, r + s.to_bytes(32, "little"), what)
    refuse((2).to_bytes(32, "little"), message, good, "key that is no point")
    return {"signer": signer.vector(), "accepted": accepted, "refused": refused}


def sections_accepted():
    """Bytes that are a section: the edges of the subset."""
    deep = b'{"a":' * 31 + b"{}" + b"}" * 31
    found = [b"{}", b'{"a":9007199254740991}', deep, b'{" ":"\x7f"}', '{"a":"\ue000\U0001f600"}'.encode(),
             b'{"A":1,"a":1}', b'{"a":null,"b":[true,false]}']
    for data in found:
        v.parse_section(data)
    return [{"hex": data.hex()} for data in found]


def sections_refused():
    """Bytes that are not a section."""
    cases = (
        (b"", "no JSON"), (b"[]", "not an object"), (b'"a"', "not an object"), (b'{"a":1}\n', "white space"),
        (b'{ "a":1}', "white space"), (b'{"a":1}{"a":1}', "bytes after the object"),
        (b'{"b":1,"a":1}', "names not sorted"),
        (b'{"a":1,"a":1}', "a name twice"), (b'{"a":{"b":1,"b":2}}', "a name twice, deeper"),
        (b'{"a":1.0}', "a fraction"), (b'{"a":1e3}', "an exponent"), (b'{"a":-1}', "below zero"),
        (b'{"a":-0}', "minus zero"),
        (b'{"a":01}', "a leading zero"), (b'{"a":9007199254740992}', "2^53"),
        (b'{"a":NaN}', "not JSON"), (b'{"a":Infinity}', "not JSON"), (b"{'a':1}", "not JSON"),
        (b'{"a":1,}', "not JSON"),
        (b'{"a":"\\u0061"}', "an escape that RFC 8785 does not write"),
        (b'{"a":"\\/"}', "an escape that RFC 8785 does not write"),
        (b'{"a":"\\u000a"}', "an escape that RFC 8785 writes shorter"),
        (b'{"a":"\\u001F"}', "upper-case hex in an escape"),
        (b'{"a":"\\ud800"}', "a lone surrogate"), (b'{"a":"\\ud83d\\ude00"}', "an escaped pair of surrogates"),
        (b'{"a":"\xed\xa0\x80"}', "a surrogate in UTF-8"), (b'{"a":"\xff"}', "not UTF-8"),
        (b'{"a":"\xc0\xaf"}', "overlong UTF-8"),
        (b'{"a":"\x01"}', "a raw control character"), (b'{"a":"\t"}', "a raw tab"),
        (b'\xef\xbb\xbf{}', "a byte order mark"),
        ('{"\u00e9":1}'.encode(), "a name outside ASCII"), (b'{"\\u0001":1}', "a control character in a name"),
        (b'{"\x7f":1}', "DEL in a name"), (b'{"":1}', "an empty name"), (b'{"a":' * 32 + b"{}" + b"}" * 32, "33 levels deep"),
        (b'{"a":' + b"[" * 32 + b"]" * 32 + b"}", "33 levels deep"), (b'{"a":1', "cut off"),
    )
    for data, why in cases:
        must_refuse(lambda data=data: v.parse_section(data), why)
    return [{"hex": data.hex(), "why": why} for data, why in cases]


def keys_refused():
    """Keys of another length than 32 bytes."""
    found = [bytes(length) for length in (0, 16, 31, 33, 64)]
    for key in found:
        must_refuse(lambda key=key: v.derive_mac_key(key), "root key")
        must_refuse(lambda key=key: v.section_mac(key, b"{}"), "MAC key")
    return [{"hex": key.hex(), "why": "%d bytes" % len(key)} for key in found]


def tree(vectors):
    """Proofs that prove nothing."""
    inclusion, consistency = [], []

    def bad_inclusion(base, why, **changes):
        case = dict(base, why=why, **changes)
        steps = [bytes.fromhex(step) for step in case["proof"]]
        must_refuse(lambda: v.check_inclusion(case["index"], case["size"], bytes.fromhex(case["root"]),
                                              bytes.fromhex(case["leaf"]), steps), why)
        inclusion.append(case)

    base = next(p for p in vectors["inclusion"] if p["size"] == 70 and p["index"] == 35)
    flipped = [base["proof"][0][:-1] + ("0" if base["proof"][0][-1] != "0" else "1")] + base["proof"][1:]
    bad_inclusion(base, "one bit of a step flipped", proof=flipped)
    bad_inclusion(base, "last step missing", proof=base["proof"][:-1])
    bad_inclusion(base, "one step too many", proof=base["proof"] + ["00" * 32])
    bad_inclusion(base, "another index", index=34)
    bad_inclusion(base, "index outside the tree", index=70)
    bad_inclusion(base, "no proof", proof=[])
    bad_inclusion(base, "another leaf", leaf=vectors["leaves"][34])
    single = next(p for p in vectors["inclusion"] if p["size"] == 1)
    bad_inclusion(single, "a step for a tree of one", proof=["00" * 32])
    bad_inclusion(single, "empty tree", size=0)

    def bad_consistency(base, why, **changes):
        case = dict(base, why=why, **changes)
        steps = [bytes.fromhex(step) for step in case["proof"]]
        must_refuse(lambda: v.check_consistency(case["from"], bytes.fromhex(case["old_root"]), case["to"],
                                                bytes.fromhex(case["new_root"]), steps), why)
        consistency.append(case)

    def pick(old, new):
        return next(p for p in vectors["consistency"] if (p["from"], p["to"]) == (old, new))

    base = pick(9, 70)
    bad_consistency(base, "the older root is another", old_root=vectors["roots"]["8"])
    bad_consistency(base, "the newer root is another", new_root=vectors["roots"]["33"])
    bad_consistency(base, "first step missing", proof=base["proof"][1:])
    bad_consistency(base, "last step missing", proof=base["proof"][:-1])
    bad_consistency(base, "one step too many", proof=base["proof"] + ["00" * 32])
    bad_consistency(base, "no proof", proof=[])
    bad_consistency(pick(9, 9), "same size, other root", new_root=vectors["roots"]["8"])
    bad_consistency(pick(9, 9), "a step where none belongs", proof=["00" * 32])
    bad_consistency(pick(0, 9), "a step from the empty tree", proof=["00" * 32])
    bad_consistency(pick(0, 9), "empty tree with another root", old_root="00" * 32)
    bad_consistency(pick(9, 70), "the newer tree is smaller", **{"from": 70, "to": 9})
    return {"inclusion": inclusion, "consistency": consistency}


def _open(raw, key):
    note = v.Note(raw)
    v.Checkpoint(note.text)
    v.need(v.signature_by(note, key) is not False, "not signed by that key")


def notes(vectors, log, other, witness):
    """Checkpoints that a reader refuses, with the key that should have signed."""
    text, signed, cosigned = vectors["text"], vectors["signed"], vectors["cosigned"]
    line = signed.split("\n\n")[1]
    found = []

    def bad(raw, why, signer=log):
        must_refuse(lambda: _open(raw, v.VerifierKey(signer.vkey, signer.kind)), why)
        found.append({"note": raw, "verifierKey": signer.vkey, "why": why})

    bad(signed, "not signed by this key", other)
    bad(signed, "no cosignature by this witness", witness)
    bad(signed.replace("\n70\n", "\n71\n"), "size changed after signing")
    bad(cosigned.replace("\n70\n", "\n71\n"), "size changed after cosigning", witness)
    bad(owner.sign_note("%s\n070\n%s\n" % (log.name, text.split("\n")[2]), log), "leading zero in the size")
    bad(owner.sign_note("%s\n9007199254740992\n%s\n" % (log.name, text.split("\n")[2]), log), "size of 2^53")
    bad(owner.sign_note(text + "extension\n", log), "extension line")
    bad(owner.sign_note("%s\n70\n%s\n" % (log.name, base64.b64encode(bytes(31)).decode()), log), "root of 31 bytes")
    bad(owner.sign_note("%s\n70\n" % log.name, log), "no root")
    bad(text, "no signatures")
    bad(text + "\n", "no signature lines")
    bad(signed[:-1], "no final newline")
    bad(signed.replace("\u2014", "-"), "hyphen instead of dash")
    bad(signed.replace("\n", "\r\n"), "carriage returns")
    blob = base64.b64decode(line.split(" ")[2])
    broken = blob[:-1] + bytes([blob[-1] ^ 1])
    bad(signed + owner.signature_line(log.name, b"", broken), "a good signature and a bad one by the same key")
    bad(text + "\n" + owner.signature_line(log.name, b"", broken), "one bit of the signature flipped")
    bad(text + "\n" + owner.signature_line(log.name, b"", blob[:4]), "no bytes after the key id")
    bad(text + "\n" + line.rstrip("\n") + "\t\n", "a tab after the signature")
    bad(text + "\n" + line.replace(log.name, log.name + " x"), "white space in the name")
    late = cosigned[:-1].rsplit(" ", 1)
    blob = base64.b64decode(late[1])
    moved = blob[:11] + bytes([blob[11] ^ 1]) + blob[12:]
    bad(late[0] + " " + base64.b64encode(moved).decode() + "\n", "time of the cosignature changed", witness)
    short = base64.b64encode(blob[:-1]).decode()
    bad(late[0] + " " + short + "\n", "cosignature of 71 bytes", witness)
    return found


def verifier_keys(log):
    """Verifier keys (type 0x01) that a reader refuses."""
    name, identity, blob = log.vkey.split("+", 2)
    data = base64.b64decode(blob)

    def vkey(key_name, public, kind=1):
        return "%s+%s+%s" % (key_name, v.key_id(key_name, kind, public).hex(),
                             base64.b64encode(bytes([kind]) + public).decode())

    def not_canonical():
        # The least y from p on that is a point of large order: libraries reduce it and accept.
        for y in range(v.P, 2**255):
            point = v.point_decode((y - v.P).to_bytes(32, "little"))
            if point is not None and not v.is_small_order(point):
                return y.to_bytes(32, "little")
        raise AssertionError("no such point")

    cases = (("%s+%s" % (name, blob), "two parts"), ("%s+00000000+%s" % (name, blob), "key id of another key"),
             ("%s+%s+%s" % (name, identity.upper(), blob), "upper-case key id"),
             ("other.example+%s+%s" % (identity, blob), "another name"),
             (vkey("a b", data[1:]), "white space in the name"),
             (vkey(name, data[1:], 4), "a witness's key type"), (vkey(name, data[1:-1]), "31 bytes"),
             (vkey(name, v.point_encode(v.IDENTITY)), "key of small order"),
             (vkey(name, (2).to_bytes(32, "little")), "no point of the curve"),
             (vkey(name, not_canonical()), "y is not below p"),
             ("%s+%s+%s" % (name, identity, blob.rstrip("=") + "\n"), "white space in base64"))
    assert identity != identity.upper()
    for text, why in cases:
        must_refuse(lambda text=text: v.VerifierKey(text, v.TYPE_ED25519), why)
    return [{"verifierKey": text, "why": why} for text, why in cases]


def records(vectors, log, other):
    """Records handed over that a reader refuses, each one change away from a good one."""
    good = next(vector for vector in vectors if vector["what"] == "every section opened")["record"]
    found = []

    def bad(why, change, signer=log):
        record = copy.deepcopy(good)
        change(record)

        def check():
            v.Record(record).check(v.VerifierKey(signer.vkey, signer.kind))
        must_refuse(check, why)
        found.append({"record": record, "verifierKey": signer.vkey, "why": why})

    def remac(record, name, text):
        """The section's text and MAC replaced, as somebody who holds the key can: the leaf then differs."""
        key = bytes.fromhex(record["opened"][name]["key"])
        record["opened"][name]["text"] = text
        record["macs"][name] = v.section_mac(key, text.encode("utf-8")).hex()

    facts = good["opened"]["facts"]
    changed = facts["text"].replace("00aa", "00ab")
    assert changed != facts["text"]
    bad("one byte of a section changed", lambda r: r["opened"]["facts"].update(text=changed))
    bad("section changed and MAC made again", lambda r: remac(r, "facts", changed))
    bad("MAC flipped", lambda r: r["macs"].update(facts="00" + r["macs"]["facts"][2:]))
    bad("key flipped", lambda r: r["opened"]["facts"].update(key="00" + facts["key"][2:]))
    bad("key of 31 bytes", lambda r: r["opened"]["facts"].update(key=facts["key"][:-2]))
    bad("upper-case key", lambda r: r["opened"]["facts"].update(key=facts["key"].upper()))
    bad("section left out of macs", lambda r: r["macs"].pop("facts"))
    bad("withheld section left out of macs", lambda r: (r["opened"].pop("private"), r["macs"].pop("private")))
    bad("no envelope in macs", lambda r: (r["opened"].pop("envelope"), r["macs"].pop("envelope")))
    bad("unknown section", lambda r: r["macs"].update(notes="00" * 32))
    bad("unknown member", lambda r: r.update(extra=1))
    bad("unknown format", lambda r: r.update(format="herleid-record/2"))
    bad("another index", lambda r: r.update(index=13))
    bad("index as text", lambda r: r.update(index="12"))
    bad("another origin", lambda r: r.update(origin="knmi.example/log/2"))
    bad("proof cut short", lambda r: r["proof"].pop())
    bad("proof with bytes added", lambda r: r["proof"].append(base64.b64encode(bytes(32)).decode()))
    bad("step of 31 bytes", lambda r: r["proof"].__setitem__(0, base64.b64encode(bytes(31)).decode()))
    bad("no checkpoint", lambda r: r.pop("checkpoint"))
    bad("checkpoint of another tree", lambda r: r.update(checkpoint=owner.sign_note(
        owner.checkpoint_text(r["origin"], 70, bytes(32)), log)))
    bad("checkpoint signed by another key under this name", lambda r: r.update(
        checkpoint=r["checkpoint"].replace(r["checkpoint"].split("\n\n")[1], owner.signature_line(
            log.name, log.id, other.sign(v.Note(r["checkpoint"]).text.encode())))))
    bad("checked with another log's key", lambda r: None, other)
    return found
