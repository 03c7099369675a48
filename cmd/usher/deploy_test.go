package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// How usher is started, in each example of a deployment.
func deployments(t *testing.T) map[string][]string {
	t.Helper()
	starts := map[string][]string{}
	unit := read(t, "systemd/usher.service")
	m := regexp.MustCompile(`(?m)^ExecStart=(.+)$`).FindStringSubmatch(unit)
	if m == nil {
		t.Fatal("the unit starts nothing")
	}
	starts["systemd/usher.service"] = strings.Fields(m[1])
	container := read(t, "container/Containerfile")
	m = regexp.MustCompile(`(?m)^ENTRYPOINT (\[.+\])$`).FindStringSubmatch(container)
	if m == nil {
		t.Fatal("the container starts nothing")
	}
	var entry []string
	if err := yaml.Unmarshal([]byte(m[1]), &entry); err != nil {
		t.Fatal(err)
	}
	starts["container/Containerfile"] = entry
	for _, file := range []string{"kubernetes/git-sync.yaml", "kubernetes/configmap.yaml"} {
		starts[file] = kubernetesStart(t, file)
	}
	return starts
}

// kubernetesStart returns the command of the usher container of a Deployment,
// and checks what every pod of ours must be.
func kubernetesStart(t *testing.T, file string) []string {
	t.Helper()
	type container struct {
		Name            string
		Command         []string
		SecurityContext struct {
			ReadOnlyRootFilesystem   bool `yaml:"readOnlyRootFilesystem"`
			AllowPrivilegeEscalation bool `yaml:"allowPrivilegeEscalation"`
		} `yaml:"securityContext"`
	}
	dec := yaml.NewDecoder(strings.NewReader(read(t, file)))
	for {
		var d struct {
			Kind string
			Spec struct {
				Replicas int
				Strategy struct{ Type string }
				Template struct {
					Spec struct{ Containers []container }
				}
			}
		}
		if err := dec.Decode(&d); err == io.EOF {
			t.Fatalf("%s has no Deployment with a container named usher", file)
		} else if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, c := range d.Spec.Template.Spec.Containers {
			if !c.SecurityContext.ReadOnlyRootFilesystem || c.SecurityContext.AllowPrivilegeEscalation {
				t.Errorf("%s: container %s may write its root or gain privileges", file, c.Name)
			}
			if c.Name == "usher" {
				if d.Spec.Replicas != 1 || d.Spec.Strategy.Type != "Recreate" {
					t.Errorf("%s: %d replicas, %s: two pods would wait for one lock", file, d.Spec.Replicas, d.Spec.Strategy.Type)
				}
				return c.Command
			}
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "examples", file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What deployments start is a command that exists, with flags that it has.
func TestDeploymentsStartWhatThereIs(t *testing.T) {
	for file, start := range deployments(t) {
		var out bytes.Buffer
		a := newApp(strings.NewReader(""), &out, &out, nil)
		root := a.command()
		found, rest, err := root.Find(start[1:])
		if err != nil || found.Name() != "watch" {
			t.Errorf("%s: %q starts no watch: %v", file, start, err)
			continue
		}
		if err := found.ParseFlags(rest); err != nil {
			t.Errorf("%s: %q: %v", file, start, err)
		}
	}
}

// Every variable that a deployment sets is a setting, and its file of settings
// can be read.
func TestDeploymentsSetWhatThereIs(t *testing.T) {
	known := map[string]bool{"USHER_CONFIG": true}
	for _, name := range settingNames() {
		known["USHER_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_"))] = true
	}
	for file := range deployments(t) {
		for _, name := range regexp.MustCompile(`USHER_[A-Z_]+`).FindAllString(read(t, file), -1) {
			if !known[name] {
				t.Errorf("%s sets %s, which is no setting", file, name)
			}
		}
	}
	s := defaults()
	if err := s.read(filepath.Join("..", "..", "examples", "systemd", "usher.yaml")); err != nil {
		t.Error(err)
	}
	if code := run([]string{"version", "--config", "../../examples/systemd/usher.yaml"}, strings.NewReader(""), io.Discard, io.Discard, nil); code != 0 {
		t.Errorf("usher version with the service's settings ends with %d", code)
	}
}
