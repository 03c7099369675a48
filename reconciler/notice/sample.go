package notice

import (
	"time"

	"usher/reconciler"
	"usher/spec"
	"usher/state"
)

// Sample is a notice of the kind to show and to try templates with: it has
// everything such a message can tell. An unknown kind gives nil.
func Sample(kind reconciler.NoticeKind) *reconciler.Notice {
	n := &reconciler.Notice{
		Kind:    kind,
		To:      "ada@acme.example",
		Person:  reconciler.Person{Name: "ada", Email: "ada@acme.example", FirstName: "Ada", LastName: "Lovelace"},
		Support: []string{"cad-help@acme.example"},
	}
	switch kind {
	case reconciler.NoticeInvitation:
		n.Access, n.Roles = sampleAccess(), sampleRoles()[:1]
	case reconciler.NoticeRemoved:
		n.Lost, n.Roles = sampleAccess(), sampleRoles()[1:]
	case reconciler.NoticeSuspended:
		n.Lost = sampleAccess()
	case reconciler.NoticeRestored, reconciler.NoticeReturned:
		n.Access = sampleAccess()
	case reconciler.NoticeEmail, reconciler.NoticeEmailOld:
		n.Email = [2]string{"ada.byron@acme.example", "ada@acme.example"}
		if kind == reconciler.NoticeEmailOld {
			n.To = n.Email[0]
		} else {
			n.Gained = sampleAccess()[:1]
		}
	case reconciler.NoticeAccess:
		n.Gained, n.Altered, n.Lost = sampleAccess()[:2], sampleAltered(), sampleLost()
	case reconciler.NoticeRole:
		n.Roles = sampleRoles()
	case reconciler.NoticeSteward:
		n.Roles = othersRoles()
	case reconciler.NoticeReminder:
		n.Calendar, n.Gained = true, sampleAccess()[1:2]
		n.Expires = time.Date(2026, time.December, 6, 8, 20, 5, 0, time.UTC)
	case reconciler.NoticeSupport:
		return sampleRequest()
	case reconciler.NoticeReset, reconciler.NoticePassword:
		// The person is all there is to tell.
	default:
		if n.Report = sampleReport(kind); n.Report == nil {
			return nil
		}
		n.Support = nil
	}
	return n
}

// sampleRequest is what a support desk is asked.
func sampleRequest() *reconciler.Notice {
	ada := samplePerson("ada", "Ada", "Lovelace")
	return &reconciler.Notice{
		Kind: reconciler.NoticeSupport, To: "cad-help@acme.example", Support: []string{ada.Email},
		Person: reconciler.Person{FirstName: "acme-design", LastName: "support"},
		Request: &reconciler.SupportRequest{
			From: ada, Contract: "acme-design", Subject: "AutoCAD does not start",
			Text: "After the update of Monday it ends without a word.\n\nWhat may I try?",
		},
	}
}

