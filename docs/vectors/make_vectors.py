#!/usr/bin/env python3
# SPDX-License-Identifier: EUPL-1.2
"""Writes docs/vectors/log-format.json: byte vectors of docs/log-format.md, the same at every run.

    python3 docs/vectors/make_vectors.py [--check]

`--check` writes nothing and exits 1 if the file differs. What verifiers need comes from ledger/verifier/verify.py; what
only a log's owner does (signing, sealing at rest, BLAKE3) is written here, in `owner.py`, apart from the Rust code.
All keys are made from public labels: they protect nothing.
"""

import copy
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "..", "ledger", "verifier"))

import owner  # noqa: E402
import refusals  # noqa: E402
import verify as v  # noqa: E402

TARGET = os.path.join(HERE, "log-format.json")
ORIGIN = "knmi.example/log/1"
LOG = owner.Signer(ORIGIN, v.TYPE_ED25519)
OTHER_LOG = owner.Signer("municipality.example/log/1", v.TYPE_ED25519)
WITNESS = owner.Signer("witness.example/w1", v.TYPE_COSIGNATURE)
TIME_MS = 1592402400000
RECORD_ID = "01890a5d-ac96-774b-bcce-b302099a8057"
STREAM_ID = "5f0c1d9e-8a7b-4c6d-9e0f-1a2b3c4d5e6f"
TRANSACTION = "01890a5d-ac96-7001-8000-0000000000aa"


def section_texts():
    """Name and bytes of one section of each shape that a served pull has, and one with every escape of RFC 8785."""
    payload = b"260,2020-06-17 15:00,513\n"
    salt, blake3, digest = owner.label(b"salt"), owner.blake3(payload), v.sha256(payload)
    content = {"salt": salt.hex(), "blake3": blake3.hex(), "sha256": digest.hex(), "bytes": len(payload),
               "mediaType": "text/csv"}
    exchange = {"transaction": TRANSACTION, "segment": 1, "phase": "pull", "agreement": "urn:uuid:agreement-1",
                "provider": "did:web:knmi.example", "consumer": "did:web:app.example",
                "subject": {"dataset": "https://knmi.example/data/rain", "version": "2020-06-18"},
                "range": [0, len(payload)], "bytes": len(payload),
                "content": v.content_mac(salt, blake3, digest, len(payload)).hex()}
    return {
        "envelope": {"v": 1, "id": RECORD_ID, "kind": "pull-served", "party": "did:web:knmi.example",
                     "recordedAt": TIME_MS, "trace": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                     "development": False, "prior": []},
        "stream-agreement": {"id": STREAM_ID, "n": 1, "prev": None},
        "exchange": exchange,
        "content": content,
        "facts": {"transaction": TRANSACTION},
        "private": {"a": "\u20ac \" \\ / \b\f\n\r\t \u0001 \u001f \u007f \u2028 \U0001f327", "Z": [], "_": {},
                    "~": None, "list": [0, 1, 9007199254740991, True, False]},
    }


def sealed_section(name, value):
    """A section's vector: keys derived, MAC made, and the form at rest."""
    root, text = owner.label(b"root " + name.encode()), v.canonical(value)
    v.parse_section(text)
    mac_key, enc_key = v.derive_mac_key(root), v.derive_enc_key(root)
    associated = b"\x00".join([ORIGIN.encode(), RECORD_ID.encode(), name.encode()])
    return {"name": name, "root": root.hex(), "mac_key": mac_key.hex(), "enc_key": enc_key.hex(),
            "text": text.decode("utf-8"), "mac": v.section_mac(mac_key, text).hex(),
            "at_rest": {"associated_data": associated.hex(),
                        "ciphertext": owner.chacha20_poly1305(enc_key, bytes(12), text, associated).hex()}}


def contents():
    """`exchange.content` over payloads that reach every branch of BLAKE3: empty, one block, one chunk, several."""
    found = []
    for length in (0, 1, 64, 1024, 1025, 3000):
        payload = bytes(i % 251 for i in range(length))
        salt = owner.label(b"salt %d" % length)
        blake3, digest = owner.blake3(payload), v.sha256(payload)
        found.append({"payload": "bytes i mod 251, i from 0", "bytes": length, "salt": salt.hex(),
                      "blake3": blake3.hex(), "sha256": digest.hex(),
                      "content": v.content_mac(salt, blake3, digest, length).hex()})
    inputs = {"inputs": [{"name": "rain", "dataset": "https://knmi.example/data/rain", "version": "2020-06-18",
                          "agreement": "urn:uuid:agreement-1", "transaction": TRANSACTION, "sha256": "ab" * 32,
                          "blake3": "cd" * 32, "bytes": 25, "mediaType": "text/csv"}],
              "parameters": {"storage_mm": "7", "pump_mm_per_h": "0.7"}}
    outputs = {"outputs": [{"name": "flooding", "sha256": "ef" * 32, "blake3": "01" * 32, "bytes": 9,
                            "mediaType": "text/csv"}]}
    for phase, value in (("run-request", inputs), ("run-result", outputs)):
        payload = v.canonical(value)
        salt, blake3, digest = owner.label(phase.encode()), owner.blake3(payload), v.sha256(payload)
        found.append({"phase": phase, "payload": payload.decode("utf-8"), "bytes": len(payload), "salt": salt.hex(),
                      "blake3": blake3.hex(), "sha256": digest.hex(),
                      "content": v.content_mac(salt, blake3, digest, len(payload)).hex()})
    return found


def entry_vector(macs):
    """From MAC map to leaf hash."""
    entry = v.entry_of(macs)
    return {"macs": macs, "jcs": v.canonical(macs).decode(), "entry": entry.hex(), "leaf": v.leaf_hash(entry).hex()}


