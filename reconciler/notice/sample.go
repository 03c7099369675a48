package notice

import (
	"time"

	"usher/reconciler"
	"usher/spec"
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
	default:
		return nil
	}
	return n
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
