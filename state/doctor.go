package state

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Severity is how bad a finding is.
type Severity string

// The severities of findings.
const (
	Fine    Severity = "ok"
	Warning Severity = "warning" // look at it when there is time
	Failure Severity = "failure" // look at it now
)

// Finding is what one check of the state found.
type Finding struct {
	Check    string   `json:"check"`
	Severity Severity `json:"severity"`
	Message  string   `json:"message"`
}

// Examine checks the state as far as it can from beside it: chain and replay,
// head file, who may read its files, free disk, the clock against its newest
// revision, and what waits in the outbox. It changes nothing. Findings come in a fixed order.
func (db *DB) Examine(ctx context.Context) ([]Finding, error) {
	if !db.Exists() {
		return nil, fmt.Errorf("examining the state: %w: there is none yet", ErrNotFound)
	}
	findings := []Finding{db.examineChain(ctx), db.examineHead(ctx)}
	findings = append(findings, db.examinePermissions()...)
	findings = append(findings, db.examineDisk())
	for _, check := range []func(context.Context) (Finding, error){db.examineClock, db.examineOutbox} {
		f, err := check(ctx)
		if err != nil {
			return nil, fmt.Errorf("examining the state: %w", err)
		}
		findings = append(findings, f)
	}
	return findings, nil
}

func (db *DB) examineChain(ctx context.Context) Finding {
	if err := db.Verify(ctx); err != nil {
		return Finding{"audit", Failure, err.Error()}
	}
	return Finding{"audit", Fine, "the database file is whole, the chain unbroken, and its replay equals the tables"}
}

func (db *DB) examineHead(ctx context.Context) Finding {
	why, err := db.wentBack(ctx, db.reader)
	switch {
	case err != nil:
		return Finding{"head", Failure, err.Error()}
	case why != "":
		return Finding{"head", Failure, why + "; messages are held until usher mail release"}
	}
	return Finding{"head", Fine, "the database is no older than its head file"}
}

// examinePermissions looks who may read what is secret or personal.
func (db *DB) examinePermissions() []Finding {
	var findings []Finding
	for _, suffix := range []string{"", keyFileSuffix} {
		file := db.path + suffix
		info, err := os.Stat(file)
		switch {
		case err != nil:
			findings = append(findings, Finding{"permissions", Failure, err.Error()})
		case info.Mode().Perm()&0o077 != 0:
			findings = append(findings, Finding{"permissions", Warning,
				fmt.Sprintf("%s may be read by others (mode %04o); chmod 600 %s", filepath.Base(file), info.Mode().Perm(), file)})
		}
	}
	if findings == nil {
		findings = []Finding{{"permissions", Fine, "the database and its key are their owner's alone"}}
	}
	return findings
}

// Less free disk than this, or than the database would need to be written once
// more, wants looking at.
const leastDisk = 256 << 20

func (db *DB) examineDisk() Finding {
	free, all, err := freeDisk(filepath.Dir(db.path))
	if err != nil {
		return Finding{"disk", Warning, fmt.Sprintf("reading how much disk is free: %v", err)}
	}
	words := fmt.Sprintf("%d MiB of %d MiB are free where the state is", free>>20, all>>20)
	need := uint64(leastDisk)
	if info, err := os.Stat(db.path); err == nil {
		need = max(need, uint64(info.Size()))
	}
	switch {
	case free < 16<<20:
		return Finding{"disk", Failure, words + ": make room before writing fails"}
	case free < need:
		return Finding{"disk", Warning, words + ": make room in time"}
	}
	return Finding{"disk", Fine, words}
}

func (db *DB) examineClock(ctx context.Context) (Finding, error) {
	newest, _, err := newestRevision(ctx, db.reader)
	if err != nil {
		return Finding{}, fault(err)
	}
	if ahead := newest.At.Sub(db.now()); ahead > time.Minute {
		return Finding{"clock", Failure, fmt.Sprintf("the clock stands %s before the newest revision: set it right", ahead.Round(time.Second))}, nil
	}
	return Finding{"clock", Fine, "the clock stands after the newest revision"}, nil
}

func (db *DB) examineOutbox(ctx context.Context) (Finding, error) {
	c, err := db.Outbox(ctx)
	switch {
	case err != nil:
		return Finding{}, err
	case c.Failed+c.Held > 0:
		return Finding{"mail", Warning, fmt.Sprintf("%d messages failed and %d are held: usher mail list", c.Failed, c.Held)}, nil
	case !c.Oldest.IsZero() && db.now().Sub(c.Oldest) > 24*time.Hour:
		return Finding{"mail", Warning, fmt.Sprintf("a message waits since %s: usher mail list", c.Oldest.Format(time.RFC3339))}, nil
	}
	return Finding{"mail", Fine, fmt.Sprintf("%d messages wait", c.Queued+c.Sending)}, nil
}
