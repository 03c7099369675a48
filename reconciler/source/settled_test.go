package source_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"usher/reconciler"
	"usher/reconciler/source"
)

func readSettled(root string, window time.Duration) (*reconciler.Manifests, error) {
	d := source.Dir(root, source.Options{Settle: window})
	first, err := d.Snapshot(context.Background())
	if err != nil {
		return nil, err
	}
	return d.Settled(context.Background(), first)
}

// A tree that was written just now is waited for; one that has stood still is not.
func TestSettledWaits(t *testing.T) {
	const window = 150 * time.Millisecond
	root := plant(t, t.TempDir(), map[string]string{"a.yaml": "a: 1"})
	began := time.Now()
	if _, err := readSettled(root, window); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < window/2 {
		t.Errorf("a fresh tree was believed after %v, want %v", took, window)
	}
	began = time.Now()
	if _, err := readSettled(root, window); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > window {
		t.Errorf("a tree that had stood still took %v", took)
	}
}

// A file whose time is ahead of the clock does not keep a tree from settling.
func TestSettledAheadOfTheClock(t *testing.T) {
	root := plant(t, t.TempDir(), map[string]string{"a.yaml": "a: 1"})
	ahead := time.Now().Add(time.Hour)
	if err := os.Chtimes(filepath.Join(root, "a.yaml"), ahead, ahead); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if _, err := readSettled(root, 100*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
}

// What is copied with its old times is as fresh as any other edit.
func TestSettledSeesOldTimes(t *testing.T) {
	const window = 200 * time.Millisecond
	root := plant(t, t.TempDir(), map[string]string{"a.yaml": "a: 1"})
	old := time.Now().Add(-time.Hour)
	for _, name := range []string{"a.yaml", "."} {
		if err := os.Chtimes(filepath.Join(root, name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	if _, err := readSettled(root, window); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < window/2 {
		t.Errorf("it was believed after %v, want %v", took, window)
	}
}

func TestSettledCancelled(t *testing.T) {
	root := plant(t, t.TempDir(), map[string]string{"a.yaml": "a: 1"})
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	d := source.Dir(root, source.Options{Settle: time.Hour})
	first, err := d.Snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Settled(ctx, first); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want it cancelled", err)
	}
}

// TestSettledIsNeverAMix flips a tree of two files between two contents, in each
// way in which files are replaced. What Settled returns is one of the two, unless
// the writer left half of an edit alone for as long as the window.
func TestSettledIsNeverAMix(t *testing.T) {
	for name, write := range map[string]func(path, text string) error{
		"in place": func(path, text string) error { return os.WriteFile(path, []byte(text), 0o644) },
		"by rename": func(path, text string) error {
			if err := os.WriteFile(path+".new", []byte(text), 0o644); err != nil {
				return err
			}
			return os.Rename(path+".new", path)
		},
		"with old times": func(path, text string) error {
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				return err
			}
			old := time.Unix(1_000_000_000, 0)
			return os.Chtimes(path, old, old)
		},
	} {
		t.Run(name, func(t *testing.T) { flipWhileReading(t, write) })
	}
}

const (
	flips      = 150
	flipWindow = 200 * time.Millisecond
)

func flipWhileReading(t *testing.T, write func(path, text string) error) {
	f := &flipper{root: plant(t, t.TempDir(), map[string]string{"a.yaml": "v: 0", "b/z.yaml": "v: 0"}), write: write, done: make(chan error, 1)}
	go func() { f.done <- f.flip() }()
	acted := 0
	for f.made.Load() < flips {
		began, slow := f.made.Load(), f.slow.Load()
		m, err := readSettled(f.root, flipWindow)
		if err != nil {
			continue // refused, which is as good as waiting
		}
		acted++
		if len(m.Files) == 2 && string(m.Files[0].Data) == string(m.Files[1].Data) {
			continue
		}
		for len(f.done) == 0 && f.made.Load() == began {
			time.Sleep(time.Millisecond) // until it is known how long the edit under way takes
		}
		if f.slow.Load() == slow {
			t.Errorf("acted on a mix of %q and %q", m.Files[0].Data, m.Files[1].Data)
		}
	}
	if err := <-f.done; err != nil || acted == 0 {
		t.Errorf("acted on %d trees; writing: %v", acted, err)
	}
}

// flipper writes both files again and again, the second a little after the first,
// and rests now and then for longer than the window.
type flipper struct {
	root       string
	write      func(path, text string) error
	made, slow atomic.Int64 // edits; and those that took as long as the window, which a disk may make them
	done       chan error
}

func (f *flipper) flip() error {
	defer f.made.Store(flips)
	for n := range flips {
		text, began := fmt.Sprintf("v: %d", 1-n%2), time.Now()
		if err := f.write(filepath.Join(f.root, "a.yaml"), text); err != nil {
			return err
		}
		time.Sleep(time.Duration(n%3) * time.Millisecond)
		if err := f.write(filepath.Join(f.root, "b/z.yaml"), text); err != nil {
			return err
		}
		if time.Since(began) >= flipWindow {
			f.slow.Add(1)
		}
		f.made.Add(1)
		if n%30 == 29 {
			time.Sleep(2 * flipWindow)
		}
	}
	return nil
}

// A tree that never stands still is not acted on, and says so.
func TestSettledNever(t *testing.T) {
	root := plant(t, t.TempDir(), map[string]string{"a.yaml": "v: 0"})
	done, stopped := make(chan bool), make(chan bool)
	go func() {
		defer close(stopped)
		for n := 0; ; n++ {
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
				os.WriteFile(filepath.Join(root, "a.yaml"), fmt.Appendf(nil, "v: %d", n), 0o644)
			}
		}
	}()
	d := source.DirWithin(root, 300*time.Millisecond, time.Second)
	first, err := d.Snapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.Settled(context.Background(), first)
	close(done)
	<-stopped
	if want := root + " keeps changing while it is read; try again when whoever writes it has finished"; err == nil || err.Error() != want {
		t.Errorf("%v, want %q", err, want)
	}
}
