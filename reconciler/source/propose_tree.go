package source

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strings"
)

// treeWriter is one `git mktree --batch` at work, beside the reader of the trees
// that new ones are made from.
type treeWriter struct {
	treeWalk
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	err bytes.Buffer // what git says when it gives up
}

func (r *Repository) treeWriter(ctx context.Context, p *Proposal, b *batch) (*treeWriter, error) {
	w := &treeWriter{treeWalk: treeWalk{batch: b}, cmd: r.writing(ctx, p, nil, "mktree", "-z", "--batch")}
	w.cmd.Stderr = &w.err
	var err error
	if w.in, err = w.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	w.out = bufio.NewReader(out)
	return w, w.cmd.Start()
}

// close ends the process; what git said of its own failure comes before ours,
// which only follows from it.
func (w *treeWriter) close(failure error) error {
	w.in.Close()
	if err := w.cmd.Wait(); err != nil {
		return fmt.Errorf("writing the tree: %w", gitError(&exec.ExitError{ProcessState: w.cmd.ProcessState, Stderr: w.err.Bytes()}))
	}
	return failure
}

// write writes a tree of these entries and returns its id.
func (w *treeWriter) write(entries map[string]treeEntry) (string, error) {
	var list bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		e := entries[name]
		fmt.Fprintf(&list, "%s %s %s\t%s\x00", e.mode, e.kind(), e.id, e.name)
	}
	list.WriteByte(0)
	if _, err := w.in.Write(list.Bytes()); err != nil {
		return "", err
	}
	id, err := w.out.ReadString('\n')
	return strings.TrimSuffix(id, "\n"), err
}

// kind is the kind of object that an entry names.
func (e treeEntry) kind() string {
	switch e.mode {
	case modeTree:
		return "tree"
	case modeModule:
		return "commit"
	}
	return "blob"
}

// grown writes a tree with some files of it replaced, added, or gone ("" for a
// blob), and returns its id. A folder without files goes as well: it is "".
func (w *treeWriter) grown(id, prefix string, blobs map[string]string) (string, error) {
	entries := map[string]treeEntry{}
	if id != "" {
		list, err := w.tree(id)
		if err != nil {
			return "", err
		}
		for _, e := range list {
			entries[e.name] = e
		}
	}
	below := map[string]map[string]string{}
	for _, path := range slices.Sorted(maps.Keys(blobs)) {
		name, rest, nested := strings.Cut(path, "/")
		if nested {
			if below[name] == nil {
				below[name] = map[string]string{}
			}
			below[name][rest] = blobs[path]
			continue
		}
		if err := place(entries, name, blobs[path]); err != nil {
			return "", fmt.Errorf("%s: %w", prefix+name, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(below)) {
		if err := w.folder(entries, name, prefix, below[name]); err != nil {
			return "", err
		}
	}
	if len(entries) == 0 && prefix != "" {
		return "", nil
	}
	return w.write(entries)
}

// folder puts a folder's new tree in the place of its old one.
func (w *treeWriter) folder(entries map[string]treeEntry, name, prefix string, blobs map[string]string) error {
	old, there := entries[name]
	if there && old.mode != modeTree {
		return fmt.Errorf("%s is not a folder", prefix+name)
	}
	id, err := w.grown(old.id, prefix+name+"/", blobs)
	if err != nil {
		return err
	}
	if delete(entries, name); id != "" {
		entries[name] = treeEntry{mode: modeTree, name: name, id: id}
	}
	return nil
}

// place puts a file's new content in the place of the old, in the same mode.
func place(entries map[string]treeEntry, name, blob string) error {
	old, there := entries[name]
	switch {
	case there && old.kind() != "blob", there && old.mode == modeLink:
		return errors.New("there is a folder, a link or a submodule of that name, not a file")
	case !there && blob == "":
		return errors.New("there is no such file to remove")
	case blob == "":
		delete(entries, name)
		return nil
	case !there:
		old = treeEntry{mode: modeFile, name: name}
	}
	old.id = blob
	entries[name] = old
	return nil
}
