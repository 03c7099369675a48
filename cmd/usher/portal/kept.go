package portal

import "sync"

// kept is something worked out from the state that costs more than a page may: it
// is worked out again when its stamp differs, by one request while others wait.
type kept[S comparable, T any] struct {
	mu    sync.Mutex
	made  bool
	stamp S
	value T
}

func (k *kept[S, T]) get(stamp S, work func() (T, error)) (T, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.made && k.stamp == stamp {
		return k.value, nil
	}
	value, err := work()
	if err == nil {
		k.made, k.stamp, k.value = true, stamp, value
	}
	return value, err
}
