package main

import (
	"encoding/hex"
	"fmt"
	"os"
	"strings"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A policy that asks for the log's signature and every cosignature that a key is given for.
func policyOf(vkeys []string) (torchwood.Policy, error) {
	log, err := note.NewVerifier(vkeys[0])
	if err != nil {
		return nil, fmt.Errorf("the log's key %q: %v", vkeys[0], err)
	}
	parts := []torchwood.Policy{torchwood.OriginPolicy(log.Name()), torchwood.SingleVerifierPolicy(log)}
	for _, vkey := range vkeys[1:] {
		witness, err := torchwood.NewCosignatureVerifier(vkey)
		if err != nil {
			return nil, fmt.Errorf("the witness's key %q: %v", vkey, err)
		}
		parts = append(parts, torchwood.SingleVerifierPolicy(witness))
	}
	return torchwood.ThresholdPolicy(len(parts), parts...), nil
}

// Checks that the checkpoint that is served carries the log's signature and the witness's.
func checkCosigned(url, log, witness string) (string, error) {
	policy, err := policyOf([]string{log, witness})
	if err != nil {
		return "", err
	}
	signed, err := fetch(strings.TrimSuffix(url, "/") + "/checkpoint")
	if err != nil {
		return "", err
	}
	checkpoint, _, err := torchwood.VerifyCheckpoint(signed, policy)
	if err != nil {
		return "", fmt.Errorf("the checkpoint is not cosigned as asked: %v", err)
	}
	return fmt.Sprintf("%d records cosigned", checkpoint.N), nil
}

// Checks a proof file for an entry of the log, given in hex.
func checkProof(file, entry string, vkeys []string) (string, error) {
	policy, err := policyOf(vkeys)
	if err != nil {
		return "", err
	}
	proof, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	bytes, err := hex.DecodeString(entry)
	if err != nil {
		return "", fmt.Errorf("the entry: %v", err)
	}
	if err := torchwood.VerifyProof(policy, tlog.RecordHash(bytes), proof); err != nil {
		return "", fmt.Errorf("%s: %v", file, err)
	}
	return fmt.Sprintf("%s proves the entry", file), nil
}
