package main

import (
	"embed"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

//go:embed topics/*.md
var topicFiles embed.FS

// topicNames is every topic of help, sorted.
func topicNames() []string {
	entries, err := topicFiles.ReadDir("topics")
	if err != nil {
		panic(err) // embedded: cannot be missing
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = strings.TrimSuffix(e.Name(), ".md")
	}
	return names
}

func (a *app) helpCommand() *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND or TOPIC]", Short: "help with a command or a topic",
		Long:      "Shows help with a command, or a topic:\n" + strings.Join(topicNames(), ", ") + ".",
		Example:   "  usher help manifests\n  usher help plan",
		ValidArgs: topicNames(),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return c.Root().Help()
			}
			if text, err := topicFiles.ReadFile("topics/" + args[0] + ".md"); err == nil && len(args) == 1 {
				_, err = a.stdout.Write(text)
				return err
			}
			found, rest, err := c.Root().Find(args)
			if err != nil || len(rest) > 0 || found == c.Root() {
				return usage(didYouMean(args[0], helpWords(c.Root())), "there is no help with %q", strings.Join(args, " "))
			}
			return found.Help()
		},
	}
}

// helpWords is all that help can be asked about.
func helpWords(root *cobra.Command) []string {
	words := topicNames()
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() {
			words = append(words, c.Name())
		}
	}
	return words
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "which usher this is",
		Long:    "Shows the version and the commit that this usher was built from, and with what.",
		Example: "  usher version",
		Args:    wants(0, 0, "no arguments"), PersistentPreRunE: a.load,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.stdout, version())
			return err
		},
	}
}

// version is "usher v1.2.3 (commit 0123456789ab) go1.26.0 linux/amd64".
func version() string {
	words := []string{"usher"}
	if info, ok := debug.ReadBuildInfo(); ok {
		words = append(words, info.Main.Version)
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				words = append(words, "(commit "+s.Value[:12]+")")
			}
		}
	}
	return strings.Join(append(words, runtime.Version(), runtime.GOOS+"/"+runtime.GOARCH), " ")
}
