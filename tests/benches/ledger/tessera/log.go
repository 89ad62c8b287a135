package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	formats "github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/api/layout"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
)

// look is how often the published checkpoint is read. Tessera's own awaiter wakes everybody who waits at every look; this does not.
const look = time.Millisecond

// patience is how long a log may publish nothing that covers what it has promised.
const patience = 60 * time.Second

// proofs is how many entries are proved in the log that was made.
const proofs = 100

// origin of the logs.
const origin = "bench.herleid.invalid/tessera"

// checkpoint that was published, and when it was first seen.
type checkpoint struct {
	size uint64
	at   time.Time
}

type bench struct {
	*tessera.Appender
	reader   tessera.LogReader
	verifier note.Verifier
	shutdown func(context.Context) error

	mu     sync.Mutex
	sizes  []checkpoint
	failed error
}

// open makes a new log, with everything else as Tessera delivers it: fsync of each file and folder, partial tiles swept once a minute.
// No antispam, which would look for duplicates: our side has none either.
func open(ctx context.Context, folder string, set settings) (*bench, error) {
	driver, err := posix.New(ctx, posix.Config{Path: folder})
	if err != nil {
		return nil, err
	}
	private, public, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		return nil, err
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		return nil, err
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		return nil, err
	}
	options := tessera.NewAppendOptions().
		WithCheckpointSigner(signer).
		WithBatching(set.batch, set.age).
		WithCheckpointInterval(interval)
	appender, shutdown, reader, err := tessera.NewAppender(ctx, driver, options)
	if err != nil {
		return nil, err
	}
	log := &bench{Appender: appender, reader: reader, verifier: verifier, shutdown: shutdown}
	go log.watch(ctx)
	return log, nil
}

// watch notes when each checkpoint is published.
func (b *bench) watch(ctx context.Context) {
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		size, err := b.published(ctx)
		now := time.Now()
		b.mu.Lock()
		switch {
		case err != nil:
			b.failed = err
		case len(b.sizes) == 0 || b.sizes[len(b.sizes)-1].size < size:
			b.sizes = append(b.sizes, checkpoint{size, now})
		}
		b.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// published is the size that the published checkpoint says. Its signature is checked at the end (closeAndCheck).
func (b *bench) published(ctx context.Context) (uint64, error) {
	raw, err := b.reader.ReadCheckpoint(ctx)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	lines := bytes.SplitN(raw, []byte("\n"), 3)
	if len(lines) < 3 {
		return 0, fmt.Errorf("a checkpoint of %d lines", len(lines))
	}
	return strconv.ParseUint(string(lines[1]), 10, 64)
}

func (b *bench) seen() []checkpoint {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]checkpoint(nil), b.sizes...)
}

// coveredAt waits until a checkpoint of this size is published; when that was.
func (b *bench) coveredAt(ctx context.Context, size uint64) (time.Time, error) {
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); <-ticker.C {
		b.mu.Lock()
		last, err := checkpoint{}, b.failed
		if len(b.sizes) > 0 {
			last = b.sizes[len(b.sizes)-1]
		}
		b.mu.Unlock()
		if err != nil || last.size >= size {
			return last.at, err
		}
	}
	return time.Time{}, fmt.Errorf("no checkpoint covers %d entries within %v", size, patience)
}

// closeAndCheck ends the log, and proves some of its entries: what was measured was a log.
func (b *bench) closeAndCheck(ctx context.Context, size uint64, checked *int) error {
	if err := b.shutdown(ctx); err != nil {
		return err
	}
	raw, err := b.reader.ReadCheckpoint(ctx)
	if err != nil {
		return err
	}
	last, _, _, err := formats.ParseCheckpoint(raw, origin, b.verifier)
	if err != nil {
		return err
	}
	if last.Size != size {
		return fmt.Errorf("%d entries were appended, the checkpoint has %d", size, last.Size)
	}
	prover, err := client.NewProofBuilder(ctx, size, b.reader.ReadTile)
	if err != nil {
		return err
	}
	for n := range uint64(proofs) {
		index := n * (size - 1) / (proofs - 1)
		path, err := prover.InclusionProof(ctx, index)
		if err != nil {
			return err
		}
		leaf, err := b.leaf(ctx, index, size)
		if err != nil {
			return err
		}
		if err := proof.VerifyInclusion(rfc6962.DefaultHasher, index, size, leaf, path, last.Hash); err != nil {
			return fmt.Errorf("entry %d: %w", index, err)
		}
		*checked++
	}
	return nil
}

// leaf hash of an entry, of the bytes that are on disk.
func (b *bench) leaf(ctx context.Context, index, size uint64) ([]byte, error) {
	number := index / layout.EntryBundleWidth
	raw, err := b.reader.ReadEntryBundle(ctx, number, layout.PartialTileSize(0, number, size))
	if err != nil {
		return nil, err
	}
	var bundle api.EntryBundle
	if err := bundle.UnmarshalText(raw); err != nil {
		return nil, err
	}
	within := index % layout.EntryBundleWidth
	if within >= uint64(len(bundle.Entries)) {
		return nil, fmt.Errorf("entry %d is not in its bundle of %d", index, len(bundle.Entries))
	}
	return rfc6962.DefaultHasher.HashLeaf(bundle.Entries[within]), nil
}
