// Tessera, over its POSIX driver, appends entries of 1 KiB: once as fast as it takes them, and once at a rate that is offered to it, to see how
// long an entry waits for its proof. deploy/build/bench-tessera.sh builds it, ../tessera.rs runs it. Bounded: entries and seconds are given.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"github.com/transparency-dev/tessera"
	"golang.org/x/sync/errgroup"
)

// size of an entry in bytes.
const size = 1024

// interval between checkpoints: the smallest that the POSIX driver accepts (its minCheckpointInterval). As delivered it is 10 s, which no
// benchmark of waiting for a proof would survive.
const interval = 100 * time.Millisecond

// flight is how many entries of the offered load may wait for their futures at once; past that, the offering itself waits, and what
// it offers late counts as late.
const flight = 32_768

type settings struct {
	batch   uint
	age     time.Duration
	workers int
}

// result is the one line that is printed.
type result struct {
	Entries       int     `json:"entries"`
	Batch         uint    `json:"batch"`
	AgeMs         float64 `json:"age_ms"`
	Workers       int     `json:"workers"`
	DurableS      float64 `json:"durable_s"`
	CoveredS      float64 `json:"covered_s"`
	DurablePerS   float64 `json:"durable_per_s"`
	CoveredPerS   float64 `json:"covered_per_s"`
	OfferedPerS   float64 `json:"offered_per_s,omitempty"`
	ReachedPerS   float64 `json:"reached_per_s,omitempty"`
	DurableP50Ms  float64 `json:"durable_p50_ms,omitempty"`
	DurableP99Ms  float64 `json:"durable_p99_ms,omitempty"`
	P50Ms         float64 `json:"p50_ms,omitempty"`
	P99Ms         float64 `json:"p99_ms,omitempty"`
	ProofsChecked int     `json:"proofs_checked"`
}

func main() {
	folder := flag.String("folder", "", "an empty folder, for the logs")
	count := flag.Int("count", 0, "entries that are appended as fast as possible; 0: none")
	rate := flag.Int("rate", 0, "entries offered a second afterwards, in a log of their own; 0: none")
	seconds := flag.Int("seconds", 20, "how long they are offered")
	batch := flag.Uint("batch", tessera.DefaultBatchMaxSize, "entries of a batch, at most")
	age := flag.Duration("age", tessera.DefaultBatchMaxAge, "how long a batch is filled, at most")
	workers := flag.Int("workers", 0, "goroutines that append; 0: as many as keep four batches full")
	flag.Parse()
	if *workers == 0 {
		*workers = 4 * int(*batch)
	}
	made, err := measure(*folder, *count, *rate, *seconds, settings{*batch, *age, *workers})
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(made)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "tessera: %v\n", err)
		os.Exit(1)
	}
}

func measure(folder string, count, rate, seconds int, set settings) (result, error) {
	made := result{Entries: count, Batch: set.batch, AgeMs: set.age.Seconds() * 1e3, Workers: set.workers, OfferedPerS: float64(rate)}
	if folder == "" || count < 0 || rate < 0 || seconds < 1 || set.batch == 0 || set.workers < 1 {
		return made, errors.New("wanted: a folder, and numbers that are not negative; see -help")
	}
	if count > 0 {
		if err := flood(filepath.Join(folder, "flood"), count, set, &made); err != nil {
			return made, fmt.Errorf("appending %d entries: %w", count, err)
		}
	}
	if rate > 0 {
		if err := offer(filepath.Join(folder, "offer"), rate, seconds, set, &made); err != nil {
			return made, fmt.Errorf("offering %d entries a second: %w", rate, err)
		}
	}
	return made, nil
}

// flood appends count entries as fast as they are taken. A future of the POSIX driver resolves when its entry is sequenced, on disk
// and integrated into the tree, all in one; a checkpoint that covers it follows within the interval.
func flood(folder string, count int, set settings, made *result) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	log, err := open(ctx, folder, set)
	if err != nil {
		return err
	}
	var next atomic.Int64
	var group errgroup.Group
	began := time.Now()
	for range set.workers {
		source := randomness()
		group.Go(func() error {
			for next.Add(1) <= int64(count) {
				if _, err := log.Add(ctx, entry(source))(); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	durable := time.Since(began)
	seen, err := log.coveredAt(ctx, uint64(count))
	if err != nil {
		return err
	}
	// The checkpoint may be out before the last future is told, without which nobody has a proof.
	made.DurableS, made.CoveredS = durable.Seconds(), max(seen.Sub(began), durable).Seconds()
	made.DurablePerS, made.CoveredPerS = float64(count)/made.DurableS, float64(count)/made.CoveredS
	return log.closeAndCheck(ctx, uint64(count), &made.ProofsChecked)
}

// offer offers entries at a steady rate, whatever becomes of them. An entry's time runs from the moment it was due, not from the
// moment somebody got to it: a log that falls behind may not slow its own clock down.
func offer(folder string, rate, seconds int, set settings, made *result) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	log, err := open(ctx, folder, set)
	if err != nil {
		return err
	}
	count := rate * seconds
	// By index in the log: when it was due, and how long its future took.
	due, durable := make([]time.Time, count), make([]time.Duration, count)
	sources := sync.Pool{New: func() any { return randomness() }}
	var group errgroup.Group
	group.SetLimit(flight)
	began := time.Now()
	for n := range count {
		at := began.Add(time.Duration(n) * time.Second / time.Duration(rate))
		// What is due sooner than a timer can tell is offered now and then in a handful.
		if wait := time.Until(at); wait > 0 {
			time.Sleep(wait)
		}
		group.Go(func() error {
			source := sources.Get().(*mathrand.ChaCha8)
			offered := entry(source)
			sources.Put(source)
			index, err := log.Add(ctx, offered)()
			if err != nil {
				return err
			}
			if index.Index >= uint64(count) {
				return fmt.Errorf("index %d in a log of %d entries", index.Index, count)
			}
			due[index.Index], durable[index.Index] = at, time.Since(at)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	end, err := log.coveredAt(ctx, uint64(count))
	if err != nil {
		return err
	}
	seen := log.seen()
	waited := make([]time.Duration, count)
	for index := range count {
		first := sort.Search(len(seen), func(n int) bool { return seen[n].size > uint64(index) })
		waited[index] = max(seen[first].at.Sub(due[index]), durable[index])
	}
	made.ReachedPerS = float64(count) / end.Sub(began).Seconds()
	made.P50Ms, made.P99Ms = quantiles(waited)
	made.DurableP50Ms, made.DurableP99Ms = quantiles(durable)
	return log.closeAndCheck(ctx, uint64(count), &made.ProofsChecked)
}

func quantiles(times []time.Duration) (p50, p99 float64) {
	slices.Sort(times)
	of := func(part float64) float64 { return times[int(part*float64(len(times)-1))].Seconds() * 1e3 }
	return of(0.5), of(0.99)
}

func randomness() *mathrand.ChaCha8 {
	var seed [32]byte
	rand.Read(seed[:]) // never fails (crypto/rand)
	return mathrand.NewChaCha8(seed)
}

func entry(source *mathrand.ChaCha8) *tessera.Entry {
	bytes := make([]byte, size)
	source.Read(bytes) // never fails (math/rand/v2)
	return tessera.NewEntry(bytes)
}
