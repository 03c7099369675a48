package state_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"usher/spec"
	"usher/state"
)

// lived is a house with a history that has touched every table.
func lived(t *testing.T) *house {
	h := newHouse(t)
	var ada, bo state.Account
	h.update(func(tx *state.Tx) (err error) {
		if ada, err = tx.AddAccount(user("ada"), false); err != nil {
			return err
		}
		if bo, err = tx.AddAccount(user("bo"), true); err != nil {
			return err
		}
		return noError(
			tx.PutProduct(&spec.Product{Name: "cad", Title: "CAD 2027", Type: spec.TypeProduct}),
			tx.PutContract(&spec.Contract{Name: "design", Offers: []spec.Offer{{Product: "cad", Seats: 2}}, SupportEmail: "help@acme.example"}),
			tx.Assign("design", bo.ID, spec.ContractManager),
			tx.Assign("design", ada.ID, spec.SoftwareCoordinator),
			tx.PutTeam(&spec.Team{Name: "cad", Access: []spec.Grant{grant("cad")}}, []string{ada.ID, bo.ID}, nil),
			tx.Grant(ada.ID, grant("cad")),
			tx.Grant(bo.ID, grant("cad")))
	})
	h.pass(time.Hour)
	h.update(func(tx *state.Tx) error {
		changed := user("ada")
		changed.LastName = "Lovelace"
		until := grant("cad")
		until.Until = day(30)
		_, err := tx.Invite(ada.ID, 2)
		return noError(err,
			tx.ChangeAccount(ada.ID, changed),
			tx.ChangeGrant(ada.ID, grant("cad"), until),
			tx.Unassign("design", ada.ID, spec.SoftwareCoordinator),
			tx.PutProduct(&spec.Product{Name: "cad", Title: "CAD 2028", Type: spec.TypeProduct}),
			tx.PutTeam(&spec.Team{Name: "cad"}, nil, []string{ada.ID}),
			tx.PutContract(&spec.Contract{Name: "design", Offers: []spec.Offer{{Product: "cad", Seats: 3}}}))
	})
	h.pass(time.Hour)
	h.update(func(tx *state.Tx) error { return tx.RemoveAccount(ada.ID, nil) })
	return h
}

func TestVerifyPassesWhatHappened(t *testing.T) {
	if err := lived(t).verify(); err != nil {
		t.Error(err)
	}
}