def tree_vectors():
    """A tree of up to 70 leaves whose entries are made from labels: roots, inclusion and consistency."""
    entries = [b"\x01" + owner.label(b"entry %d" % i) for i in range(70)]
    leaves = [v.leaf_hash(entry) for entry in entries]
    sizes = (0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 33, 70)
    inclusion, consistency = [], []
    for size in sizes:
        root = owner.tree_root(leaves[:size])
        for index in sorted({i for i in (0, 1, 2, size // 2, size - 2, size - 1) if 0 <= i < size}):
            proof = owner.inclusion_proof(index, leaves[:size])
            v.check_inclusion(index, size, root, leaves[index], proof)
            inclusion.append({"size": size, "index": index, "root": root.hex(), "leaf": leaves[index].hex(),
                              "proof": [step.hex() for step in proof]})
        for old in sizes:
            if old <= size:
                proof = owner.consistency_proof(old, leaves[:size])
                v.check_consistency(old, owner.tree_root(leaves[:old]), size, root, proof)
                consistency.append({"from": old, "to": size, "old_root": owner.tree_root(leaves[:old]).hex(),
                                    "new_root": root.hex(), "proof": [step.hex() for step in proof]})
    return {"entries": [entry.hex() for entry in entries], "leaves": [leaf.hex() for leaf in leaves],
            "roots": {str(size): owner.tree_root(leaves[:size]).hex() for size in sizes},
            "inclusion": inclusion, "consistency": consistency}


def note_vectors(leaves):
    """A signed checkpoint, without and with a cosignature."""
    text = owner.checkpoint_text(ORIGIN, 70, owner.tree_root(leaves))
    signed = owner.sign_note(text, LOG)
    cosigned = signed + owner.cosignature_line(text, WITNESS, TIME_MS // 1000 + 1)
    assert v.signature_by(v.Note(cosigned), v.VerifierKey(LOG.vkey, v.TYPE_ED25519)) is True
    return {"log": LOG.vector(), "witness": WITNESS.vector(), "origin": ORIGIN, "size": 70,
            "root": owner.tree_root(leaves).hex(), "text": text, "signed": signed, "cosigned": cosigned,
            "cosigned_at": TIME_MS // 1000 + 1, "empty": owner.sign_note(
                owner.checkpoint_text(ORIGIN, 0, owner.tree_root([])), LOG)}


def record_vectors(sections, leaves):
    """A complete record handed over (index 12 of 70), everything opened, only some, and with a consistency proof."""
    macs = {part["name"]: part["mac"] for part in sections}
    leaves = list(leaves)
    leaves[12] = v.leaf_hash(v.entry_of(macs))
    note = owner.sign_note(owner.checkpoint_text(ORIGIN, 70, owner.tree_root(leaves)), LOG)
    note += owner.cosignature_line(v.Note(note).text, WITNESS, TIME_MS // 1000 + 1)

    def record(names):
        opened = {part["name"]: {"text": part["text"], "key": part["mac_key"]} for part in sections
                  if part["name"] in names}
        return {"format": "herleid-record/1", "origin": ORIGIN, "index": 12, "macs": macs, "opened": opened,
                "proof": owner.to_base64(owner.inclusion_proof(12, leaves)), "checkpoint": note}

    receipt = record(("exchange", "content", "stream-agreement"))
    extended = copy.deepcopy(receipt)
    extended["consistency"] = {"from": 9, "proof": owner.to_base64(owner.consistency_proof(9, leaves))}
    found = [{"what": "every section opened", "record": record(v.SECTIONS)},
             {"what": "a receipt", "record": receipt},
             {"what": "nothing opened", "record": record(())},
             {"what": "with consistency", "record": extended, "from_root": owner.tree_root(leaves[:9]).hex()}]
    for vector in found:
        checked = v.Record(vector["record"])
        checked.check(v.VerifierKey(LOG.vkey, v.TYPE_ED25519))
        vector["leaf"] = checked.leaf
        vector["verifierKey"] = LOG.vkey
    return found


def vectors():
    """The whole file as one object."""
    sections = [sealed_section(name, value) for name, value in section_texts().items()]
    tree = tree_vectors()
    leaves = [bytes.fromhex(leaf) for leaf in tree["leaves"]]
    notes = note_vectors(leaves)
    records = record_vectors(sections, leaves)
    macs = {part["name"]: part["mac"] for part in sections}
    return {"format": "herleid-log-vectors/1",
            "ed25519": refusals.ed25519(LOG),
            "sections": sections,
            "sections_accepted": refusals.sections_accepted(),
            "sections_refused": refusals.sections_refused(),
            "keys_refused": refusals.keys_refused(),
            "entries": [entry_vector({"envelope": macs["envelope"]}), entry_vector(macs)],
            "contents": contents(),
            "tree": tree,
            "tree_refused": refusals.tree(tree),
            "notes": notes,
            "notes_refused": refusals.notes(notes, LOG, OTHER_LOG, WITNESS),
            "verifier_keys_refused": refusals.verifier_keys(LOG),
            "records": records,
            "records_refused": refusals.records(records, LOG, OTHER_LOG)}


def main():
    """Writes or checks the file."""
    data = (json.dumps(vectors(), ensure_ascii=True, indent=1, sort_keys=True) + "\n").encode("ascii")
    if "--check" in sys.argv[1:]:
        with open(TARGET, "rb") as file:
            same = file.read() == data
        print("the vectors are up to date" if same else "log-format.json differs: run make_vectors.py")
        return 0 if same else 1
    with open(TARGET, "wb") as file:
        file.write(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
