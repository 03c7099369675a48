package main

import (
	"fmt"
	"os"
	"regexp"
	"sync"

	"github.com/spf13/cobra"

	"usher/reconciler"
	"usher/reconciler/source"
)

// authorityFlags say whose commits count.
type authorityFlags struct {
	authority, trust, forgeKey string
}

func (f *authorityFlags) flags(c *cobra.Command) {
	c.Flags().StringVar(&f.authority, "authority", "signature", "how commits of --ref are judged: by `who` signed them (signature), or not at all (none)")
	c.Flags().StringVar(&f.trust, "trust", "", "begin from this `commit`, where none was applied yet: it counts without signatures, later ones by theirs")
	c.Flags().StringVar(&f.forgeKey, "forge-key", "", "`file` with the SSH keys the forge signs its own commits with: their authors stand for them")
}

// commitID is enough of a commit's id that nobody makes another with it by chance.
var commitID = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[0-9a-f]{12,64}$`)
})

// judge has a controller judge commits as the flags say.
func (f *authorityFlags) judge(c *cobra.Command, control *reconciler.Controller) error {
	ref, commits := control.Source.(*source.Ref)
	if !commits {
		for _, name := range []string{"authority", "trust", "forge-key"} {
			if c.Flags().Changed(name) {
				return usage("a folder does not say who changed it", "--%s is for commits, and needs --ref", name)
			}
		}
		return nil
	}
	switch f.authority {
	case "signature":
		control.Authority = true
	case "none":
		if f.trust != "" || f.forgeKey != "" {
			return usage("leave out --authority none", "--authority none asks nobody for a signature, so --trust and --forge-key mean nothing")
		}
		return nil
	default:
		return usage("signature or none", "there is no authority %q", f.authority)
	}
	if f.trust != "" && !commitID().MatchString(f.trust) {
		return usage("git rev-parse shows it", "--trust wants the id of a commit, 12 digits or more, and %q is none", f.trust)
	}
	control.Trust = f.trust
	return f.trustForge(ref)
}

func (f *authorityFlags) trustForge(ref *source.Ref) error {
	if f.forgeKey == "" {
		return nil
	}
	text, err := os.ReadFile(f.forgeKey)
	if err != nil {
		return fmt.Errorf("reading --forge-key: %w", err)
	}
	keys, err := source.ParseForgeKeys(text)
	if err != nil {
		return fmt.Errorf("reading --forge-key %s: %w", f.forgeKey, err)
	}
	ref.TrustForge(keys)
	return nil
}