// sampleReport is what a steward is told by a message of the kind, nil for others.
func sampleReport(kind reconciler.NoticeKind) *reconciler.Report {
	then := time.Date(2026, time.November, 21, 16, 4, 0, 0, time.UTC)
	switch kind {
	case reconciler.NoticeExpired:
		return &reconciler.Report{Lapsed: []reconciler.LapsedLine{
			{Person: samplePerson("bo", "Bo", "Ek"), Expired: then, Contracts: []string{"acme-design", "acme-plant"}},
			{Person: samplePerson("hanako", "花子", "三浦"), Expired: then},
		}}
	case reconciler.NoticeHeld:
		release := "usher approve sha256:5d41402abc4b2a76"
		return &reconciler.Report{Held: &reconciler.HeldReport{
			Plan: "sha256:5d41402abc4b2a76", Changes: 14, Common: 2, Others: 1, Release: []string{release},
			Rules: []state.HeldRule{{
				Rule: "removals", Count: 12, Limit: 4, Release: release,
				Message: "12 people of 41 would be removed, more than the 4 allowed within a day",
			}},
		}}
	case reconciler.NoticeRefused:
		return &reconciler.Report{Refused: []reconciler.RefusedLine{
			{Place: "users/ada.yaml:5:3", Message: "User ada: unknown field firstname", Hint: `did you mean "firstName"?`},
			{Place: "users/bo.yaml:7:12", Message: "User bo: there is no product revitt"},
		}}
	case reconciler.NoticeUndeliverable:
		return &reconciler.Report{Undelivered: []reconciler.UndeliveredLine{
			{ID: 17, To: "bo@acme.exmaple", Kind: reconciler.NoticeInvitation, Made: then, Error: "550 5.1.1 no such user"},
			{ID: 23, To: "hanako@acme.example", Kind: reconciler.NoticeAccess, Made: then},
		}}
	case reconciler.NoticeSeats:
		return &reconciler.Report{Seats: []reconciler.SeatsLine{
			{Contract: "acme-design", Product: "autocad", Title: "AutoCAD 2027", Used: 24, Of: 25},
			{Contract: "acme-plant", Product: "plant", Title: "Plant 2027", Used: 10, Of: 10},
		}}
	case reconciler.NoticeTerm:
		return &reconciler.Report{Terms: []reconciler.TermLine{
			{Contract: "acme-design", Until: day(2026, time.December, 22), Left: 30},
			{Contract: "acme-plant", Until: day(2026, time.November, 23), Left: 1},
		}}
	}
	return nil
}

func samplePerson(name, first, last string) reconciler.Person {
	return reconciler.Person{Name: name, Email: name + "@acme.example", FirstName: first, LastName: last}
}

func day(year int, month time.Month, d int) spec.Day {
	return spec.DayOf(time.Date(year, month, d, 0, 0, 0, 0, time.UTC))
}

func sampleAccess() []reconciler.AccessLine {
	return []reconciler.AccessLine{
		{Title: "AutoCAD 2027", Type: spec.TypeProduct, Contract: "acme-design", Span: spec.AllTime},
		{
			Title: "Cloud rendering", Type: spec.TypeService, Contract: "acme-design", Reason: "CAD-1234",
			Span: spec.Span{From: day(2026, time.December, 1), Until: day(2027, time.March, 31)},
		},
		{
			Title: "Training days", Type: spec.TypeBenefit, Contract: "acme-plant",
			Span: spec.Span{From: spec.Always, Until: day(2027, time.June, 30)},
		},
	}
}

func sampleAltered() []reconciler.AccessLine {
	return []reconciler.AccessLine{
		{
			Title: "Civil 2027", Type: spec.TypeProduct, Contract: "acme-plant", WasContract: "acme-design",
			Span: spec.AllTime, Was: spec.AllTime,
		},
		{
			Title: "Revit 2027", Type: spec.TypeProduct, Contract: "acme-design", WasContract: "acme-design",
			Span: spec.AllTime, Was: spec.Span{From: spec.Always, Until: day(2026, time.December, 31)},
		},
	}
}

func sampleLost() []reconciler.AccessLine {
	return []reconciler.AccessLine{
		{Title: "Plant 2027", Type: spec.TypeProduct, Contract: "acme-plant", Span: spec.AllTime, Reason: "project ended"},
	}
}

func sampleRoles() []reconciler.RoleLine {
	return []reconciler.RoleLine{
		{Contract: "acme-design", Role: spec.SoftwareCoordinator, Assigned: true},
		{Contract: "acme-plant", Role: spec.ContractManager},
	}
}

func othersRoles() []reconciler.RoleLine {
	return []reconciler.RoleLine{
		{Contract: "acme-design", Role: spec.SoftwareCoordinator, Assigned: true, Person: "Grace Hopper", Email: "grace@acme.example"},
		{Contract: "acme-design", Role: spec.SoftwareCoordinator, Person: "三浦 花子", Email: "hanako@acme.example"},
	}
}
