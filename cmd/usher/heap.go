package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// frugalFrom is how many bytes are alive before memory counts for more than time. A
// plan is whole before any of it is written, so that it can be judged, and takes two
// and a half kilobytes for each person whom it adds: that is one of four hundred
// thousand people.
const frugalFrom = 1 << 30

// frugalPercent is how much the heap then grows between two collections, in percent of
// what is alive, where Go's own 100 % would keep as much dead as alive. It takes a
// fiftieth more time. To let a smaller heap grow further saves none: what is not spent
// on collecting is spent on fresh pages.
const frugalPercent = 50

// keepsPace reports whether the environment says how the collector is to work (GOGC and
// GOMEMLIMIT, as every Go program reads them).
func keepsPace() bool { return os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" }

// frugal has the collector keep to frugalPercent for as long as so many bytes are alive.
func frugal(from uint64) { (&pacer{from: from}).await() }

// pacer sets the pace of the collector by what its last cycle found alive.
type pacer struct {
	from  uint64 // bytes
	usual int    // percent, while it is left; 0: it is kept
}

// cycle is garbage, so that its end is the end of a cycle of the collector.
type cycle struct{ *pacer }

func (p *pacer) await() { runtime.SetFinalizer(&cycle{p}, (*cycle).end) }

func (c *cycle) end() {
	c.pace(alive())
	c.await()
}

// pace sets what is right while so many bytes are alive.
func (p *pacer) pace(alive uint64) {
	switch {
	case alive >= p.from && p.usual == 0:
		p.usual = debug.SetGCPercent(frugalPercent)
	case alive < p.from && p.usual != 0:
		debug.SetGCPercent(p.usual)
		p.usual = 0
	}
}

// alive is how many bytes of the heap the last cycle found in use; 0: not known.
func alive() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}
