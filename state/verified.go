package state

import "encoding/json"

// verified are the tables that the audit covers, each with the query that gives
// its rows as facts.
var verified = []struct {
	query string
	fact  func(scanner) (fact, error)
}{
	{"SELECT id, created, activated FROM account", func(scan scanner) (fact, error) {
		var id string
		var created, activated int64
		err := scan(&id, &created, &activated)
		return fact{table: "account", account: id, clear: []any{created, activated}}, err
	}},
	{"SELECT " + revisionColumns + " FROM revision", func(scan scanner) (fact, error) {
		r, day, err := scanRevision(scan)
		return fact{table: "revision", clear: []any{
			r.Number, millis(r.At), r.Kind, r.Source, r.Path, r.Commit, r.Digest, r.PlanID, r.Approved, r.By, r.Changes, r.Messages, int32(day),
			r.Author, r.Committer, r.Signer, r.Fingerprint, r.Parents,
		}}, err
	}},
	{`SELECT account, suspended, generation, name, email, email_key, first_name, last_name, signing_keys,
		since, COALESCE(until, 0) FROM person`, personRow},
	{"SELECT account, issue, issued, expires, since, COALESCE(until, 0) FROM invitation", func(scan scanner) (fact, error) {
		var issue, issued, expires int64
		f := fact{table: "invitation"}
		err := scan(&f.account, &issue, &issued, &expires, &f.since, &f.until)
		f.clear = []any{issue, issued, expires}
		return f, err
	}},
	{"SELECT account, contract, product, first_day, last_day, reason, since, COALESCE(until, 0) FROM access", func(scan scanner) (fact, error) {
		var contract, product, reason string
		var first, last int32
		f := fact{table: "access"}
		err := scan(&f.account, &contract, &product, &first, &last, &reason, &f.since, &f.until)
		f.clear, f.personal = []any{contract, product, first, last}, []any{reason}
		return f, err
	}},
	{"SELECT account, contract, role, since, COALESCE(until, 0) FROM role", func(scan scanner) (fact, error) {
		var contract, role string
		f := fact{table: "role"}
		err := scan(&f.account, &contract, &role, &f.since, &f.until)
		f.clear = []any{contract, role}
		return f, err
	}},
	{"SELECT account, team, since, COALESCE(until, 0) FROM team_member", func(scan scanner) (fact, error) {
		var team string
		f := fact{table: "team_member"}
		err := scan(&f.account, &team, &f.since, &f.until)
		f.clear = []any{team}
		return f, err
	}},
	{"SELECT name, body, since, COALESCE(until, 0) FROM product", func(scan scanner) (fact, error) {
		var name, body string
		f := fact{table: "product"}
		err := scan(&name, &body, &f.since, &f.until)
		f.clear = []any{name, body}
		return f, err
	}},
	{"SELECT name, body, support_email, since, COALESCE(until, 0) FROM contract", func(scan scanner) (fact, error) {
		return thingRow("contract", scan)
	}},
	{"SELECT name, body, reasons, since, COALESCE(until, 0) FROM team", func(scan scanner) (fact, error) {
		return thingRow("team", scan)
	}},
}

func thingRow(table string, scan scanner) (fact, error) {
	var name, body, aside string
	f := fact{table: table}
	err := scan(&name, &body, &aside, &f.since, &f.until)
	f.clear, f.personal = []any{name, body}, []any{aside}
	return f, err
}

func personRow(scan scanner) (fact, error) {
	var suspended bool
	var generation int
	var who identity
	var keys string
	f := fact{table: "person"}
	err := scan(&f.account, &suspended, &generation, &who.Name, &who.Email, &who.EmailKey, &who.FirstName, &who.LastName, &keys, &f.since, &f.until)
	if err == nil && json.Unmarshal([]byte(keys), &who.SigningKeys) != nil {
		who.SigningKeys = []string{"unreadable: " + keys}
	}
	f.clear, f.personal = []any{suspended, generation}, personalParts(who)
	return f, err
}
