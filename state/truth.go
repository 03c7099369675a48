package state

import "usher/spec"

// Truth is what is true at one revision, in spec's words, with each account's
// life beside it.
type Truth struct {
	Basis       int64              // number of the last revision from manifests (causes manifests and adopt); 0 before the first
	Newest      Revision           // the last revision of any cause; zero before the first
	Roster      *spec.Roster       // sorted as a Roster guarantees; Previously is never set
	Accounts    map[string]Account // of Roster.Users, by name
	Gone        []Account          // removed less than 30 days ago, newest first: may come back
	CalendarDay spec.Day           // the last day up to which the calendar was followed; spec.Always before the first
}
