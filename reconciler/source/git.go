package source

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
)

// Repository reads objects of a git repository, bare or with a work tree. It
// never reads a work tree, runs no hooks and follows no replaced refs; neither
// the user's nor the system's configuration reaches it. What it reads it hashes
// again, because git serves a loose object that was tampered with.
type Repository struct {
	path string // as given

	mu     sync.Mutex
	real   string // where path led when the repository was found, without links
	dir    string // the git directory; HEAD is in it
	shared string // the one that all work trees share; refs are in it
}

// errNoObject means that a ref or an object does not exist in the repository.
var errNoObject = errors.New("there is no such object")

// OpenRepository finds the repository at path.
func OpenRepository(ctx context.Context, path string) (*Repository, error) {
	r := &Repository{path: path}
	if err := r.find(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

// find finds the git directory, again where path now leads elsewhere: what
// mirrors repositories swaps a link.
func (r *Repository) find(ctx context.Context) error {
	real, err := realPath(r.path)
	if err != nil {
		return fmt.Errorf("opening repository %s: %w", r.path, plainError(err))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if real == r.real {
		return nil
	}
	out, err := r.git(ctx, "-C", real, "-c", "safe.directory=*", "rev-parse", "--path-format=absolute", "--git-dir", "--git-common-dir").Output()
	if err != nil {
		return fmt.Errorf("opening repository %s: %w", r.path, gitError(err))
	}
	dir, shared, _ := strings.Cut(strings.TrimSuffix(string(out), "\n"), "\n")
	r.real, r.dir, r.shared = real, dir, shared
	return nil
}

// folders returns the git directory and the one that all work trees share.
func (r *Repository) folders() (dir, shared string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dir, r.shared
}

// git is a git command that sees nothing of its surroundings but the repository.
func (r *Repository) git(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Env = append(cmd.Env,
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull,
		"GIT_NO_REPLACE_OBJECTS=1", "GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C",
		"PATH="+os.Getenv("PATH"), "HOME="+os.Getenv("HOME"))
	return cmd
}

// at is a git command on this repository.
func (r *Repository) at(ctx context.Context, args ...string) *exec.Cmd {
	dir, _ := r.folders()
	return r.git(ctx, append([]string{"--git-dir=" + dir, "-c", "safe.directory=*", "-c", "core.fsmonitor=false"}, args...)...)
}

// gitError gives the error of a git command what git itself said.
func gitError(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) && len(exit.Stderr) > 0 {
		line, _, _ := strings.Cut(strings.TrimSpace(string(exit.Stderr)), "\n")
		return errors.New(strings.TrimPrefix(line, "fatal: "))
	}
	if errors.Is(err, exec.ErrNotFound) {
		return errors.New("git is not installed, and --ref reads commits with it")
	}
	return err
}

// errTooLarge means that an object has more bytes than are read of one.
var errTooLarge = errors.New("more than")

// object is one object of a repository, its bytes proven to be those of its id.
type object struct {
	id   string
	kind string // commit, tree, blob or tag
	data []byte
}

// batch is one `git cat-file --batch` at work.
type batch struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func (r *Repository) batch(ctx context.Context) (*batch, error) {
	cmd := r.at(ctx, "cat-file", "--batch")
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, gitError(err)
	}
	return &batch{cmd: cmd, in: in, out: bufio.NewReaderSize(out, 1<<16)}, nil
}

// close ends the process. What it was still about to say is of no interest.
func (b *batch) close() {
	b.in.Close()
	b.cmd.Cancel()
	b.cmd.Wait()
}

// ask requests an object by a name that git understands; answers come in order.
func (b *batch) ask(name string) error {
	if strings.ContainsAny(name, "\n\r") {
		return fmt.Errorf("%q is not the name of an object", name)
	}
	_, err := io.WriteString(b.in, name+"\n")
	return err
}

// answer reads the next object. One larger than most bytes is an error.
func (b *batch) answer(most int64) (object, error) {
	head, err := b.out.ReadString('\n')
	if err != nil {
		return object{}, fmt.Errorf("git cat-file ended: %w", err)
	}
	head = strings.TrimSuffix(head, "\n")
	fields := strings.Fields(head)
	if len(fields) != 3 {
		return object{}, fmt.Errorf("%w: %s", errNoObject, strings.TrimSuffix(head, " missing"))
	}
	size, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil {
		return object{}, fmt.Errorf("git cat-file said %q", head)
	}
	o := object{id: fields[0], kind: fields[1]}
	if size > most {
		if _, err := io.CopyN(io.Discard, b.out, size+1); err != nil {
			return o, err
		}
		return o, fmt.Errorf("%s %s has %d bytes, %w the %d that are read", o.kind, o.id, size, errTooLarge, most)
	}
	o.data = make([]byte, size)
	if _, err := io.ReadFull(b.out, o.data); err != nil {
		return o, err
	}
	if _, err := b.out.Discard(1); err != nil {
		return o, err
	}
	return o, o.prove()
}

// get asks for one object and reads it.
func (b *batch) get(name string, most int64) (object, error) {
	if err := b.ask(name); err != nil {
		return object{}, err
	}
	return b.answer(most)
}

// prove hashes the object again.
func (o *object) prove() error {
	var h hash.Hash
	switch len(o.id) {
	case 2 * sha1.Size:
		h = sha1.New()
	case 2 * sha256.Size:
		h = sha256.New()
	default:
		return fmt.Errorf("%q is not an object id", o.id)
	}
	fmt.Fprintf(h, "%s %d\x00", o.kind, len(o.data))
	h.Write(o.data)
	if got := hex.EncodeToString(h.Sum(nil)); got != o.id {
		return fmt.Errorf("%s %s is not what its id says: the repository was tampered with or is damaged", o.kind, o.id)
	}
	return nil
}

// treeEntry is one entry of a tree object.
type treeEntry struct {
	mode, name, id string
}

// Modes of tree entries.
const (
	modeTree       = "40000"
	modeFile       = "100644"
	modeExecutable = "100755"
	modeLink       = "120000"
	modeModule     = "160000"
)

// entries reads a tree object: "mode name\0" and the raw id, again and again.
func (o *object) entries() ([]treeEntry, error) {
	idSize := len(o.id) / 2
	var list []treeEntry
	for rest := o.data; len(rest) > 0; {
		head, after, ok := bytes.Cut(rest, []byte{0})
		mode, name, named := strings.Cut(string(head), " ")
		if !ok || !named || len(after) < idSize {
			return nil, fmt.Errorf("tree %s is damaged", o.id)
		}
		list = append(list, treeEntry{mode, name, hex.EncodeToString(after[:idSize])})
		rest = after[idSize:]
	}
	return list, nil
}
