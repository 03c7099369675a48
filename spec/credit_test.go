package spec

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseUsage(t *testing.T) {
	day, err := ParseDay("2026-11-20")
	if err != nil {
		t.Fatal(err)
	}
	at := func(line, column int32) Origin { return Origin{File: "u.csv", Line: line, Column: column} }
	ada := Usage{Contract: "design", User: "ada", Day: day, Credits: 12, ContractAt: at(2, 1), UserAt: at(2, 8)}
	tests := []struct {
		name, text string
		want       []Usage
	}{
		{"plain", "contract,user,day,credits\ndesign,ada,2026-11-20,12\n", []Usage{ada}},
		{"byte order mark, CRLF, no last line end", "\uFEFFcontract,user,day,credits\r\ndesign,ada,2026-11-20,12", []Usage{ada}},
		{"other order", "credits,day,user,contract\n0,2026-11-20,Ada@Acme.example,design\n", []Usage{
			{Contract: "design", User: "Ada@Acme.example", Day: day, ContractAt: at(2, 31), UserAt: at(2, 14)},
		}},
		{"cells quoted, blanks around, lines that say nothing", "contract,user,day,credits\n\n,,,\n\"design\",ada ,2026-11-20, 12\n", []Usage{
			{Contract: "design", User: "ada", Day: day, Credits: 12, ContractAt: at(4, 1), UserAt: at(4, 10)},
		}},
		{"tomorrow, and the most there may be", "contract,user,day,credits\ndesign,ada,2026-11-23,1000000000\n", []Usage{
			{Contract: "design", User: "ada", Day: day + 3, Credits: 1_000_000_000, ContractAt: at(2, 1), UserAt: at(2, 8)},
		}},
		{"header alone", "contract,user,day,credits\n", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, errs := ParseUsage("u.csv", []byte(test.text), day+2)
			if len(errs) > 0 {
				t.Errorf("errors: %v; want none", errs)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
		})
	}
}

// TestParseUsageRefuses: all that is wrong is told at once, each with its place.
func TestParseUsageRefuses(t *testing.T) {
	const header = "contract,user,day,credits\n"
	tests := []struct {
		name, text string
		want       []string // error, and hint after a bar
	}{
		{"empty", "", []string{"u.csv: the file is empty|its first line is contract,user,day,credits"}},
		{"not UTF-8", "contract,user,day,credits\ndesign,\xe9va,2026-11-20,1\n", []string{"u.csv: the file is not UTF-8|save it as CSV UTF-8"}},
		{"too large", strings.Repeat("x", MaxUsageFile+1), []string{"u.csv: the file has more than 8 MiB|split it; each part needs the header"}},
		{"semicolons", "contract;user;day;credits\ndesign;ada;2026-11-20;1\n", []string{"u.csv:1:1: the cells are separated by semicolons|separate them by commas"}},
		{"columns", "contract,usr,user,user,note\n", []string{
			"u.csv:1:1: the column credits is missing|",
			"u.csv:1:1: the column day is missing|",
			`u.csv:1:10: there is no column "usr"|did you mean user?`,
			"u.csv:1:19: the column user is there twice|",
			`u.csv:1:24: there is no column "note"|the columns are contract, user, day, credits`,
		}},
		{"quotes", header + "design,ada,2026-11-20,x\ndesign,a\"da,2026-11-20,1\ndesign,ada,2026-11-20,y\n", []string{
			`u.csv:2:23: credits: "x" is not a whole number of credits|write digits alone, such as 1250`,
			`u.csv:3:9: the quotes do not match|a cell with quotes in it is written "like ""this"""`,
		}},
		{"every cell", header + ",,,1\ndesign,ada\ndesign,ada,22.11.2026,-3\ndesign,ada,2031-01-01,5.5\ndesign,ada,2026-11-20,1000000001\ndesign,ada,2026-11-20,99999999999999999999\n" +
			"design,ada,2026-11-20,+5\ndesign," + strings.Repeat("a", 255) + ",2026-11-20,５\n", []string{
			"u.csv:2:1: contract: it is empty|",
			"u.csv:2:2: user: it is empty|",
			"u.csv:2:3: day: it is empty|",
			"u.csv:3:1: the line has 2 cells, the header 4|",
			`u.csv:4:12: day: "22.11.2026" is not a day written as 2027-03-31|`,
			`u.csv:4:23: credits: "-3" is less than nothing|to correct a day, import its right amount again`,
			"u.csv:5:12: day: 2031-01-01 has not come yet|usage is what was used, not what will be",
			`u.csv:5:23: credits: "5.5" is not a whole number of credits|write digits alone, such as 1250`,
			"u.csv:6:23: credits: 1000000001 is more than the 1000000000 that one line may say|",
			"u.csv:7:23: credits: 99999999999999999999 is more than the 1000000000 that one line may say|",
			`u.csv:8:23: credits: "+5" is not a whole number of credits|write digits alone, such as 1250`,
			"u.csv:9:8: user: it has 255 bytes, more than the 254 that any name has|",
			`u.csv:9:275: credits: "５" is not a whole number of credits|write digits alone, such as 1250`,
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, errs := ParseUsage("u.csv", []byte(test.text), DayOf(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)))
			var got []string
			for _, e := range errs {
				got = append(got, e.Error()+"|"+e.Hint)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzParseUsage: whatever is handed in, lines and errors have their place in it.
func FuzzParseUsage(f *testing.F) {
	f.Add("contract,user,day,credits\ndesign,ada,2026-11-20,12\n")
	f.Add("\uFEFFcredits,day,user,contract\r\n1,2026-11-20,\"a\r\nb\",design\r\n")
	f.Add("contract,user\n\"")
	f.Fuzz(func(t *testing.T, text string) {
		lines, errs := ParseUsage("u.csv", []byte(text), 20_000)
		end := int32(strings.Count(text, "\n") + strings.Count(text, "\r") + 1)
		for _, u := range lines {
			if u.Credits < 0 || u.Day > 20_001 || u.User == "" || u.Contract == "" {
				t.Errorf("a line that is not right: %+v", u)
			}
			if u.UserAt.Line < 2 || u.UserAt.Line > end {
				t.Errorf("line %d of a file with %d", u.UserAt.Line, end)
			}
		}
		for _, e := range errs {
			if strings.ContainsAny(e.Error(), "\n\x1b") {
				t.Errorf("an error that a terminal would obey: %q", e.Error())
			}
		}
	})
}
