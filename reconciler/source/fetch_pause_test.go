package source

import (
	"testing"
	"time"
)

// Failures double the pause up to a quarter of an hour, or to the interval where
// that is longer.
func TestFetchPause(t *testing.T) {
	for _, tt := range []struct {
		every    time.Duration
		failures int
		want     time.Duration
	}{
		{time.Minute, 0, time.Minute},
		{time.Minute, 1, 2 * time.Minute},
		{time.Minute, 3, 8 * time.Minute},
		{time.Minute, 4, 15 * time.Minute},
		{time.Minute, 1000, 15 * time.Minute},
		{time.Hour, 0, time.Hour},
		{time.Hour, 5, time.Hour},
	} {
		if got := fetchPause(tt.every, tt.failures); got < tt.want || got > tt.want+tt.want/10 {
			t.Errorf("every %s after %d failures: %s, want %s and at most a tenth more", tt.every, tt.failures, got, tt.want)
		}
	}
}
