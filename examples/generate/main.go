// Command generate writes the manifests of an organisation of any size, to try
// usher on or to measure it with. The same arguments write the same files.
//
//	go run ./examples/generate -users 100000 /tmp/big
//
// Everybody has about three of fifty products, one of them through a team.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
)

const (
	products     = 50
	teamMembers  = 100 // people a team
	teamsPerFile = 1000
	folders      = 256 // that files of one person each are spread over
)

func main() {
	users := flag.Int("users", 1000, "how many people")
	perFile := flag.Int("per-file", 1000, "how many people a file; 1 spreads the files over 256 folders")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: generate [-users N] [-per-file N] DIR")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 || *users < 1 || *perFile < 1 {
		flag.Usage()
		os.Exit(1)
	}
	if err := generate(flag.Arg(0), *users, *perFile); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func generate(dir string, users, perFile int) error {
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return fmt.Errorf("%s is not empty", dir)
	}
	random := rand.New(rand.NewPCG(1, 2)) // fixed: the same organisation each time
	if err := write(filepath.Join(dir, "contract.yaml"), contract); err != nil {
		return err
	}
	for from := 0; from < users; from += teamsPerFile * teamMembers {
		file := filepath.Join(dir, "teams", fmt.Sprintf("%05d.yaml", from/teamMembers))
		if err := write(file, func(w *bufio.Writer) { teams(w, from, min(from+teamsPerFile*teamMembers, users)) }); err != nil {
			return err
		}
	}
	for from := 0; from < users; from += perFile {
		file := filepath.Join(dir, "people", fmt.Sprintf("%07d.yaml", from))
		if perFile == 1 {
			file = filepath.Join(dir, "people", fmt.Sprintf("%02x", from%folders), fmt.Sprintf("%07d.yaml", from))
		}
		err := write(file, func(w *bufio.Writer) {
			for i := from; i < min(from+perFile, users); i++ {
				person(w, i, random)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func write(file string, content func(*bufio.Writer)) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	content(w)
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

func contract(w *bufio.Writer) {
	fmt.Fprint(w, "apiVersion: usher/v1\nkind: Contract\nmetadata: {name: all}\nspec:\n  contractManager: u0000000\n  products:\n")
	for p := range products {
		fmt.Fprintf(w, "    - {name: p%02d}\n", p)
	}
	for p := range products {
		fmt.Fprintf(w, "---\napiVersion: usher/v1\nkind: Product\nmetadata: {name: p%02d}\nspec: {title: Product %d}\n", p, p)
	}
}

// teams writes the teams of the people from one number up to another.
func teams(w *bufio.Writer, from, to int) {
	for ; from < to; from += teamMembers {
		fmt.Fprintf(w, "---\napiVersion: usher/v1\nkind: Team\nmetadata: {name: t%05d}\nspec:\n  members:\n", from/teamMembers)
		for i := from; i < min(from+teamMembers, to); i++ {
			fmt.Fprintf(w, "    - u%07d\n", i)
		}
		fmt.Fprintf(w, "  access: [p%02d]\n", from/teamMembers%products)
	}
}

func person(w *bufio.Writer, i int, random *rand.Rand) {
	fmt.Fprintf(w, `---
apiVersion: usher/v1
kind: User
metadata: {name: u%07d}
spec:
  email: u%07d@acme.example
  firstName: First
  lastName: Last
  access:
    - p%02d
    - {product: p%02d, from: 2026-01-01}
`, i, i, random.IntN(products), random.IntN(products))
}
