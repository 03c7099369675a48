package main

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

// pacePercent is the pace of the collector.
func pacePercent() int {
	percent := debug.SetGCPercent(100)
	debug.SetGCPercent(percent)
	return percent
}

func TestThePaceOfTheCollector(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(80))
	p := &pacer{from: 1000}
	for _, step := range []struct {
		alive uint64
		want  int
	}{{0, 80}, {999, 80}, {1000, frugalPercent}, {5000, frugalPercent}, {999, 80}, {10, 80}, {2000, frugalPercent}, {0, 80}} {
		if p.pace(step.alive); pacePercent() != step.want {
			t.Errorf("with %d bytes alive it is %d %%, want %d %%", step.alive, pacePercent(), step.want)
		}
	}
}

func TestThePaceIsSetAfterACycle(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	frugal(1)
	for range 100 {
		runtime.GC()
		time.Sleep(10 * time.Millisecond) // finalizers run on a goroutine of their own
		if pacePercent() == frugalPercent {
			return
		}
	}
	t.Errorf("after many cycles it is %d %%, want %d %%", pacePercent(), frugalPercent)
}
