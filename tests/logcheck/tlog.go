package main

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// What C2SP tlog-tiles fixes: tiles of 2^8 hashes, and as many entries in a bundle.
const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

// The longest resource: a bundle of 256 entries with the longest length prefix.
const mostBytes = tileWidth * (2 + 65_535)

var client = &http.Client{Timeout: 30 * time.Second}

func fetch(url string) ([]byte, error) {
	answer, err := client.Get(url)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s, expected 200", url, answer.Status)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, mostBytes+1))
	if err == nil && len(body) > mostBytes {
		err = fmt.Errorf("%s: more than %d bytes", url, mostBytes)
	}
	return body, err
}

// Opens the note with sumdb/note and reads the three lines of a checkpoint (C2SP tlog-checkpoint).
func openCheckpoint(signed []byte, vkey string) (tlog.Tree, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tlog.Tree{}, fmt.Errorf("the key %q: %v", vkey, err)
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, fmt.Errorf("the checkpoint's signature: %v", err)
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return tlog.Tree{}, fmt.Errorf("the checkpoint has %d lines, expected 3", len(lines)-1)
	}
	if lines[0] != verifier.Name() {
		return tlog.Tree{}, fmt.Errorf("the checkpoint is of %q, expected %q", lines[0], verifier.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return tlog.Tree{}, fmt.Errorf("the checkpoint's size is %q, expected a decimal number", lines[1])
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

// The tiles of one log over HTTP. What sumdb/tlog has checked against the checkpoint's root, and nothing else, is kept.
type tiles struct {
	url  string
	kept map[tlog.Tile][]byte
}

func (t *tiles) Height() int { return tileHeight }

func (t *tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	found := make([][]byte, len(wanted))
	for i, tile := range wanted {
		data, ok := t.kept[tile]
		if !ok {
			// sumdb puts the height into the path, tlog-tiles has one height only.
			path, _ := strings.CutPrefix(tile.Path(), fmt.Sprintf("tile/%d/", tileHeight))
			var err error
			if data, err = fetch(t.url + "/tile/" + path); err != nil {
				return nil, err
			}
		}
		found[i] = data
	}
	return found, nil
}

func (t *tiles) SaveTiles(checked []tlog.Tile, data [][]byte) {
	for i, tile := range checked {
		t.kept[tile] = data[i]
	}
}

// Every entry of the log, from its bundles.
func readEntries(url string, size int64) ([][]byte, error) {
	entries := [][]byte{}
	for first := int64(0); first < size; first += tileWidth {
		width := min(size-first, tileWidth)
		level := tlog.Tile{H: tileHeight, L: -1, N: first / tileWidth, W: int(width)}
		path, _ := strings.CutPrefix(level.Path(), fmt.Sprintf("tile/%d/data/", tileHeight))
		bundle, err := fetch(url + "/tile/entries/" + path)
		if err != nil {
			return nil, err
		}
		for range width {
			if len(bundle) < 2 || len(bundle)-2 < int(binary.BigEndian.Uint16(bundle)) {
				return nil, fmt.Errorf("the bundle %s ends within an entry", path)
			}
			end := 2 + int(binary.BigEndian.Uint16(bundle))
			entries = append(entries, bundle[2:end])
			bundle = bundle[end:]
		}
		if len(bundle) != 0 {
			return nil, fmt.Errorf("the bundle %s goes on after its %d entries", path, width)
		}
	}
	return entries, nil
}

// Checks signature, every record and every earlier size of the log that is served at url.
func checkTlog(url, vkey string) (string, error) {
	url = strings.TrimSuffix(url, "/")
	signed, err := fetch(url + "/checkpoint")
	if err != nil {
		return "", err
	}
	tree, err := openCheckpoint(signed, vkey)
	if err != nil {
		return "", err
	}
	if tree.N == 0 {
		return "", errors.New("the log is empty: there is nothing to check")
	}
	hashes := tlog.TileHashReader(tree, &tiles{url: url, kept: map[tlog.Tile][]byte{}})
	entries, err := readEntries(url, tree.N)
	if err != nil {
		return "", err
	}
	stored := []tlog.Hash{}
	for index, entry := range entries {
		n := int64(index)
		proof, err := tlog.ProveRecord(tree.N, n, hashes)
		if err != nil {
			return "", fmt.Errorf("record %d has no proof: %v", n, err)
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, n, tlog.RecordHash(entry)); err != nil {
			return "", fmt.Errorf("record %d: %v", n, err)
		}
		more, err := tlog.StoredHashes(n, entry, tlog.HashReaderFunc(func(wanted []int64) ([]tlog.Hash, error) {
			found := make([]tlog.Hash, len(wanted))
			for i, at := range wanted {
				found[i] = stored[at]
			}
			return found, nil
		}))
		if err != nil {
			return "", fmt.Errorf("record %d: %v", n, err)
		}
		stored = append(stored, more...)
	}
	// The roots of earlier sizes are made from the entries alone, the proofs from the tiles.
	fromEntries := tlog.HashReaderFunc(func(wanted []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(wanted))
		for i, at := range wanted {
			found[i] = stored[at]
		}
		return found, nil
	})
	for size := int64(1); size <= tree.N; size++ {
		root, err := tlog.TreeHash(size, fromEntries)
		if err != nil {
			return "", fmt.Errorf("size %d has no root: %v", size, err)
		}
		proof, err := tlog.ProveTree(tree.N, size, hashes)
		if err != nil {
			return "", fmt.Errorf("size %d has no proof: %v", size, err)
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, size, root); err != nil {
			return "", fmt.Errorf("from size %d to %d: %v", size, tree.N, err)
		}
	}
	root := base64.StdEncoding.EncodeToString(tree.Hash[:])
	return fmt.Sprintf("%d records and %d sizes under %s", len(entries), tree.N, root), nil
}