func TestVerifyNoticesWhatWasAltered(t *testing.T) {
	for name, statement := range map[string]string{
		"account created":         "UPDATE account SET created = created + 1",
		"account activated":       "UPDATE account SET activated = 5 WHERE activated = 0",
		"account deleted":         "PRAGMA foreign_keys=OFF; DELETE FROM account WHERE activated = 0",
		"person's name":           "UPDATE person SET name = 'eve' WHERE name = 'bo'",
		"person's address":        "UPDATE person SET email = 'eve@acme.example' WHERE name = 'bo'",
		"person's keys":           `UPDATE person SET signing_keys = '["ssh-ed25519 EVE"]' WHERE name = 'bo'`,
		"person's past":           "UPDATE person SET last_name = 'Byron' WHERE since = 1 AND name = 'ada'",
		"person suspended":        "UPDATE person SET suspended = 1 WHERE name = 'bo'",
		"person ended":            "UPDATE person SET until = 3 WHERE name = 'bo'",
		"person blanked":          "UPDATE person SET name = '', email = '' WHERE name = 'bo'",
		"access deleted":          "DELETE FROM access WHERE until IS NULL",
		"access added":            "INSERT INTO access (account, contract, product, first_day, last_day, reason, because, since) SELECT account, contract, 'bim', first_day, last_day, reason, because, since FROM access WHERE until IS NULL",
		"access prolonged":        "UPDATE access SET last_day = last_day + 1 WHERE since = 2",
		"access brought back":     "UPDATE access SET until = NULL WHERE since = 2",
		"access' reason":          "UPDATE access SET reason = 'because I can' WHERE until IS NULL",
		"access of somebody else": "UPDATE access SET account = (SELECT account FROM person WHERE name = 'ada') WHERE until IS NULL",
		"role":                    "UPDATE role SET account = (SELECT account FROM person WHERE name = 'ada') WHERE until IS NULL",
		"role's past":             "DELETE FROM role WHERE until IS NOT NULL",
		"product's past":          "UPDATE product SET body = replace(body, '2027', '2026')",
		"contract's seats":        `UPDATE contract SET body = replace(body, '"seats":3', '"seats":30')`,
		"contract's support":      "UPDATE contract SET support_email = 'eve@acme.example' WHERE until IS NULL",
		"team's access":           "UPDATE team SET body = replace(body, 'cad', 'bim')",
		"team's reasons":          `UPDATE team SET reasons = '["other"]' WHERE since = 1`,
		"team member":             "DELETE FROM team_member WHERE until IS NULL",
		"figures":                 "UPDATE holding SET people = people + 1 WHERE until IS NULL",
		"figures of the pending":  "UPDATE holding SET pending = pending + 1 WHERE until IS NULL",
		"figures deleted":         "DELETE FROM holding WHERE until IS NULL",
		"figures made up":         "INSERT INTO holding (contract, product, first_day, last_day, people, pending, suspended, since) VALUES ('design', 'bim', 0, 1, 1, 0, 0, 1)",
		"figures of the past":     "UPDATE holding SET people = people + 1 WHERE until IS NOT NULL",
		"figures' time":           "UPDATE holding SET since = since + 1 WHERE since = 1",
		"somebody called idle":    "UPDATE person SET idle = 1 WHERE until IS NULL",
		"invitation's last day":   "UPDATE invitation SET expires = expires + 1 WHERE issue = 2",
		"revision's actor":        "UPDATE revision SET actor = 'somebody else' WHERE number = 1",
		"revision's approval":     "UPDATE revision SET approved = 1 WHERE number = 2",
		"revision's time":         "UPDATE revision SET at = at - 1 WHERE number = 2",
		"audit entry":             `UPDATE audit SET entries = replace(entries, '"do":"grant"', '"do":"revoke"')`,
		"audit's days":            `UPDATE audit SET entries = replace(entries, '"days"', '"Days"')`,
		"audit's time":            "UPDATE audit SET at = at + 1 WHERE seq = 2",
		"audit's subject":         "UPDATE audit SET subject = 'product/bim' WHERE subject = 'product/cad'",
		"audit row deleted":       "DELETE FROM audit WHERE seq = 3",
		"audit's last deleted":    "DELETE FROM audit WHERE seq = (SELECT MAX(seq) FROM audit)",
		"audit's first deleted":   "DELETE FROM audit WHERE seq = 1",
		"audit's order":           "UPDATE audit SET seq = -2 WHERE seq = 2; UPDATE audit SET seq = 2 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = -2",
		"audit's hash":            "UPDATE audit SET hash = zeroblob(32) WHERE seq = 2",
		"personal part":           "UPDATE audit_personal SET value = replace(value, 'Lastbo', 'Lasteve')",
		"salt":                    "UPDATE audit_personal SET salt = zeroblob(16) WHERE seq = 1",
		"personal part deleted":   "DELETE FROM audit_personal WHERE seq = (SELECT MIN(a.seq) FROM audit a JOIN person p ON a.subject = 'account/' || p.account WHERE p.name = 'bo')",
		"team's part deleted":     "DELETE FROM audit_personal WHERE seq IN (SELECT seq FROM audit WHERE subject = 'team/cad')",
		"revision undone":         "DELETE FROM audit WHERE revision = 3; DELETE FROM audit_personal WHERE seq NOT IN (SELECT seq FROM audit)",
	} {
		t.Run(name, func(t *testing.T) {
			h := lived(t)
			h.tamper(statement)
			err := h.verify()
			if !errors.Is(err, state.ErrDamaged) {
				t.Errorf("Verify: %v; want ErrDamaged", err)
			}
		})
	}
}

func TestVerifySaysWhere(t *testing.T) {
	h := lived(t)
	h.tamper("UPDATE audit SET at = at + 1 WHERE seq = 2")
	err := h.verify()
	if err == nil || !strings.Contains(err.Error(), "audit: row 2 of ") {
		t.Errorf("Verify: %v; want row 2 named", err)
	}
}

func TestHistory(t *testing.T) {
	h := lived(t)
	events, err := h.db.History(t.Context(), h.truth().Gone[0].ID)
	must(t, err)
	var got []string
	for _, e := range events {
		got = append(got, strings.Join(strings.Fields(strings.Join([]string{e.Action, e.Kind, e.Field, e.Contract, e.Product, e.Role, e.From, "->", e.To}, " ")), " "))
	}
	want := []string{
		"add user -> Firstada Lastada <Ada@acme.example>",
		"invite user -> invitation 1, good before 2027-04-04 10:15:02",
		"assign role design softwareCoordinator ->",
		"join team team -> cad",
		"grant access design cad -> without end",
		"change user generation 0 -> 2",
		"resend user -> invitation 2, good before 2027-04-04 11:15:02",
		"change user lastName Lastada -> Lovelace",
		"change access days design cad without end -> until 2027-02-03",
		"unassign role design softwareCoordinator ->",
		"leave team team cad ->",
		"revoke access design cad until 2027-02-03 ->",
		"remove user Firstada Lovelace <Ada@acme.example> ->",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("history:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A history whose audit was altered is told as far as it can be.
func TestHistoryOfAnAlteredAudit(t *testing.T) {
	h := lived(t)
	account, err := h.db.Account(t.Context(), "bo")
	must(t, err)
	whole, err := h.db.History(t.Context(), account.ID)
	must(t, err)
	h.tamper(`UPDATE audit SET entries = replace(replace(entries, '"days"', '"dayz"'), '"was"', '"waz"')`)
	events, err := h.db.History(t.Context(), account.ID)
	must(t, err)
	spans := 0
	for _, e := range events {
		if e.Kind == "access" && e.From+e.To != "" {
			spans++
		}
	}
	if len(events) != len(whole) || spans > 0 {
		t.Errorf("%d events, %d of them with days; want %d, and none of them: %+v", len(events), spans, len(whole), events)
	}
}
