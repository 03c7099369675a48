//go:build !(linux || darwin || freebsd)

package state

import "errors"

func freeDisk(string) (free, all uint64, err error) {
	return 0, 0, errors.New("free disk cannot be told on this system")
}
