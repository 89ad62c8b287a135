#!/usr/bin/env python3
"""Checks that a webhook was posted by a Herleid connector: RFC 9421 and RFC 9530, with a library that knows nothing of Herleid.

    pip install http-message-signatures
    check_webhook.py DID_DOCUMENT < deliveries

Each line of standard input is a delivery: {"method", "url", "headers", "body"}, the body in base64; `url` is the address that the connector
was told to post to. For each it is said whether it is taken. A receiver of your own takes `Receiver` and calls `check`.
"""

import base64
import json
import sys
import time
from datetime import timedelta
from types import SimpleNamespace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import HTTPMessageVerifier, HTTPSignatureKeyResolver, InvalidSignature, algorithms

COVERED = ("@method", "@target-uri", "content-digest")
# The connector signs other requests with the same key, and those have no tag.
TAG = "herleid-webhook"


class Keys(HTTPSignatureKeyResolver):
    """The keys of one DID document that are meant for proving who sends."""

    def __init__(self, document):
        self.keys = {
            method["id"]: method["publicKeyJwk"]
            for method in document["verificationMethod"]
            if method["id"] in document["authentication"] and method["publicKeyJwk"].get("crv") == "Ed25519"
        }

    def resolve_public_key(self, key_id):
        if key_id not in self.keys:
            raise InvalidSignature(f"`{key_id}` is no key of this connector")
        x = self.keys[key_id]["x"]
        return Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(x + "=" * (-len(x) % 4)))

    def resolve_private_key(self, key_id):
        raise NotImplementedError


class Receiver:
    """Takes deliveries of one connector, each once. `document` is its DID document, fetched over TLS from where its DID says."""

    def __init__(self, document, max_age=timedelta(minutes=5)):
        self.did = document["id"]
        self.max_age = max_age
        self.verifier = HTTPMessageVerifier(
            signature_algorithm=algorithms.ED25519, key_resolver=Keys(document)
        )
        # When each came, in seconds.
        self.nonces = {}

    def check(self, method, url, headers, body):
        """The event, or InvalidSignature. Nothing of the body may be used before this returns."""
        message = SimpleNamespace(method=method, url=url, headers=headers)
        (result,) = self.verifier.verify(
            message, max_age=self.max_age, expect_tag=TAG, require_components=COVERED, body=body
        )
        now = time.monotonic()
        # Clocks differ: a signature is taken from so much before it was made until so much after `max_age`, and refused then.
        kept_s = (self.max_age + 2 * self.verifier.max_clock_skew).total_seconds()
        self.nonces = {nonce: came for nonce, came in self.nonces.items() if now - came <= kept_s}
        if not result.nonce or result.nonce in self.nonces:
            raise InvalidSignature("this delivery came before")
        try:
            event = json.loads(body)
        except ValueError:
            raise InvalidSignature("the body is no event") from None
        if not isinstance(event, dict) or event.get("source") != self.did:
            raise InvalidSignature("the event does not say that it comes from this connector")
        self.nonces[result.nonce] = now
        return event


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        document = json.load(file)
    receiver = Receiver(document)
    for line in sys.stdin:
        delivery = json.loads(line)
        receiver.max_age = timedelta(seconds=delivery.get("max_age_s", 300))
        try:
            body = base64.b64decode(delivery["body"])
            event = receiver.check(delivery["method"], delivery["url"], delivery["headers"], body)
            print("taken", event.get("id"))
        except InvalidSignature as why:
            print("refused:", why)


if __name__ == "__main__":
    main()
