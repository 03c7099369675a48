package reconciler

// SetRemote records how fetching goes. A remote that fails makes nothing unready:
// what was fetched before is kept to.
func (l *Loop) SetRemote(err error) {
	if err == nil {
		l.set(RemoteReady, true, "")
		return
	}
	l.set(RemoteReady, false, firstLine(err)+"; what was fetched before is kept to")
}
